"""What is planned for which cluster."""

from dataclasses import replace
from typing import Any

import pytest

from aiconform.checks.dra_support.check import TYPES
from aiconform.checks.dra_support.plan import attempts
from aiconform.model import Accelerator, ApiResource, Attempt, Gap, Inventory, Node, Options


def node(name: str, **changes: Any) -> Node:
    plain: dict[str, Any] = {
        "ready": True, "unschedulable": False, "labels": {}, "taints": (), "allocatable": {}, "kubelet": "",
        "runtime": "",
    }  # fmt: skip
    return Node(name=name, uid=name, **plain | changes)


def driver(name: str, nodes: dict[str, int], **changes: Any) -> Accelerator:
    plain: dict[str, Any] = {"vendor": "some", "form": "dra", "recognised": True}
    return Accelerator(id=f"{name}-dra", driver=name, device_class=name, nodes=nodes, **plain | changes)


def cluster(*accelerators: Accelerator, version: str = "v1", **changes: Any) -> Inventory:
    plain: dict[str, Any] = {"nodes": (node("a"), node("b")), "server_version": "v1.35.0"}
    apis = tuple(
        ApiResource(group="resource.k8s.io", version=version, plural=p, kind="", namespaced=True) for p in TYPES
    )
    return Inventory(platform="", apis=apis, accelerators=accelerators, **plain | changes)


def planned(inventory: Inventory, **options: Any) -> list[Attempt]:
    return attempts(inventory, Options(**options), "MUST")


def test_each_known_driver_is_tried_and_unknown_ones_if_they_are_named() -> None:
    two = cluster(driver("gpu.x", {"a": 1, "b": 4}), driver("nic.x", {"a": 1}, recognised=False))
    (first,) = planned(two)
    assert first.id == "dra_support.gpu.x-dra"
    assert [n["name"] for n in first.facts["nodes"]] == ["b", "a"]
    assert first.holds == ("accelerators/b", "accelerators/a")
    assert [a.via for a in planned(two, accelerator=("nic.x",))] == ["nic.x-dra"]


def test_without_devices_the_api_is_tried_alone_and_holds_nothing() -> None:
    for inventory in (cluster(), cluster(driver("nic.x", {"a": 1}, recognised=False))):
        (attempt,) = planned(inventory)
        assert attempt.via == "api" and attempt.unable is None
        assert attempt.holds == () and attempt.facts["accelerator"] is None


@pytest.mark.parametrize(
    ("inventory", "options", "code"),
    [
        (cluster(gaps=(Gap(what="resourceslices.resource.k8s.io", why="forbidden"),)), {}, "rbac-denied"),
        (cluster(gaps=(Gap(what="nodes", why="forbidden"),)), {}, "rbac-denied"),
        (cluster(nodes=(node("a", ready=False),)), {}, "no-node"),
        (cluster(driver("gpu.x", {"c": 1})), {}, "no-accelerator"),
        (cluster(driver("gpu.x", {"a": 1})), {"accelerator": ("other",)}, "no-accelerator"),
    ],
)
def test_what_cannot_be_tried_says_why(inventory: Inventory, options: dict[str, Any], code: str) -> None:
    (attempt,) = planned(inventory, **options)
    assert attempt.unable is not None and attempt.unable[0] == code


def test_an_incomplete_pool_is_handed_on() -> None:
    gap = Gap(what="resource pool gpu.x/a", why="not every slice")
    assert planned(cluster(gaps=(gap,)))[0].facts["incomplete"] == ["gpu.x/a"]


def test_the_version_that_is_spoken_and_the_one_that_is_asked_for() -> None:
    def facts(inventory: Inventory, **options: Any) -> tuple[str, str]:
        found = planned(inventory, **options)[0].facts
        return found["mechanism"], found["required"]

    assert facts(cluster()) == ("v1", "v1")
    assert facts(cluster(version="v1beta2")) == ("v1beta2", "v1")
    assert facts(cluster(version="v1beta1"), checklist="v1.33") == ("v1beta1", "any")
    assert facts(replace(cluster(version="v1beta1"), server_version="v1.33.4")) == ("v1beta1", "any")
    assert facts(cluster(), checklist="1.33") == ("v1", "any")
    assert facts(replace(cluster(), apis=())) == ("v1", "v1")
    assert facts(cluster(), mechanism={"dra_support": "v1beta1"}) == ("v1beta1", "v1")
