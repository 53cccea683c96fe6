"""What ResourceSlices of DRA advertise, node by node. Pure; resource.k8s.io/v1 and v1beta2 shapes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiconform.model import Node


@dataclass(frozen=True, kw_only=True)
class Device:
    """One advertised device. `nodes` are the nodes that can reach it."""

    driver: str
    pool: str
    name: str
    nodes: tuple[str, ...]
    attributes: dict[str, Any]
    capacity: dict[str, str]
    tainted: bool
    shareable: bool


def devices(slices: Iterable[Mapping[str, Any]], nodes: Iterable[Node]) -> tuple[Device, ...]:
    """Devices of complete pools in their newest generation; an incomplete pool counts as not advertised."""
    nodes = tuple(nodes)
    pools: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for s in slices:
        spec = s["spec"]
        pools[spec["driver"], spec["pool"]["name"]].append(spec)
    found: list[Device] = []
    for specs in pools.values():
        newest = max(s["pool"].get("generation", 0) for s in specs)
        current = [s for s in specs if s["pool"].get("generation", 0) == newest]
        if len(current) == current[0]["pool"].get("resourceSliceCount", 1):
            found += [_device(s, d, nodes) for s in current for d in s.get("devices") or []]
    return tuple(sorted(found, key=lambda d: (d.driver, d.pool, d.name)))


def incomplete(slices: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Pools of which not all slices of the newest generation are there, as "driver/pool"."""
    pools: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for s in slices:
        pools[s["spec"]["driver"], s["spec"]["pool"]["name"]].append(s["spec"]["pool"])
    bad = []
    for (driver, pool), specs in sorted(pools.items()):
        newest = max(p.get("generation", 0) for p in specs)
        current = [p for p in specs if p.get("generation", 0) == newest]
        if len(current) != current[0].get("resourceSliceCount", 1):
            bad.append(f"{driver}/{pool}")
    return tuple(bad)


def _device(spec: Mapping[str, Any], device: Mapping[str, Any], nodes: tuple[Node, ...]) -> Device:
    # v1beta1 nests everything but the name under "basic".
    body = device.get("basic", device)
    place = body if spec.get("perDeviceNodeSelection") else spec
    return Device(
        driver=spec["driver"],
        pool=spec["pool"]["name"],
        name=device["name"],
        nodes=_reach(place, nodes),
        attributes={k: next(iter(v.values()), None) for k, v in (body.get("attributes") or {}).items()},
        capacity={k: v.get("value", "") for k, v in (body.get("capacity") or {}).items()},
        tainted=any(t.get("effect") in ("NoSchedule", "NoExecute") for t in body.get("taints") or []),
        shareable=bool(body.get("allowMultipleAllocations")),
    )


def _reach(place: Mapping[str, Any], nodes: tuple[Node, ...]) -> tuple[str, ...]:
    if place.get("nodeName"):
        return (place["nodeName"],)
    if place.get("allNodes"):
        return tuple(n.name for n in nodes)
    terms = (place.get("nodeSelector") or {}).get("nodeSelectorTerms") or []
    return tuple(n.name for n in nodes if any(_matches(t, n) for t in terms))


def _matches(term: Mapping[str, Any], node: Node) -> bool:
    rules = [(e, node.labels) for e in term.get("matchExpressions") or []]
    rules += [(e, {"metadata.name": node.name}) for e in term.get("matchFields") or []]
    return bool(rules) and all(_holds(e, values) for e, values in rules)


def _holds(rule: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    value, wanted = values.get(rule["key"]), rule.get("values") or []
    match rule["operator"]:
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and int(value) > int(wanted[0])
        case "Lt":
            return value is not None and int(value) < int(wanted[0])
    return False
