"""One check's planning: what was found, what the user chose, and the attempts that come of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiconform.model import Accelerator, Attempt, Check, Inventory, Level, Node, Options
from aiconform.planning import accelerators, claims, nodes

# A code, and a sentence that says why nothing can be tried.
Unable = tuple[str, str]


# Where the engine puts what it has planned already: Inventory.facts[PLANNED] = {what is held: minutes}.
PLANNED = "planned"


@dataclass(frozen=True, kw_only=True)
class Planner:
    """What the plan of one check is made from. It remembers its attempts: the next one may choose another node."""

    check: Check
    inventory: Inventory
    options: Options
    level: Level
    _made: list[Attempt] = field(default_factory=list)

    def attempt(
        self,
        via: str,
        facts: Mapping[str, Any] | None = None,
        *,
        unable: Unable | None = None,
        holds: Iterable[str] = (),
        shares: Iterable[str] = (),
        late: Iterable[str] = (),
        spare: Iterable[str] = (),
        minutes: float | None = None,
        reads: bool = False,
        asked: bool = False,
    ) -> Attempt:
        """One try of the check. `via` names it in the recording's folder.

        `holds`, `shares`, `late`, `spare`: see Attempt; an `unable` one holds nothing and takes no time. `minutes`: if
        they are not the check's own. `reads`: this try makes nothing in the cluster, although the check may.
        `asked`: the user named it; what --mechanism names is anyway.
        """
        made = Attempt(
            id=f"{self.check.requirement}.{via}",
            check=self.check.requirement,
            via=via,
            level=self.level,
            holds=() if unable else tuple(holds),
            shares=() if unable else tuple(shares),
            late=() if unable else tuple(late),
            spare=() if unable else tuple(spare),
            settings=self.options.settings_for(self.check),
            facts=dict(facts or {}),
            minutes=0.0 if unable else self.check.minutes if minutes is None else minutes,
            disruption="reads" if reads else self.check.disruption,
            unable=unable,
            asked=asked or bool(self.wanted),
        )
        self._made.append(made)
        return made

    @property
    def load(self) -> dict[str, float]:
        """For how many minutes things are held by what is planned so far, in this check too."""
        minutes = claims.load(self._made)
        for name, before in self.inventory.facts.get(PLANNED, {}).items():
            minutes[name] = minutes.get(name, 0.0) + before
        return minutes

    @property
    def wanted(self) -> str:
        """The product that the user insists on for this check, of several the one in turn; "" if none."""
        return next(iter(self.options.mechanisms(self.check.requirement)), "")

    def schedulable(self) -> list[Node]:
        """Nodes that are Ready, not cordoned, and selected by the user."""
        return nodes.schedulable(self.inventory, self.options)

    def usable(self) -> list[Node]:
        """Those of them that run Linux, as the probe image does."""
        return nodes.usable(self.inventory, self.options)

    def richest(self, a: Accelerator, among: Iterable[Node]) -> list[Node]:
        """Those of the nodes that have units of it, the most units first, then the least used."""
        return accelerators.richest(a, among, self.load)

    def gentlest(self) -> list[Node]:
        """Usable nodes for pods that need no accelerator, the best first."""
        return nodes.gentlest(self.usable(), self.load)

    def called(self, *, vendors: bool = False) -> list[Accelerator]:
        """The accelerators that the user named (by vendor, too); all of them if none was named."""
        return accelerators.called(self.inventory.accelerators, self.options.accelerator, vendors=vendors)

    def none_called(self) -> Unable:
        """Why nothing is tried: what the user named is not there."""
        return "no-accelerator", f"no accelerator is called {' or '.join(self.options.accelerator)} here"

    def no_accelerator(self) -> Unable:
        """Why nothing is tried: what was named is not there, or nothing was found, with what could not be read."""
        if self.options.accelerator and self.inventory.accelerators:
            return self.none_called()
        because = "no accelerator was found in ResourceSlices or node allocatable"
        gaps = "; ".join(f"{g.what}: {g.why}" for g in self.inventory.gaps)
        return "no-accelerator", because + (f" (not everything could be read: {gaps})" if gaps else "")
