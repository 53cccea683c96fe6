"""dra_support: the requirement's check. See check.py."""
