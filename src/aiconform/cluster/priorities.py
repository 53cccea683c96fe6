"""Whose pods a scheduler may end, so that a pod of ours gets a place. Pure functions over listed objects."""

from collections.abc import Iterable
from typing import Any

Object = dict[str, Any]


def lower(mine: Object, there: Iterable[Object]) -> list[Object]:
    """The pods with a node and a lower priority than a pod with this spec has; [] if it may end nobody."""
    if mine.get("preemptionPolicy") == "Never":
        return []
    over = ("Succeeded", "Failed")
    bound = (p for p in there if p["spec"].get("nodeName") and (p.get("status") or {}).get("phase") not in over)
    return [p for p in bound if _priority(p["spec"]) < _priority(mine)]


def names(pods: Iterable[Object], most: int = 3) -> str:
    """Some of these pods, in words."""
    listed = [f"{p['metadata'].get('namespace', '')}/{p['metadata']['name']}" for p in pods]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def _priority(spec: Object) -> int:
    """The number that admission has put into a pod's spec."""
    return int(spec.get("priority") or 0)
