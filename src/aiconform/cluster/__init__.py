"""The cluster: connecting, calling, watching, and the sandbox in which a check works."""
