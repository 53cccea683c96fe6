"""What can go wrong with evidence files, in one sentence that a user can act on."""


class EvidenceError(Exception):
    """A recording could not be written or is not a recording. `str(error)` is the sentence to print."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
