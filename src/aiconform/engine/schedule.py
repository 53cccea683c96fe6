"""When each attempt runs: at once, unless something that it needs is in use. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from aiconform.model import Attempt, Slot
from aiconform.planning import claims


def in_order(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """The longest first, so that the run's wall time is close to its longest chain."""
    # What adds machines takes by far the longest, and holds nodes of its kind all the time: whoever watches a run sees
    # the other rows first.
    return tuple(sorted(attempts, key=lambda a: (claims.ADDED_NODES in a.holds, -a.minutes, a.id)))


def schedule(ordered: tuple[Attempt, ...]) -> tuple[Slot, ...]:
    """Each attempt waits for the earlier ones that it competes with, and for nothing else.

    That holds however long each of them takes: `minutes` are only what is expected.
    """
    slots: dict[str, Slot] = {}
    ends: dict[str, float] = {}
    for i, attempt in enumerate(ordered):
        rivals = {a.id: claims.competing(attempt, a) for a in ordered[:i]}
        rivals = {name: shared for name, shared in rivals.items() if shared}
        start = max((ends[name] for name in rivals), default=0.0)
        ends[attempt.id] = start + attempt.minutes
        slots[attempt.id] = Slot(
            attempt=attempt.id,
            after=tuple(rivals),
            beside=(),
            minutes=start,
            why=attempt.unable[1] if attempt.unable else _why(rivals),
        )
    return tuple(replace(s, beside=_beside(s, slots, ends)) for s in slots.values())


def _why(rivals: dict[str, frozenset[str]]) -> str:
    """What it waits for: the names of the earlier ones, together where they need the same."""
    if not rivals:
        return "at once: what it needs is not in use"
    needs: dict[str, list[str]] = {}
    for name, shared in rivals.items():
        needs.setdefault(", ".join(sorted(shared)), []).append(name)
    return "; ".join(f"after {', '.join(names)}: {shared}" for shared, names in needs.items())


def _beside(slot: Slot, slots: dict[str, Slot], ends: dict[str, float]) -> tuple[str, ...]:
    return tuple(
        o.attempt
        for o in slots.values()
        if o.attempt != slot.attempt and o.minutes < ends[slot.attempt] and slot.minutes < ends[o.attempt]
    )


def chains(attempts: Iterable[Attempt], slots: Iterable[Slot]) -> dict[str, tuple[str, ...]]:
    """What holds or shares each thing, one after the other where one of them holds it: name -> attempts, by start."""
    by_id = {a.id: a for a in attempts if not a.unable}
    found: dict[str, list[str]] = {}
    for slot in sorted(slots, key=lambda s: (s.minutes, s.attempt)):
        attempt = by_id.get(slot.attempt)
        for name in attempt.holds if attempt else ():
            found.setdefault(name, []).append(slot.attempt)
    return {name: tuple(found[name]) for name in sorted(found)}
