"""Takes a workload's manifests from one cluster to another: its needs, what is there, and the edits. Pure."""
