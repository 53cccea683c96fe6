"""Which broken and unusual platforms are run for every change, and which only by `make faults`.

All of them take hours on two cores. For every change: of each check, few faults that fail every clause between them,
and sound variants. The rest are judged from their kept recordings, and so are those with a third party that takes
long to build.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from aiconform.lab import addons
from aiconform.lab.fault_files import Fault

VARIANTS = 1
# What users meet most often is run whatever others cover: a quota above what the cluster has starts parts of gangs.
COMMON = ("kueue-quota-above-capacity",)
# Minutes of a cold build; `make` builds the others before the tests.
DEAR = 5


def covering(faults: Iterable[Fault]) -> set[str]:
    """Paths of the faults that are run for every change. The same faults give the same choice.

    Of each check: faults that fail every clause between them, and sound variants with every third party that it knows.
    Of all checks together: a fault with every third party.
    """
    faults = [f for f in faults if not _dear(f)]
    chosen = [f for f in faults if f.id in COMMON]
    by_check: dict[str, list[Fault]] = {}
    for fault in faults:
        by_check.setdefault(fault.check, []).append(fault)
    for mine in by_check.values():
        chosen += _greedy([f for f in mine if f.kind == "fault"], failed_clauses, [f for f in chosen if f in mine])
        variants = [f for f in mine if f.kind == "variant" and f.expect.get("outcome") == "PASS"]
        first = _greedy(variants, _third_parties)
        rest = sorted((f for f in variants if f not in first), key=lambda f: (not _recorded(f), *_cost(f)))
        chosen += [*first, *rest[: max(0, VARIANTS - len(first))]]
    broken = [f for f in faults if f.kind == "fault"]
    chosen += _greedy(broken, _third_parties, [f for f in chosen if f in broken])
    return {f.path for f in chosen}


def cheapest(faults: Iterable[Fault], check: str, outcome: str) -> Fault:
    """The platform with the fewest steps on which a check comes to an outcome, as its kept recording shows."""
    mine = [f for f in faults if f.check == check and f.expect.get("outcome") == outcome and _recorded(f)]
    return min((f for f in mine if not _dear(f)), key=_cost)


def failed_clauses(fault: Fault) -> set[str]:
    return {clause for clause, outcome in (fault.expect.get("clauses") or {}).items() if outcome == "FAIL"}


def _third_parties(fault: Fault) -> set[str]:
    return set(_addons(fault))


def _addons(fault: Fault) -> list[str]:
    found = [step["addon"] for step in fault.lab if "addon" in step]
    return addons.with_needs(a if isinstance(a, str) else a["name"] for a in found)


def _dear(fault: Fault) -> bool:
    """Whether one of its third parties takes long to build."""
    return any((group := addons.find(name).group) is not None and group.minutes > DEAR for name in _addons(fault))


def _greedy(faults: list[Fault], covers: Callable[[Fault], set[str]], there: Sequence[Fault] = ()) -> list[Fault]:
    """Again and again the fault that covers most of what no chosen one covers.

    Of equals one with a new third party, then a cheap one. `there`: faults that are chosen already. Those without a
    kept recording are taken only for what no other covers: nobody reads their recordings meanwhile.
    """
    chosen = list(there)
    left = set().union(*map(covers, faults)).difference(*map(covers, chosen))

    def worth(fault: Fault) -> tuple[object, ...]:
        new = _third_parties(fault).difference(*map(_third_parties, chosen))
        return len(covers(fault) & left), len(new), *(-c for c in _cost(fault)[:2]), fault.id

    for some in ([f for f in faults if _recorded(f)], faults):
        while left & set().union(*map(covers, some)):
            chosen.append(max(some, key=worth))
            left -= covers(chosen[-1])
    return [f for f in chosen if f not in there]


def _recorded(fault: Fault) -> bool:
    name = f"{fault.expect['outcome'].lower()}-{fault.id}"
    return (Path(fault.path).parents[1] / "recordings" / name).is_dir()


def _cost(fault: Fault) -> tuple[int, int, str]:
    """Restarts of an addon or of the control plane take longest, then each further step."""
    heavy = sum(next(iter(step)) in ("addon", "component", "kubelet", "containerd") for step in fault.lab)
    return heavy, len(fault.lab), fault.id
