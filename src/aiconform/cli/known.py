"""The errors that other parts raise for the user, and which exit code they have.

They are imported when something went wrong, and not before: most commands need only some of these parts.
"""


def usage_errors() -> tuple[type[Exception], ...]:
    """Errors of the user's words (exit 64)."""
    from aiconform.checklists import UnknownChecklist
    from aiconform.engine.registry import UnknownCheck
    from aiconform.porting.errors import PortError

    return (UnknownChecklist, UnknownCheck, PortError)


def errors() -> tuple[type[Exception], ...]:
    """Errors of what the program works on (exit 3)."""
    from aiconform.cluster.errors import ApiLost, ClusterError, Refused
    from aiconform.engine.claims import ClaimsError
    from aiconform.evidence.errors import EvidenceError
    from aiconform.lab.errors import LabError
    from aiconform.submission.files import Unreadable

    return (ClusterError, Refused, ApiLost, EvidenceError, ClaimsError, LabError, Unreadable)
