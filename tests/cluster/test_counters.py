"""How many devices can be given at one time: classes, partitions of one device, rules that take devices away."""

from typing import Any

import pytest

from aiconform.cluster import counters, units

Object = dict[str, Any]
NODE = {"metadata": {"name": "n", "labels": {}}}
WHOLE, PART = (
    "device.driver == 'drv' && device.attributes['drv'].type == 'gpu'",
    "device.attributes['drv'].type == 'mig'",
)


def part(name: str, kind: str, memory: str, card: str = "card0", **more: Any) -> Object:
    consumes = [{"counterSet": card, "counters": {"memory": {"value": memory}}}]
    return {"name": name, "attributes": {"type": {"string": kind}}, "consumesCounters": consumes, **more}


def pool(*specs: Object) -> list[Object]:
    one = {"name": "n", "generation": 2, "resourceSliceCount": len(specs)}
    return [{"spec": {"driver": "drv", "nodeName": "n", "pool": one} | s} for s in specs]


SETS = [{"name": "card0", "counters": {"memory": {"value": "40Gi"}}}]
DEVICES = [part("gpu", "gpu", "40Gi"), *(part(f"mig{i}", "mig", "10240Mi") for i in range(6))]
# In one slice, as until Kubernetes 1.34, and the sets in a slice of their own, as since 1.35.
SHAPES = [pool({"sharedCounters": SETS, "devices": DEVICES}), pool({"sharedCounters": SETS}, {"devices": DEVICES})]


def free(slices: list[Object], selector: str, *held: str) -> int:
    there = units.advertised(slices, "drv", NODE, selector)
    return counters.together(slices, "drv", there, {("n", h) for h in held})


@pytest.mark.parametrize("slices", SHAPES, ids=["sets beside the devices", "sets in their own slice"])
def test_partitions_count_as_far_as_their_device_suffices(slices: list[Object]) -> None:
    assert (free(slices, WHOLE), free(slices, PART)) == (1, 4)
    # A partition that somebody holds takes the whole device away, and the other way round.
    assert (free(slices, WHOLE, "mig3"), free(slices, PART, "mig3")) == (0, 3)
    assert (free(slices, WHOLE, "gpu"), free(slices, PART, "gpu")) == (0, 0)


def test_sets_of_the_same_name_are_those_of_their_slice() -> None:
    one, two = ({"sharedCounters": SETS, "devices": [part(n, "gpu", "40Gi")]} for n in "ab")
    assert free(pool(one, two), WHOLE) == 2


def test_devices_of_another_class_are_not_counted() -> None:
    plain = [{"name": n, "basic": {"attributes": {"type": {"string": k}}}} for n, k in (("a", "gpu"), ("b", "mig"))]
    assert units.advertised(pool({"devices": plain}), "drv", NODE, WHOLE) == {("n", "a")}
    assert units.advertised(pool({"devices": plain}), "drv", NODE) == {("n", "a"), ("n", "b")}


def test_rules_take_devices_out_of_use() -> None:
    def out(effect: str = "NoSchedule", **chosen: str) -> set[units.Key]:
        rule = {"spec": {"deviceSelector": chosen, "taint": {"effect": effect}}}
        return units.out_of_use([rule], "drv", [("n", "a"), ("m", "a")])

    assert out(driver="drv", pool="n") == {("n", "a")}
    assert out() == {("n", "a"), ("m", "a")}
    assert out(driver="other") == out("None") == set()


@pytest.mark.parametrize(
    ("text", "value"), [("7", 7), ("40Gi", 40 * 2**30), ("1k", 1000), ("1e3", 1000), ("1E", 10**18)]
)
def test_quantities(text: str, value: int) -> None:
    assert counters.amount(text) == value
