"""Which broken and unusual platforms are run for every change, and which only by `make faults`.

All of them take hours on two cores. For every change: of each check, few faults that fail every clause between them,
and a variant. The rest are judged from their kept recordings, and so are those with a third party that takes long to
build.
"""

from collections.abc import Iterable
from pathlib import Path

from aiconform.lab import addons
from aiconform.lab.fault_files import Fault

VARIANTS = 1
# What users meet most often is run whatever others cover: a quota above what the cluster has starts parts of gangs.
COMMON = ("kueue-quota-above-capacity",)
# Minutes of a cold build; `make` builds the others before the tests.
DEAR = 5


def covering(faults: Iterable[Fault]) -> set[str]:
    """Paths of the faults that are run for every change. The same faults give the same choice."""
    chosen: set[str] = set()
    by_check: dict[str, list[Fault]] = {}
    for fault in (f for f in faults if not _dear(f)):
        by_check.setdefault(fault.check, []).append(fault)
    for mine in by_check.values():
        chosen |= {f.path for f in _greedy([f for f in mine if f.kind == "fault"])}
        chosen |= {f.path for f in mine if f.id in COMMON}
        variants = [f for f in mine if f.kind == "variant" and f.expect.get("outcome") == "PASS"]
        first = _greedy(variants)
        rest = sorted((f for f in variants if f not in first), key=lambda f: (not _recorded(f), *_cost(f)))
        chosen |= {f.path for f in [*first, *rest[: max(0, VARIANTS - len(first))]]}
    return chosen


def cheapest(faults: Iterable[Fault], check: str, outcome: str) -> Fault:
    """The platform with the fewest steps on which a check comes to an outcome, as its kept recording shows."""
    mine = [f for f in faults if f.check == check and f.expect.get("outcome") == outcome and _recorded(f)]
    return min((f for f in mine if not _dear(f)), key=_cost)


def failed_clauses(fault: Fault) -> set[str]:
    return {clause for clause, outcome in (fault.expect.get("clauses") or {}).items() if outcome == "FAIL"}


def _covers(fault: Fault) -> set[str]:
    """The clauses that it fails and the third parties that it needs."""
    return failed_clauses(fault) | {f"addon {name}" for name in _addons(fault)}


def _addons(fault: Fault) -> list[str]:
    found = [step["addon"] for step in fault.lab if "addon" in step]
    return addons.with_needs(a if isinstance(a, str) else a["name"] for a in found)


def _dear(fault: Fault) -> bool:
    """Whether one of its third parties takes long to build."""
    return any((group := addons.find(name).group) is not None and group.minutes > DEAR for name in _addons(fault))


def _greedy(faults: list[Fault]) -> list[Fault]:
    """Again and again the fault that covers most of what no chosen one covers; the cheaper one of equals.

    Those without a kept recording are taken only for what no other covers: nobody reads their recordings meanwhile.
    """
    chosen: list[Fault] = []
    left = set().union(*map(_covers, faults))
    for some in ([f for f in faults if _recorded(f)], faults):
        while reachable := left & set().union(*map(_covers, some)):
            best = max(some, key=lambda f: (len(_covers(f) & reachable), *(-c for c in _cost(f)[:2]), f.id))
            chosen.append(best)
            left -= _covers(best)
    return chosen


def _recorded(fault: Fault) -> bool:
    name = f"{fault.expect['outcome'].lower()}-{fault.id}"
    return (Path(fault.path).parents[1] / "recordings" / name).is_dir()


def _cost(fault: Fault) -> tuple[int, int, str]:
    """Restarts of an addon or of the control plane take longest, then each further step."""
    heavy = sum(next(iter(step)) in ("addon", "component", "kubelet", "containerd") for step in fault.lab)
    return heavy, len(fault.lab), fault.id
