"""Puts together which accelerators there are, and how a pod can ask for each. Pure."""

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from aiconform.cluster import selectors
from aiconform.inventory.accelerators import Adapter, recognise
from aiconform.inventory.slices import Device
from aiconform.model import Accelerator, Node

_FEW = 16
_SERIAL = re.compile(r"uuid|serial|pci|minor|index", re.IGNORECASE)
_MODEL_ATTRIBUTES = ("productName", "model", "type")


def by_resource(nodes: Iterable[Node], ignore: Iterable[str]) -> tuple[Accelerator, ...]:
    """Extended resources in allocatable that a device plugin advertises. Unknown ones are kept, unrecognised."""
    ignore = tuple(ignore)
    # Nodes that share their devices are kept apart from nodes that do not, though the resource is the same.
    units: dict[tuple[str, bool], dict[str, int]] = defaultdict(dict)
    known = {n.name: n for n in nodes}
    for node in known.values():
        for name, amount in node.allocatable.items():
            if "/" in name and amount.isdigit() and int(amount) > 0 and not _any(name, ignore):
                adapter = recognise(resource=name)
                shared = adapter.shared(name, node.labels) if adapter else False
                units[name, shared][node.name] = int(amount)
    found = []
    for (name, shared), where in sorted(units.items()):
        adapter = recognise(resource=name)
        labels = known[min(where)].labels
        apart = "-shared" if shared and (name, False) in units else ""
        found.append(
            Accelerator(
                id=_id(adapter, "device-plugin", name) + apart,
                vendor=adapter.vendor if adapter else "unknown",
                form="device-plugin",
                resource=name,
                model=adapter.model(labels) if adapter else "",
                nodes=where,
                recognised=adapter is not None,
                shared=shared,
                hints=adapter.hints if adapter else None,
            )
        )
    return tuple(found)


def by_claim(
    devices: Iterable[Device], classes: Iterable[Mapping[str, Any]], ignore: Iterable[str]
) -> tuple[Accelerator, ...]:
    """Devices of DRA drivers, and their extended-resource names where a DeviceClass gives one (KEP-5004)."""
    ignore, classes = tuple(ignore), sorted(classes, key=lambda c: str(c["metadata"]["name"]))
    groups: dict[str, list[Device]] = defaultdict(list)
    for d in devices:
        if not d.tainted and not _any(d.driver, ignore):
            groups[d.driver].append(d)
    found = []
    for driver, group in sorted(groups.items()):
        adapter = recognise(driver=driver)
        suitable = [c for c in classes if driver in _selectors(c)]
        preferred = adapter.classes if adapter else ()
        suitable.sort(key=lambda c: (c["metadata"]["name"] not in preferred, len(_selectors(c))))
        for c, devices in _shared_out(group, suitable):
            found.append(_claimed(adapter, driver, devices, c, ""))
        for c in suitable:
            resource = c["spec"].get("extendedResourceName")
            devices = [d for d in group if may_match(_selectors(c), d)]
            if resource and devices:
                found.append(_claimed(adapter, driver, devices, c, resource))
    return tuple(found)


def _shared_out(group: list[Device], classes: list[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], list[Device]]]:
    """Each device under the first class that may select it: whole devices and partitions are asked for differently."""
    under: dict[str, list[Device]] = defaultdict(list)
    for d in group:
        first = next((c for c in classes if may_match(_selectors(c), d)), None)
        if first is not None:
            under[first["metadata"]["name"]].append(d)
    return [(c, under[c["metadata"]["name"]]) for c in classes if c["metadata"]["name"] in under]


def may_match(expression: str, device: Device) -> bool:
    """False only if a CEL selector surely leaves the device out; see `selectors.may_match`."""
    return selectors.may_match(expression, device.driver, device.attributes)


def _claimed(
    adapter: Adapter | None, driver: str, group: list[Device], device_class: Mapping[str, Any], resource: str
) -> Accelerator:
    nodes: dict[str, int] = defaultdict(int)
    for d in group:
        for n in d.nodes:
            nodes[n] += 1
    common = {k: v for k, v in group[0].attributes.items() if all(d.attributes.get(k) == v for d in group)}
    form = "dra-extended" if resource else "dra"
    return Accelerator(
        id=_id(adapter, form, resource or driver),
        vendor=adapter.vendor if adapter else "unknown",
        form="dra-extended" if resource else "dra",
        resource=resource,
        driver=driver,
        device_class=device_class["metadata"]["name"],
        selector=_selectors(device_class),
        model=next((str(common[a]) for a in _MODEL_ATTRIBUTES if a in common), ""),
        nodes=dict(sorted(nodes.items())),
        recognised=adapter is not None,
        shared=any(d.shareable for d in group),
        attributes=common,
        varying=_few([d.attributes for d in group], leave_out=common),
        capacity=_few([d.capacity for d in group]),
        hints=adapter.hints if adapter else None,
    )


def _few(maps: Iterable[Mapping[str, Any]], leave_out: Iterable[str] = ()) -> dict[str, tuple[Any, ...]]:
    """Name -> its different values, where they are few. What names a single device is left out."""
    values: dict[str, set[Any]] = defaultdict(set)
    for one in maps:
        for name, value in one.items():
            values[name].add(value)
    left_out = set(leave_out)
    kept = {n: v for n, v in values.items() if n not in left_out and len(v) <= _FEW and not _SERIAL.search(n)}
    return {n: tuple(sorted(v, key=str)) for n, v in sorted(kept.items())}


def unique(accelerators: Iterable[Accelerator]) -> tuple[Accelerator, ...]:
    """Gives accelerators of one vendor and form different ids: their resource or driver is appended."""
    listed = tuple(accelerators)
    count: dict[str, int] = defaultdict(int)
    for a in listed:
        count[a.id] += 1
    return tuple(
        replace(a, id=f"{a.id}-{_slug(a.resource.rpartition('/')[2] or a.device_class)}") if count[a.id] > 1 else a
        for a in listed
    )


def _id(adapter: Adapter | None, form: str, name: str) -> str:
    return f"{adapter.vendor}-{form}" if adapter else f"unknown-{form}-{_slug(name)}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _selectors(device_class: Mapping[str, Any]) -> str:
    selectors = device_class.get("spec", {}).get("selectors") or []
    return " && ".join(s.get("cel", {}).get("expression", "") for s in selectors)


@cache
def _any(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, p) for p in patterns)
