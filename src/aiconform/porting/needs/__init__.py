"""Readers: each takes one part of the manifests and answers what the target has of it."""
