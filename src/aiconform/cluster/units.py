"""How many accelerators of a node are free. Pure functions over listed objects.

Device plugin: allocatable minus the requests of bound pods that have not ended. DRA: devices that complete
pools advertise for the node, minus those that stand in the allocation of any claim, and minus those for which
what they share with others (partitions of one device) no longer suffices: see `counters.py`.
"""

from collections.abc import Iterable
from typing import Any

from aiconform.cluster.selectors import may_match

Object = dict[str, Any]
Key = tuple[str, str]
"""Pool and name of a device."""


def requested(pod: Object, resource: str) -> int:
    """Units of an extended resource that a pod holds: containers and sidecars together, or one init container.

    The scheduler's rule: an init container runs beside the sidecars started before it (KEP-753).
    """
    spec = pod.get("spec") or {}
    sidecars = most_init = 0
    for c in spec.get("initContainers") or []:
        n = _units(c, resource)
        if c.get("restartPolicy") == "Always":
            sidecars += n
            most_init = max(most_init, sidecars)
        else:
            most_init = max(most_init, sidecars + n)
    running = sidecars + sum(_units(c, resource) for c in spec.get("containers") or [])
    return max(running, most_init)


def _units(container: Object, resource: str) -> int:
    resources = container.get("resources") or {}
    for part in ("requests", "limits"):
        if resource in (resources.get(part) or {}):
            return int(resources[part][resource])
    return 0


def bound_requests(pods: Iterable[Object], resource: str) -> int:
    """Units held by pods (of one node) that have not ended."""
    over = ("Succeeded", "Failed")
    return sum(
        requested(p, resource)
        for p in pods
        if (p.get("spec") or {}).get("nodeName") and (p.get("status") or {}).get("phase") not in over
    )


def current(slices: Iterable[Object], driver: str) -> list[Object]:
    """Specs of the slices that count: those of the newest generation of a driver's pools, where all of it is there.

    Slices of an older generation stay for a while, and may describe the same devices differently.
    """
    pools: dict[str, list[Object]] = {}
    for s in slices:
        if s["spec"]["driver"] == driver:
            pools.setdefault(s["spec"]["pool"]["name"], []).append(s["spec"])
    out: list[Object] = []
    for specs in pools.values():
        newest = max(int(s["pool"].get("generation", 0)) for s in specs)
        latest = [s for s in specs if int(s["pool"].get("generation", 0)) == newest]
        if len(latest) == int(latest[0]["pool"].get("resourceSliceCount", 1)):
            out += latest
    return out


def advertised(slices: Iterable[Object], driver: str, node: Object, selector: str = "") -> set[Key]:
    """(pool, device) of a driver on a node, without tainted devices and those that the CEL selector leaves out."""
    return {
        (spec["pool"]["name"], d["name"])
        for spec in current(slices, driver)
        for d in spec.get("devices") or []
        if _usable(d, spec, node) and may_match(selector, driver, _attributes(d))
    }


def body(device: Object) -> Object:
    """What describes a device of a slice, beside its name: v1beta1 wraps it once more."""
    return dict(device.get("basic") or device)


def _attributes(device: Object) -> Object:
    return {k: next(iter(v.values()), None) for k, v in (body(device).get("attributes") or {}).items()}


def _usable(device: Object, spec: Object, node: Object) -> bool:
    inner = body(device)
    if any(t.get("effect") in ("NoSchedule", "NoExecute") for t in inner.get("taints") or []):
        return False
    return _reaches(inner if spec.get("perDeviceNodeSelection") else spec, node)


def out_of_use(rules: Iterable[Object], driver: str, devices: Iterable[Key]) -> set[Key]:
    """Those of a driver's devices that a DeviceTaintRule keeps from being given (KEP-5055).

    What else such a rule may ask of a device is not read: it counts as if the device had it.
    """
    devices, out = tuple(devices), set()
    for rule in rules:
        spec = rule.get("spec") or {}
        chosen = spec.get("deviceSelector") or {}
        if (spec.get("taint") or {}).get("effect") not in ("NoSchedule", "NoExecute"):
            continue
        if chosen.get("driver", driver) == driver:
            out |= {(p, d) for p, d in devices if chosen.get("pool", p) == p and chosen.get("device", d) == d}
    return out


def _reaches(spec: Object, node: Object) -> bool:
    if spec.get("allNodes"):
        return True
    if spec.get("nodeName"):
        return bool(spec["nodeName"] == node["metadata"]["name"])
    terms = (spec.get("nodeSelector") or {}).get("nodeSelectorTerms") or []
    return any(_matches(term, node) for term in terms)


def _matches(term: Object, node: Object) -> bool:
    labels = node["metadata"].get("labels") or {}
    fields = {"metadata.name": node["metadata"]["name"]}
    rules = [(labels, r) for r in term.get("matchExpressions") or []]
    rules += [(fields, r) for r in term.get("matchFields") or []]
    return bool(rules) and all(_holds(values.get(r["key"]), r) for values, r in rules)


def _holds(value: str | None, rule: Object) -> bool:
    operator: str = rule["operator"]
    wanted: list[str] = rule.get("values") or []
    if operator == "In":
        return value in wanted
    if operator == "NotIn":
        return value not in wanted
    if operator in ("Exists", "DoesNotExist"):
        return (value is not None) == (operator == "Exists")
    try:
        number, limit = int(value or ""), int(wanted[0])
    except (ValueError, IndexError):
        return False
    return number > limit if operator == "Gt" else number < limit


def allocated(claims: Iterable[Object], driver: str) -> set[Key]:
    """(pool, device) of a driver that stand in a claim's allocation; admin access takes nothing away."""
    return {
        (r["pool"], r["device"])
        for c in claims
        for r in (((c.get("status") or {}).get("allocation") or {}).get("devices") or {}).get("results") or []
        if r["driver"] == driver and not r.get("adminAccess")
    }
