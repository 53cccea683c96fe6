"""Devices that share something: partitions of one device consume counters of a common set (KEP-4815). Pure."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from aiconform.cluster import units

Object = dict[str, Any]
_UNITS = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal(10**3),
    "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}  # fmt: skip

# The slice's number in the list, or -1 for the pool's, and the set's name.
_Set = tuple[str, int, str]


def together(slices: list[Object], driver: str, wanted: Collection[units.Key], held: Collection[units.Key]) -> int:
    """How many of the wanted devices, of which none is held, can be given to different claims at one time.

    They are taken in the order of the slices, as the scheduler takes them.
    """
    specs = units.current(slices, driver)
    left = _sets(specs)
    devices = [
        (spec["pool"]["name"], i, d["name"], _needs(d))
        for i, spec in enumerate(specs)
        for d in spec.get("devices") or []
    ]
    for pool, i, name, needs in devices:
        if (pool, name) in held:
            _take(left, pool, i, needs)
    count = 0
    for pool, i, name, needs in devices:
        if (pool, name) in wanted and (pool, name) not in held and _suffices(left, pool, i, needs):
            _take(left, pool, i, needs)
            count += 1
    return count


def partitions(slices: list[Object], driver: str, wanted: Collection[units.Key]) -> int:
    """How many of these devices share counters with others."""
    return sum(
        (spec["pool"]["name"], d["name"]) in wanted and bool(_needs(d))
        for spec in units.current(slices, driver)
        for d in spec.get("devices") or []
    )


def _sets(specs: list[Object]) -> dict[_Set, dict[str, Decimal]]:
    """What there is of each counter. Until Kubernetes 1.34 a set is the slice's own, since 1.35 the pool's."""
    out: dict[_Set, dict[str, Decimal]] = {}
    for i, spec in enumerate(specs):
        for one in spec.get("sharedCounters") or []:
            there = {name: amount(c.get("value", "0")) for name, c in (one.get("counters") or {}).items()}
            for where in (i, -1):
                out[spec["pool"]["name"], where, one["name"]] = there
    return out


def _needs(device: Object) -> dict[str, dict[str, Decimal]]:
    return {
        one["counterSet"]: {name: amount(c.get("value", "0")) for name, c in (one.get("counters") or {}).items()}
        for one in units.body(device).get("consumesCounters") or []
    }


def _found(left: dict[_Set, dict[str, Decimal]], pool: str, i: int, name: str) -> dict[str, Decimal]:
    return left.get((pool, i, name)) or left.get((pool, -1, name)) or {}


def _suffices(left: dict[_Set, dict[str, Decimal]], pool: str, i: int, needs: dict[str, dict[str, Decimal]]) -> bool:
    return all(
        _found(left, pool, i, name).get(counter, Decimal(0)) >= n
        for name, wanted in needs.items()
        for counter, n in wanted.items()
    )


def _take(left: dict[_Set, dict[str, Decimal]], pool: str, i: int, needs: dict[str, dict[str, Decimal]]) -> None:
    for name, wanted in needs.items():
        there = _found(left, pool, i, name)
        for counter, n in wanted.items():
            there[counter] = there.get(counter, Decimal(0)) - n


def amount(quantity: Any) -> Decimal:
    """A Kubernetes quantity ("40Gi", "7", "1e3") as a number."""
    text = str(quantity)
    number = text.rstrip("numkMGTPEKi")
    return Decimal(number) * _UNITS[text[len(number) :]]
