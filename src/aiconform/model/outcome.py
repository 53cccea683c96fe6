"""The four outcomes."""

from enum import StrEnum


class Outcome(StrEnum):
    """What a clause, a check or a requirement came to.

    UNKNOWN means that nothing was proved either way, and always carries a code and a reason.
    NOT_APPLICABLE needs an observed reason or a human claim; no judge returns it from silence.
    """

    PASS = "PASS"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    NOT_APPLICABLE = "NOT_APPLICABLE"
