"""What will be tried, by what, in which order. Pure."""

from dataclasses import dataclass, replace

from aiconform.engine import registry
from aiconform.engine.schedule import in_order, schedule
from aiconform.model import Attempt, Check, Checklist, Inventory, Options, Requirement, Slot
from aiconform.planning import PLANNED, claims

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
    untried: dict[str, str] = {}
    chosen = selected(checklist, options)
    tried: list[Requirement] = []
    for requirement in checklist.requirements:
        if requirement.id not in chosen:
            untried[requirement.id] = "not selected"
        elif requirement.id not in registry.names():
            untried[requirement.id] = "no check in this version"
        else:
            tried.append(requirement)
    attempts: list[Attempt] = []
    for requirement in sorted(tried, key=_freedom):
        attempts += _attempts(requirement, inventory, options, attempts)
    for a in attempts:
        if not a.id.startswith(f"{a.check}."):
            raise ValueError(f"attempt {a.id} of {a.check} is misnamed")
    if twice := {a.id for a in attempts if sum(b.id == a.id for b in attempts) > 1}:
        raise ValueError(f"there is more than one attempt {', '.join(sorted(twice))}")
    ordered = in_order(attempts)
    return Plan(attempts=ordered, slots=schedule(ordered), untried=untried)


def _freedom(requirement: Requirement) -> tuple[bool, float, str]:
    """Who has less to choose from comes first, so that the others can keep out of its way; then the longest."""
    check = registry.load(requirement.id).check
    return check.over != "every accelerator", -check.minutes, check.requirement


def _attempts(requirement: Requirement, inventory: Inventory, options: Options, before: list[Attempt]) -> list[Attempt]:
    """The attempts of one row, on the nodes that those planned before leave alone, as far as there is a choice."""
    loaded = registry.load(requirement.id)
    found: list[Attempt] = []
    for asked in _one_at_a_time(requirement.id, options):
        seen = replace(inventory, facts=inventory.facts | {PLANNED: claims.load([*before, *found])})
        made = loaded.attempts(seen, asked, requirement.level)
        found += [_not_blamed_for_blindness(a, inventory) for a in made]
    return _one_of_them(found, loaded.check) if options.fast else found


def _one_at_a_time(check: str, options: Options) -> list[Options]:
    """For each of the mechanisms that the user insists on, options as if it were the only one."""
    named = options.mechanisms(check)
    if len(named) < 2:
        return [options]
    return [replace(options, mechanism={**options.mechanism, check: one}) for one in named]


def _one_of_them(found: list[Attempt], check: Check) -> list[Attempt]:
    """Where one mechanism is enough, the first one and what the user named; the others say so, and stay UNKNOWN."""
    able = [a for a in found if not a.unable]
    if check.over != "some mechanism" or len(able) < 2:
        return found
    because = (
        f"--fast tries one mechanism, and {able[0].via} was found first; "
        f"name another one with --mechanism {check.requirement}=NAME, or leave out --fast"
    )
    later = {a.id for a in able[1:] if not a.asked}
    return [_left_out(a, because) if a.id in later else a for a in found]


def _left_out(attempt: Attempt, because: str) -> Attempt:
    return replace(attempt, unable=("not-tried", because), holds=(), shares=(), late=(), spare=(), minutes=0.0)


def _not_blamed_for_blindness(attempt: Attempt, inventory: Inventory) -> Attempt:
    """Where the survey was not allowed to look, that is the reason why nothing was found to try."""
    gap = next((g for g in inventory.gaps if g.refused), None)
    if attempt.unable is None or gap is None or attempt.unable[0] not in _FOUND_NOTHING:
        return attempt
    return replace(attempt, unable=("rbac-denied", f"{attempt.unable[1]}; but the survey was {gap.why}"))
