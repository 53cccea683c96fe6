"""The result of a comparison, as JSON has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from aiconform.model import Assessment, Check, Inventory, Level, Outcome, Run, Verdict

FORMAT = "aiconform.dev/comparison/v1"


class Change(StrEnum):
    """What became of an outcome.

    The first four begin with PASS and are regressions where a MUST is meant. They are told apart because they ask
    for different things: a broken platform, a run to repeat, an answer to review, a mechanism that is gone.
    """

    BROKE = "broke"  # PASS -> FAIL
    UNPROVED = "unproved"  # PASS -> UNKNOWN
    WAIVED = "waived"  # PASS -> NOT_APPLICABLE
    VANISHED = "vanished"  # was judged, is not any more
    WORSE = "worse"  # UNKNOWN or NOT_APPLICABLE -> FAIL
    BETTER = "better"  # anything -> PASS
    OTHER = "other"
    NEW = "new"
    SAME = "same"
    NOT_COMPARED = "not-compared"  # left out of one run, or not in one checklist


@dataclass(frozen=True, kw_only=True)
class Side:
    """One run, judged, with everything that a comparison needs of it."""

    run: Run
    inventory: Inventory
    verdicts: tuple[Verdict, ...]
    assessment: Assessment
    checks: Mapping[str, Check]


@dataclass(frozen=True, kw_only=True)
class RunLabel:
    """Which run is meant. `suite` is the version that recorded it."""

    run: str
    platform: str
    server_version: str
    started: str
    checklist: str
    suite: str


@dataclass(frozen=True, kw_only=True)
class ClauseChange:
    """One clause in one attempt of each run. A `via_*` of "" and an outcome of None: not judged there.

    `via_before` and `via_after` differ where each run had exactly one attempt without a partner in the other.
    """

    requirement: str
    clause: str
    via_before: str
    via_after: str
    before: Outcome | None
    after: Outcome | None
    change: Change
    regression: bool
    because_before: str
    because_after: str

    @property
    def via(self) -> str:
        """The attempt for a reader: "native", or "kueue -> volcano"."""
        names = [n for n in (self.via_before, self.via_after) if n]
        return " -> ".join(dict.fromkeys(names))


@dataclass(frozen=True, kw_only=True)
class FactChange:
    """Something beside the outcomes that differs. "" means that it was not there."""

    what: str
    before: str
    after: str
    regression: bool = False


@dataclass(frozen=True, kw_only=True)
class RowChange:
    """One requirement. `limits_gained` are limits of a PASS that the first run's PASS did not have."""

    requirement: str
    level: Level
    before: Outcome | None
    after: Outcome | None
    change: Change
    regression: bool
    because_before: str
    because_after: str
    limits_gained: tuple[str, ...]
    limits_lost: tuple[str, ...]
    clauses: tuple[ClauseChange, ...]
    facts: tuple[FactChange, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything that was compared, equal parts included.

    `notes` say what makes the runs less comparable: other settings, suites, checklists, platforms.
    `regressions` are sentences; empty means that nothing that passed is worse now.
    """

    before: RunLabel
    after: RunLabel
    same_platform: bool
    judged_by: str
    notes: tuple[str, ...]
    regressions: tuple[str, ...]
    rows: tuple[RowChange, ...]
    settings: tuple[FactChange, ...]
    facts: tuple[FactChange, ...]
    format: str = FORMAT
