"""Gang scheduling: see check.py."""
