"""What will be tried, by what, in which order. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from aiconform.engine import registry
from aiconform.model import Attempt, Checklist, Inventory, Options, Slot

# Codes of attempts that failed because the inventory holds nothing to try.
_FOUND_NOTHING = ("no-accelerator", "no-node", "mechanism-not-found", "too-few-accelerators")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All attempts, their schedule, and the checklist rows that nothing is tried for, with the reason."""

    attempts: tuple[Attempt, ...]
    slots: tuple[Slot, ...]
    untried: dict[str, str]

    def attempt(self, attempt_id: str) -> Attempt:
        return next(a for a in self.attempts if a.id == attempt_id)

    @property
    def minutes(self) -> float:
        """How long the whole run is expected to take."""
        return max((s.minutes + self.attempt(s.attempt).minutes for s in self.slots), default=0.0)


def selected(checklist: Checklist, options: Options) -> tuple[str, ...]:
    """The rows that the user wants, in the checklist's order. Raises UnknownCheck for a name it does not have."""
    known = [r.id for r in checklist.requirements]
    for name in (*options.only, *options.skip):
        if name not in known:
            if name in registry.names():
                why = f"{name} is not in checklist {checklist.version}: choose another one with --checklist"
                raise registry.UnknownCheck(why)
            raise registry.UnknownCheck(f"there is no requirement {name!r}: choose from {', '.join(known)}")
    return tuple(i for i in known if (not options.only or i in options.only) and i not in options.skip)


def make_plan(checklist: Checklist, inventory: Inventory, options: Options) -> Plan:
    """Every attempt of every selected row, and when each one runs."""
    attempts: list[Attempt] = []
    untried: dict[str, str] = {}
    chosen = selected(checklist, options)
    for requirement in checklist.requirements:
        if requirement.id not in chosen:
            untried[requirement.id] = "not selected"
        elif requirement.id not in registry.names():
            untried[requirement.id] = "no check in this version"
        else:
            loaded = registry.load(requirement.id)
            found = loaded.attempts(inventory, options, requirement.level)
            attempts += [_not_blamed_for_blindness(a, inventory) for a in found]
    for a in attempts:
        if not a.id.startswith(f"{a.check}."):
            raise ValueError(f"attempt {a.id} of {a.check} is misnamed")
    ordered = in_order(attempts)
    return Plan(attempts=ordered, slots=schedule(ordered), untried=untried)


def _not_blamed_for_blindness(attempt: Attempt, inventory: Inventory) -> Attempt:
    """Where the survey was not allowed to look, that is the reason why nothing was found to try."""
    gap = next((g for g in inventory.gaps if g.refused), None)
    if attempt.unable is None or gap is None or attempt.unable[0] not in _FOUND_NOTHING:
        return attempt
    return replace(attempt, unable=("rbac-denied", f"{attempt.unable[1]}; but the survey was {gap.why}"))


def in_order(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """The longest first, so that the run's wall time is close to its longest chain."""
    return tuple(sorted(attempts, key=lambda a: (-a.minutes, a.id)))


def compete(one: Attempt, other: Attempt) -> frozenset[str]:
    """What both need for themselves. "*" stands for the whole cluster."""
    if one.unable or other.unable:
        return frozenset()
    if "*" in one.holds or "*" in other.holds:
        return frozenset({"the whole cluster"})
    return frozenset(one.holds) & frozenset(other.holds)


def schedule(ordered: tuple[Attempt, ...]) -> tuple[Slot, ...]:
    """Each attempt waits for the earlier ones that it competes with, and for nothing else."""
    slots: dict[str, Slot] = {}
    ends: dict[str, float] = {}
    for i, attempt in enumerate(ordered):
        rivals = [(a, compete(attempt, a)) for a in ordered[:i] if compete(attempt, a)]
        start = max((ends[a.id] for a, _ in rivals), default=0.0)
        ends[attempt.id] = start + attempt.minutes
        why = "; ".join(f"after {a.id}: both need {', '.join(sorted(shared))}" for a, shared in rivals)
        slots[attempt.id] = Slot(
            attempt=attempt.id,
            after=tuple(a.id for a, _ in rivals),
            beside=(),
            minutes=start,
            why=attempt.unable[1] if attempt.unable else why or "at once: shares nothing with what runs",
        )
    return tuple(replace(s, beside=_beside(s, slots, ends)) for s in slots.values())


def _beside(slot: Slot, slots: dict[str, Slot], ends: dict[str, float]) -> tuple[str, ...]:
    return tuple(
        o.attempt
        for o in slots.values()
        if o.attempt != slot.attempt and o.minutes < ends[slot.attempt] and slot.minutes < ends[o.attempt]
    )
