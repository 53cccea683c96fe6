"""Cpu in millicores: what a pod asks for, what a node has free. Pure functions over listed objects."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

_SCALE = {"n": Decimal("1e-6"), "u": Decimal("1e-3"), "m": Decimal(1), "": Decimal(1000), "k": Decimal(1_000_000)}


def millicores(quantity: str) -> int:
    """A Kubernetes quantity of cpu ("1", "250m", "0.5"), rounded up as the scheduler does."""
    number = quantity.rstrip("numk")
    value = Decimal(number) * _SCALE[quantity[len(number) :]]
    return int(value.to_integral_value(rounding="ROUND_CEILING"))


def requested(pod: dict[str, Any]) -> int:
    """What the scheduler counts for a pod: containers and sidecars, or the largest init step; plus overhead."""
    spec = pod.get("spec") or {}
    sidecars = most_init = 0
    for c in spec.get("initContainers") or []:
        n = _of(c)
        if c.get("restartPolicy") == "Always":
            sidecars += n
            most_init = max(most_init, sidecars)
        else:
            most_init = max(most_init, sidecars + n)
    total = max(sidecars + sum(_of(c) for c in spec.get("containers") or []), most_init)
    # Requests of the pod as a whole replace the sum (KEP-2837).
    whole = ((spec.get("resources") or {}).get("requests") or {}).get("cpu")
    overhead = millicores((spec.get("overhead") or {}).get("cpu", "0"))
    return (millicores(whole) if whole else total) + overhead


def free(allocatable: str, pods: Iterable[dict[str, Any]]) -> int:
    """Allocatable minus the requests of these pods of the node that have not ended."""
    return millicores(allocatable) - sum(requested(p) for p in pods if holds(p))


def holds(pod: dict[str, Any]) -> bool:
    """Whether a pod is bound and has not ended."""
    over = ("Succeeded", "Failed")
    return bool((pod.get("spec") or {}).get("nodeName")) and (pod.get("status") or {}).get("phase") not in over


def _of(container: dict[str, Any]) -> int:
    resources = container.get("resources") or {}
    for part in ("requests", "limits"):
        if "cpu" in (resources.get(part) or {}):
            return millicores(str(resources[part]["cpu"]))
    return 0
