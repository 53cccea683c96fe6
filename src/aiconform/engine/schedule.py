"""When each attempt runs: at once, unless something that it needs is in use. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from aiconform.model import Attempt, Slot
from aiconform.planning import claims

# Earlier attempts, each with what it holds or shares of what a later one needs.
Rivals = list[tuple[Attempt, frozenset[str]]]


def in_order(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """The longest first, so that the run's wall time is close to its longest chain."""
    # What adds machines takes by far the longest, and holds nodes of its kind all the time: whoever watches a run sees
    # the other rows first. What chooses among nodes must find all of them free, and keeps one.
    return tuple(sorted(attempts, key=lambda a: (claims.ADDED_NODES in a.holds, not a.spare, -a.minutes, a.id)))


def schedule(ordered: tuple[Attempt, ...]) -> tuple[Slot, ...]:
    """Each attempt waits for the earlier ones that it competes with, and for nothing else.

    That holds however long each of them takes: `minutes` are only what is expected.
    """
    slots: dict[str, Slot] = {}
    ends: dict[str, float] = {}
    for i, attempt in enumerate(ordered):
        first, later = _rivals(claims.at_start, attempt, ordered[:i]), _rivals(claims.at_turn, attempt, ordered[:i])
        start = max((_until(a, names, slots, ends) for a, names in first), default=0.0)
        # How far it is when it must wait is not known: at worst it has just begun.
        turn = max((_until(a, names, slots, ends) for a, names in later), default=start)
        ends[attempt.id] = max(start, turn) + attempt.minutes
        slots[attempt.id] = Slot(
            attempt=attempt.id,
            after=tuple(a.id for a, _ in first),
            beside=(),
            turn=tuple(a.id for a, _ in later),
            minutes=start,
            why=attempt.unable[1] if attempt.unable else _why(first, later),
        )
    return tuple(replace(s, beside=_beside(s, slots, ends)) for s in slots.values())


def _rivals(need: Callable[[Attempt, Attempt], frozenset[str]], attempt: Attempt, before: Iterable[Attempt]) -> Rivals:
    """The earlier attempts that hold or share what it needs, and what that is."""
    return [(a, names) for a in before if (names := need(attempt, a))]


def _until(a: Attempt, names: frozenset[str], slots: dict[str, Slot], ends: dict[str, float]) -> float:
    """When it gives these back: what it only chooses from, soon after it began."""
    return slots[a.id].minutes if names <= frozenset(a.spare) else ends[a.id]


def _why(first: Rivals, later: Rivals) -> str:
    """What it waits for: the names of the earlier ones, together where they need the same."""
    begins = "after " + _named(first) if first else "at once: what it needs is not in use"
    if first == later or not later:
        return begins
    return f"{begins if first else 'at once'}; takes more only after {_named(later)}"


def _named(rivals: Rivals) -> str:
    needs: dict[str, list[str]] = {}
    for a, shared in rivals:
        who = f"{a.id} has chosen" if shared <= frozenset(a.spare) else a.id
        needs.setdefault(", ".join(sorted(shared)), []).append(who)
    return "; after ".join(f"{', '.join(names)}: {shared}" for shared, names in needs.items())


def _beside(slot: Slot, slots: dict[str, Slot], ends: dict[str, float]) -> tuple[str, ...]:
    return tuple(
        o.attempt
        for o in slots.values()
        if o.attempt != slot.attempt and o.minutes < ends[slot.attempt] and slot.minutes < ends[o.attempt]
    )


def chains(attempts: Iterable[Attempt], slots: Iterable[Slot]) -> dict[str, tuple[str, ...]]:
    """Who holds each thing, one after the other: name -> attempts, by start, and those last that need it late."""
    by_id = {a.id: a for a in attempts if not a.unable}
    found: dict[str, list[tuple[bool, float, str]]] = {}
    for slot in slots:
        if (attempt := by_id.get(slot.attempt)) is None:
            continue
        for name in frozenset(attempt.holds) - frozenset(attempt.spare):
            found.setdefault(name, []).append((name in attempt.late, slot.minutes, slot.attempt))
    return {name: tuple(who for *_, who in sorted(found[name])) for name in sorted(found)}
