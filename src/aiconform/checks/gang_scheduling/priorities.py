"""Whose pods the scheduler would end, so that a pod of ours gets a place. Pure functions over listed objects."""

from typing import Any

from aiconform.checks.gang_scheduling import cpu
from aiconform.cluster import units

Object = dict[str, Any]


def endangered(mine: Object, there: list[Object], resource: str, millicores: int) -> list[str]:
    """Names of pods of lower priority that hold what a pod with this spec may lack: `resource`, or so much cpu.

    [] if ending them would give it nothing, or if it may end nobody. What claims hold is never taken so.
    """
    if mine.get("preemptionPolicy") == "Never":
        return []
    lower = [p for p in there if cpu.holds(p) and _priority(p["spec"]) < _priority(mine)]
    useful = any(units.requested(p, resource) for p in lower) or sum(map(cpu.requested, lower)) >= millicores
    return [f"{p['metadata'].get('namespace', '')}/{p['metadata']['name']}" for p in lower if useful]


def _priority(spec: Object) -> int:
    """The number that admission has put into a pod's spec."""
    return int(spec.get("priority") or 0)
