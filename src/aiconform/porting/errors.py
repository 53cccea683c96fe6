"""What is wrong with a manifest, in one sentence."""


class PortError(Exception):
    """A manifest cannot be read or edited; the message says which, where, and what to do."""
