"""Whose pods the scheduler would end, so that one more member gets a place. Pure functions over listed objects."""

from typing import Any

from aiconform.checks.gang_scheduling import cpu
from aiconform.cluster import priorities, units

Object = dict[str, Any]


def endangered(mine: Object, there: list[Object], resource: str, millicores: int) -> list[Object]:
    """Pods of lower priority that hold what a pod with this spec may lack: `resource`, or so much cpu.

    [] if ending them would give it nothing. What claims hold is never taken so.
    """
    lower = priorities.lower(mine, there)
    useful = any(units.requested(p, resource) for p in lower) or sum(map(cpu.requested, lower)) >= millicores
    return lower if useful else []
