"""Which mechanism is tried, on which node, with which accelerators. Pure."""

from typing import Any

from aiconform.checks.gang_scheduling.check import CHECK
from aiconform.checks.gang_scheduling.via import GangMechanism, mechanisms
from aiconform.model import Accelerator, Attempt, Detection, Inventory, Level, Node, Options
from aiconform.planning import FORMS, NO_NODE, Planner, Unable, as_fact, claims, nowhere, place, policy_apis, richest

# A gang of more than this many members proves nothing more, and holds more of other people's accelerators.
_LARGEST = 4
_CANDIDATES = 3
_EXTENDED_MINUTES = 10


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt for every mechanism that was detected; one that says why, if there is none."""
    p = Planner(check=CHECK, inventory=inventory, options=options, level=level)
    wanted, _, scheduler = p.wanted.partition(":")
    known = mechanisms()
    if wanted and wanted not in {m.product for m in known}:
        have = ", ".join(m.product for m in known)
        why = f"there is no adapter for {wanted}: choose one of {have} with --mechanism"
        return [p.attempt(wanted, unable=("mechanism-not-found", why))]
    chosen = [m for m in known if m.product == wanted or (not wanted and m.tried == "where found")]
    detected = [(m, m.detect(inventory)) for m in chosen]
    if not any(d.usable for _, d in detected):
        why = "no gang scheduling mechanism was found: " + "; ".join(f"{m.product}: {d.because}" for m, d in detected)
        via = chosen[0].product if len(chosen) == 1 else "none"
        return [p.attempt(via, unable=("mechanism-not-found", why))]
    return [_tried(p, m, d, scheduler) for m, d in detected if d.usable]


def _tried(p: Planner, mechanism: GangMechanism, found: Detection, scheduler: str) -> Attempt:
    """The attempt for a mechanism that was found. `scheduler` is its scheduler's name, if the user gave one."""
    where, unable = _where(p, mechanism)
    detected = {**found.facts, "because": found.because, "version": found.version, "scheduler": scheduler}
    facts = {**where, **_about(mechanism, p.inventory), "detected": detected}
    minutes = CHECK.minutes + (_EXTENDED_MINUTES if "extended" in p.options.allow else 0)
    # One of them is filled, first with accelerators and then with cpu; which one is seen only when it begins.
    nodes = where.get("nodes", ())
    holds = (*claims.accelerators(nodes), *claims.room(nodes))
    spare = (*claims.accelerators(nodes[1:]), *claims.room(nodes[1:]))
    return p.attempt(mechanism.product, facts, unable=unable, holds=holds, spare=spare, minutes=minutes)


def _about(mechanism: GangMechanism, inventory: Inventory) -> dict[str, Any]:
    others = policy_apis(inventory)
    return {"mechanism": mechanism.product, "atomicity": mechanism.atomicity, "policy_apis": others}


def _where(p: Planner, mechanism: GangMechanism) -> tuple[dict[str, Any], Unable | None]:
    """The accelerator (None: cpu only) and the candidate nodes, the best first; or why there are none."""
    usable, picked = p.usable(), p.called()
    if p.options.accelerator and not picked:
        return {}, p.none_called()
    if not p.inventory.accelerators:
        return _cpu_only(p, usable)
    picked, forms = [a for a in picked if a.form in mechanism.forms], sorted({a.form for a in picked})
    if not picked:
        why = f"the accelerators here are asked for by {', '.join(forms)}, which {mechanism.product} does not count"
        return {}, ("unrecognised-accelerator", why)
    load = p.load
    best = max(picked, key=lambda a: _rank(a, usable, load))
    nodes = sorted(richest(best, usable, load), key=lambda n: _preference(best.nodes[n.name], n, load))
    return (_facts(best, nodes), None) if nodes else ({}, nowhere(best))


def _cpu_only(p: Planner, usable: list[Node]) -> tuple[dict[str, Any], Unable | None]:
    for gap in p.inventory.gaps:
        if any(word in f"{gap.what} {gap.why}" for word in ("resourceslices", "deviceclasses", "nodes")):
            why = f"whether there are accelerators could not be read: {gap.what}: {gap.why}"
            return {}, ("rbac-denied" if "orbidden" in gap.why else "api-lost", why)
    return (_facts(None, p.gentlest()), None) if usable else ({}, NO_NODE)


def _facts(accelerator: Accelerator | None, nodes: list[Node]) -> dict[str, Any]:
    return {
        "accelerator": as_fact(accelerator) if accelerator else None,
        "cpu_only": accelerator is None,
        "largest": _LARGEST,
        "nodes": [place(n) | {"allocatable": n.allocatable} for n in nodes[:_CANDIDATES]],
    }


def _rank(a: Accelerator, usable: list[Node], load: claims.Load) -> tuple[int, bool, bool, float, int, str]:
    """The greatest wins: room for a whole gang, whole devices, a known vendor, the least used, the plainest form."""
    there = richest(a, usable, load)
    units, used = (a.nodes[there[0].name], claims.used(there[0], load)) if there else (0, 0.0)
    return min(units, _LARGEST), not a.shared, a.recognised, -used, -FORMS.index(a.form), a.id


def _preference(units: int, node: Node, load: claims.Load) -> tuple[int, int, float, str]:
    """The least wins: a full gang fits, with as few units as possible beside it for the blocker to hold; least used."""
    return -min(units, _LARGEST), units, claims.used(node, load), node.name
