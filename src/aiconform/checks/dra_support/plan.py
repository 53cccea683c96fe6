"""What is tried: the API alone, or the API and one device of each known driver. Pure."""

from dataclasses import asdict
from typing import Any

from aiconform.checks.dra_support.check import CHECK
from aiconform.model import Accelerator, Attempt, Gap, Inventory, Level, Options
from aiconform.planning import NO_NODE, Planner, called, claims, place

GROUP = "resource.k8s.io"
_VERSIONS = ("v1", "v1beta2", "v1beta1")
# The one checklist that accepts beta versions: v1 came with Kubernetes 1.34.
_BETA_CHECKLIST = 33
_CANDIDATES = 3
_API_MINUTES = 1.5
_POOL = "resource pool "


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt for each driver with a complete pool; without any, one at the API alone."""
    p = Planner(check=CHECK, inventory=inventory, options=options, level=level)
    version, required = _version(p)
    base = {"mechanism": version, "required": required}
    unread = _unread(inventory.gaps)
    if unread is not None:
        return [p.attempt("api", base, unable=unread)]
    if not p.usable():
        return [p.attempt("api", base, unable=NO_NODE)]
    served = inventory.serves(GROUP, version, "resourceclaims")
    drivers = [a for a in inventory.accelerators if a.form == "dra"] if served else []
    # A driver that nobody knows is tried only if the user names it: its devices need not be accelerators.
    wanted = [a for a in called(drivers, options.accelerator, vendors=True) if a.recognised or options.accelerator]
    if options.accelerator and drivers and not wanted:
        why = f"no accelerator that is asked for by claims is called {', '.join(options.accelerator)} here"
        return [p.attempt("api", base, unable=("no-accelerator", why))]
    if not wanted:
        gentle = p.gentlest()[:_CANDIDATES]
        facts = {
            **base,
            "accelerator": None,
            "nodes": [place(n) for n in gentle],
            "incomplete": sorted(g.what.removeprefix(_POOL) for g in inventory.gaps if g.what.startswith(_POOL)),
        }
        return [p.attempt("api", facts, minutes=_API_MINUTES, shares=claims.room(gentle))]
    return [_with_devices(p, a, base) for a in wanted]


def _version(p: Planner) -> tuple[str, str]:
    """(the version to speak, "v1" or "any": what the checklist asks for)."""
    name = p.options.checklist.removeprefix("v").removeprefix("1.")
    minor = int(name) if name.isdigit() else p.inventory.minor
    best = next((v for v in _VERSIONS if p.inventory.serves(GROUP, v, "resourceclaims")), _VERSIONS[0])
    return p.wanted or best, "any" if minor <= _BETA_CHECKLIST else "v1"


def _unread(gaps: tuple[Gap, ...]) -> tuple[str, str] | None:
    """Why it is not known whether there are devices; None if it is. A gap is never taken for emptiness."""
    for gap in gaps:
        if gap.what.split(".")[0] in ("nodes", "resourceslices", "deviceclasses"):
            return "rbac-denied", f"whether there are devices could not be read: {gap.what}: {gap.why}"
    return None


def _with_devices(p: Planner, a: Accelerator, base: dict[str, Any]) -> Attempt:
    there = p.richest(a, p.usable())
    if not there:
        why = f"no node that is Ready, schedulable and selected has devices of {a.driver}"
        return p.attempt(a.id, base, unable=("no-accelerator", why))
    nodes = [place(n) for n in there[:_CANDIDATES]]
    return p.attempt(a.id, {**base, "accelerator": asdict(a), "nodes": nodes}, holds=claims.accelerators(nodes))
