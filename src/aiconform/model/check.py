"""A check, its clauses, and how one attempt at it is described."""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from aiconform.model.inventory import Inventory
from aiconform.model.requirement import Level


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One thing that a platform does or does not do.

    `id` reads after "the platform": starts_the_whole_gang. `sentence` says the same in full.
    `control` says what was done to show that the opposite was possible ("" only for positive clauses).
    `optional` marks a clause that is judged only where it can be (it never turns PASS into UNKNOWN by its
    absence, but a FAIL of it counts): its reason must be in `when`.
    """

    id: str
    sentence: str
    control: str = ""
    optional: bool = False
    when: str = ""
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """A wait, in seconds, with the reason for its length. `--timeout-factor` multiplies `seconds`.

    `fast` is set for windows in which something must not happen: their length with `--fast`. A PASS that rests
    on a window shorter than `seconds` says so among its limits.
    """

    seconds: float
    reason: str
    fast: float | None = None


@dataclass(frozen=True, kw_only=True)
class Permission:
    """API calls that a check makes. `resources` may name subresources: "pods/log".

    `scope` is "namespace" (inside the namespaces that the run makes) or "cluster".
    """

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    scope: Literal["namespace", "cluster"] = "namespace"
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Check:
    """How one requirement is proved. Its module's docstring is the public page.

    `over`: how several attempts combine: one working mechanism is enough, or every accelerator must hold.
    `disruption`: what it does to the cluster: only reads, creates its own objects, or makes it scale.
    `minutes`: how long it usually takes (for the plan).
    `accelerators`: the least and the greatest number of units it holds at once on one node.
    """

    requirement: str
    title: str
    clauses: tuple[Clause, ...]
    over: Literal["some mechanism", "every accelerator"]
    permissions: tuple[Permission, ...]
    disruption: Literal["reads", "creates", "scales"]
    deadlines: dict[str, Deadline]
    minutes: float
    accelerators: tuple[int, int] = (0, 0)
    maturity: Literal["provisional", "stable"] = "provisional"
    page: str = ""

    def clause(self, clause_id: str) -> Clause:
        return next(c for c in self.clauses if c.id == clause_id)


@dataclass(frozen=True, kw_only=True)
class Detection:
    """Whether a mechanism can be used here, and by what signs that was seen."""

    usable: bool
    because: str
    version: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class Mechanism(Protocol):
    """What every adapter has. A check's `via/__init__` names the further verbs that its adapters need."""

    product: str

    def detect(self, inventory: Inventory) -> Detection:
        """Pure: looks at the inventory only."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One check, to be tried by one mechanism or on one accelerator. Made by `plan`, run by `observe`.

    `id` names the recording's folder: "gang_scheduling.native". `holds` names what it must have to itself, `shares`
    what it uses beside others: two attempts run one after the other if one holds what the other holds or shares.
    Of what it holds, `late` is needed only from the moment when its observation asks for its turn; `spare` belongs to
    nodes that it may choose instead, if no other uses them when it begins, until it has chosen (`cluster/turns.py`).
    The names are those of `planning/claims.py` ("accelerators/NODE"). `unable` is set when the plan already
    knows that nothing can be tried: (code, reason); the recording then holds that and nothing else.
    `asked`: the user named what is tried, so that it is not left out for the sake of time.
    `settings` are JSON values: deadlines in seconds under "deadlines", and what the user chose.
    `facts` are what the check's plan found in the inventory (node, accelerator, units).
    """

    id: str
    check: str
    via: str
    level: Level
    holds: tuple[str, ...]
    shares: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()
    settings: dict[str, Any]
    facts: dict[str, Any]
    minutes: float
    disruption: Literal["reads", "creates", "scales"]
    unable: tuple[str, str] | None = None
    asked: bool = False
