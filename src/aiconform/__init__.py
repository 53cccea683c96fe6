"""Proves the CNCF Kubernetes AI Conformance requirements on a live cluster, and keeps the evidence."""

__version__ = "0.1.0"
