"""AI inference: see check.py."""
