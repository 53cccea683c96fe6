"""The registry as JSON has it: platforms, their submissions, and the rows of those."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Strength(StrEnum):
    """What kind of evidence something is, by its form alone: nothing behind a link is opened. Strongest first."""

    LOG = "log"
    REPORT = "report"
    SCRIPT = "script"
    DOCUMENTATION = "documentation"
    NOTHING = "nothing"


def strongest(kinds: tuple[Strength, ...]) -> Strength:
    """The strongest of several; NOTHING for none."""
    order = list(Strength)
    return min(kinds, key=order.index, default=Strength.NOTHING)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One entry of a row's evidence.

    `place`: "beside" (a file in the submission), "repository" (a file in some repository), "page", or "text".
    `problem` says why it is no evidence, such as a file that is not there.
    """

    text: str
    strength: Strength
    place: str
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class PlatformRow:
    """One requirement of one submission.

    `level` is the checklist's ("" if the checklist is not known), whatever the submission says. `status` is as
    submitted. `named` are mechanisms in notes and links, `shown` more of them in files beside the submission; `denied`
    those that are only said not to be there.
    """

    requirement: str
    level: str
    status: str
    strength: Strength
    named: tuple[str, ...]
    shown: tuple[str, ...]
    denied: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    notes: str
    changed: tuple[str, ...] = ()
    repeats: bool = False

    @property
    def implemented(self) -> bool:
        return self.status == "Implemented"

    @property
    def mechanisms(self) -> tuple[str, ...]:
        return self.named + self.shown


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One submission: a product for one version of Kubernetes.

    `certified` is when it came into the program's repository, `expires` a year later: the first day on which it is
    not valid any more. Both are None where the history does not tell; `undated` says why. `updated` is a later
    change. `since` says what changed since the platform's previous submission; `repeated` of `comparable` rows repeat
    that one's evidence.
    """

    version: str
    product: str
    name: str
    platform_version: str
    vendor: str
    description: str
    website: str
    documentation: str
    kinds: tuple[str, ...]
    accelerators: tuple[str, ...]
    certified: date | None
    expires: date | None
    updated: date | None
    undated: str
    rows: tuple[PlatformRow, ...]
    problems: tuple[str, ...]
    previous: str = ""
    since: tuple[str, ...] = ()
    repeated: int = 0
    comparable: int = 0

    @property
    def path(self) -> str:
        """Where it is in the registry: "v1.35/gke"."""
        return f"{self.version}/{self.product}"

    def row(self, requirement: str) -> PlatformRow | None:
        return next((r for r in self.rows if r.requirement == requirement), None)

    def valid(self, on: date) -> bool | None:
        """Whether the certification holds on a day; None if its date is not known."""
        if self.certified is None or self.expires is None:
            return None
        return self.certified <= on < self.expires


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One product over all its versions, oldest first. `id` is its folder's name in lower case."""

    id: str
    entries: tuple[Entry, ...]

    @property
    def newest(self) -> Entry:
        return self.entries[-1]


@dataclass(frozen=True, kw_only=True)
class Registry:
    """Everything that was read. `commit` is "" if the source is no checkout of its own."""

    source: str
    commit: str
    platforms: tuple[Platform, ...]
    problems: tuple[str, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(e for p in self.platforms for e in p.entries)
