"""What can go wrong with a cluster: each error is one sentence with a code."""


class ClusterError(Exception):
    """`message` says what, where and what to do; `code` is one word for machines."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Refused(ClusterError):
    """The API server does not allow a read: which verb on which resource ("pods", "podgroups.GROUP")."""

    def __init__(self, verb: str, resource: str, message: str, code: str = "rbac-denied") -> None:
        super().__init__(f"not allowed to {verb} {resource}: {message}", code)
        self.verb = verb
        self.resource = resource


class ApiLost(ClusterError):
    """The API server could not be reached in spite of retries. `unsent`: the call surely never arrived."""

    def __init__(self, message: str, *, unsent: bool = False) -> None:
        super().__init__(message, "api-lost")
        self.unsent = unsent
