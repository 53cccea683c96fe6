"""Devices that a driver advertises for one node, and CEL expressions about them. Pure.

A device is JSON: {pool, name, attributes: {qualified name: {kind: value}}, capacity: {qualified name: quantity},
shared, tainted, held}. `kind` is string, int, bool or version, as in a ResourceSlice.
"""

import copy
import json
from collections.abc import Callable, Iterable
from typing import Any

from aiconform.cluster import units

Object = dict[str, Any]
# The API allows this many devices in one claim (AllocationResultsMaxSize).
MOST_IN_A_CLAIM = 32
# More conditions make an expression longer and prove nothing more.
_MOST_CONDITIONS = 4
_KINDS = ("string", "int", "version", "bool")
_NOBODY = "aiconform-nobody-has-this"


def on_node(
    slices: list[Object], claims: list[Object], driver: str, node: Object, body: Callable[[Object], Object]
) -> list[Object]:
    """Every device of the driver's complete, newest pools that reaches the node, in the order of the slices.

    `body` unwraps a device of a stored slice (an adapter's `device`).
    """
    held = units.allocated(claims, driver)
    free = units.advertised(slices, driver, node)
    there = units.advertised([_without_taints(s) for s in slices], driver, node)
    found = {}
    for spec in units.current(slices, driver):
        for d in spec.get("devices") or []:
            key = (spec["pool"]["name"], d["name"])
            if key in there:
                found[key] = _device(*key, body(d), key not in free, key in held)
    return list(found.values())


def _without_taints(s: Object) -> Object:
    s = copy.deepcopy(s)
    for d in s["spec"].get("devices") or []:
        d.pop("taints", None)
        (d.get("basic") or {}).pop("taints", None)
    return s


def _device(pool: str, name: str, body: Object, tainted: bool, held: bool) -> Object:
    return {
        "pool": pool,
        "name": name,
        "attributes": body.get("attributes") or {},
        "capacity": {k: v.get("value", "") for k, v in (body.get("capacity") or {}).items()},
        "shared": bool(body.get("allowMultipleAllocations")),
        "counters": bool(body.get("consumesCounters")),
        "tainted": tainted,
        "held": held,
    }


def taint(devices: list[Object], driver: str, rules: list[Object]) -> None:
    """Marks the devices that a DeviceTaintRule keeps from being given."""
    out = units.out_of_use(rules, driver, [(d["pool"], d["name"]) for d in devices])
    for d in devices:
        d["tainted"] |= (d["pool"], d["name"]) in out


def free(devices: Iterable[Object]) -> list[Object]:
    """Those that nobody holds and everybody may ask for."""
    return [d for d in devices if not d["held"] and not d["tainted"]]


def usual(driver: str, devices: list[Object]) -> tuple[str, Object]:
    """What all devices have in common, as CEL and as {attributes, capacity}: any device satisfies it.

    `capacity` maps a name to the values that occur, since quantities are not compared here.
    """
    common = _common(devices)[:_MOST_CONDITIONS]
    attributes = {name: devices[0]["attributes"][name] for name in common if _same(devices, name)}
    names = _capacities(devices)[:_MOST_CONDITIONS]
    capacity = {name: sorted({d["capacity"][name] for d in devices}) for name in names}
    parts = [_is(driver, name, value) for name, value in attributes.items()]
    for name, values in capacity.items():
        place = _place(driver, "capacity", name)
        parts.append("(" + " || ".join(f"{place}.compareTo(quantity({json.dumps(v)})) >= 0" for v in values) + ")")
    return _cel(driver, parts), {"attributes": attributes, "capacity": capacity}


def nobody(driver: str, devices: list[Object]) -> tuple[str, Object] | None:
    """CEL for a value of an attribute that no device has; None if no attribute is common to all devices."""
    for name in _common(devices):
        kind = _kind(devices[0]["attributes"][name])
        if kind == "string":
            value: Object = {"string": _NOBODY}
        elif kind == "int":
            value = {"int": 1 + max(d["attributes"][name]["int"] for d in devices)}
        elif kind == "version":
            value = {"version": "999999.0.0"}
        else:
            continue
        return _cel(driver, [_is(driver, name, value)]), {name: value}
    return None


def too_much(driver: str, devices: list[Object]) -> tuple[str, Object] | None:
    """CEL for more of a capacity than any device has; None if no capacity is common to all devices."""
    for name in _capacities(devices):
        place = _place(driver, "capacity", name)
        values = sorted({d["capacity"][name] for d in devices})
        parts = [f"{place}.compareTo(quantity({json.dumps(v)})) > 0" for v in values]
        return _cel(driver, parts), {name: values}
    return None


def too_many(driver: str, devices: list[Object]) -> tuple[int, str, str] | None:
    """(count, CEL, in words): more devices than the node has; None if that cannot be asked for."""
    if len(devices) < MOST_IN_A_CLAIM:
        count = len(devices) + 1
        return count, _cel(driver, []), f"{count} devices, where the node has {len(devices)}"
    for device in devices:
        pinned = pin(driver, device, devices)
        if pinned is not None:
            return 2, pinned[0], "two devices, of a kind that there is one of"
    return None


def pin(driver: str, device: Object, devices: list[Object]) -> tuple[str, Object] | None:
    """CEL that of all devices only this one satisfies, and the attributes in it; None if there is none."""
    mine = {name: v for name, v in device["attributes"].items() if _kind(v)}
    others = [d for d in devices if (d["pool"], d["name"]) != (device["pool"], device["name"])]
    for name, value in sorted(mine.items()):
        if all(d["attributes"].get(name) != value for d in others):
            return _cel(driver, [_is(driver, name, value)]), {name: value}
    if any(all(d["attributes"].get(n) == v for n, v in mine.items()) for d in others):
        return None
    return _cel(driver, [_is(driver, n, v) for n, v in sorted(mine.items())]), mine


def pin_driver(driver: str) -> str:
    """CEL for any device of this driver."""
    return _cel(driver, [])


def _common(devices: list[Object]) -> list[str]:
    """Attributes of all devices, of one kind, the ones with text first."""
    names = [
        name
        for name in (devices[0]["attributes"] if devices else ())
        if len({_kind(d["attributes"].get(name) or {}) for d in devices} | {""}) == 2
        and all(_kind(d["attributes"].get(name) or {}) for d in devices)
    ]
    return sorted(names, key=lambda n: (_KINDS.index(_kind(devices[0]["attributes"][n])), n))


def _same(devices: list[Object], name: str) -> bool:
    return all(d["attributes"][name] == devices[0]["attributes"][name] for d in devices)


def _capacities(devices: list[Object]) -> list[str]:
    return sorted(n for n in (devices[0]["capacity"] if devices else ()) if all(d["capacity"].get(n) for d in devices))


def _kind(value: Object) -> str:
    """Which kind; "" for those that this suite does not know (lists)."""
    return next((k for k in _KINDS if k in value), "")


def _place(driver: str, what: str, name: str) -> str:
    """A field of a device. A name without a domain lies in the driver's own."""
    domain, _, plain = name.rpartition("/")
    return f"device.{what}[{json.dumps(domain or driver)}].{plain}"


def _is(driver: str, name: str, value: Object) -> str:
    domain, _, plain = name.rpartition("/")
    place, kind = _place(driver, "attributes", name), _kind(value)
    has = f"{json.dumps(plain)} in device.attributes[{json.dumps(domain or driver)}]"
    if kind == "version":
        return f"{has} && {place}.compareTo(semver({json.dumps(value[kind])})) == 0"
    return f"{has} && {place} == {json.dumps(value[kind], ensure_ascii=False)}"


def _cel(driver: str, parts: list[str]) -> str:
    """All parts must hold, and only for devices of this driver: others may lack the attribute."""
    return " && ".join([f"device.driver == {json.dumps(driver)}", *parts])
