"""What the plan makes of an inventory."""

from typing import Any

import pytest

from aiconform.checks.accelerator_metrics.plan import attempts
from aiconform.checks.accelerator_metrics.via import vendors
from aiconform.model import Accelerator, ApiResource, Gap, Inventory, Node, Options

TAINT = {"key": "gpu", "effect": "NoSchedule"}


def node(name: str, **more: Any) -> Node:
    base: dict[str, Any] = {
        "name": name, "uid": name, "ready": True, "unschedulable": False, "labels": {"pool": name}, "taints": (TAINT,),
        "allocatable": {}, "kubelet": "v1.37.1", "runtime": "containerd://2.4.2",
    }  # fmt: skip
    return Node(**base | more)


def accelerator(form: Any, nodes: dict[str, int], vendor: str = "nvidia") -> Accelerator:
    return Accelerator(
        id=f"{vendor}-{form}", vendor=vendor, form=form, resource="" if form == "dra" else "v.io/a",
        driver="" if form == "device-plugin" else "d", device_class="c", nodes=nodes, recognised=vendor != "unknown",
    )  # fmt: skip


def inventory(*accelerators: Accelerator, nodes: tuple[Node, ...] = (), **more: Any) -> Inventory:
    claims = [
        ApiResource(group="resource.k8s.io", version=v, plural="resourceclaims", kind="", namespaced=True)
        for v in ("v1beta2", "v1")
    ]
    return Inventory(
        server_version="v1.37.1", platform="p", apis=tuple(claims), nodes=nodes, accelerators=accelerators, **more
    )


def test_one_attempt_for_devices_that_can_be_asked_for_in_two_ways() -> None:
    claim, extended = accelerator("dra", {"a": 4}), accelerator("dra-extended", {"a": 4})
    plugin = accelerator("device-plugin", {"b": 2})
    found = inventory(claim, extended, plugin, nodes=(node("a"), node("b")))
    made = attempts(found, Options(), "MUST")
    assert [m.via for m in made] == ["nvidia-dra", "nvidia-device-plugin"]
    assert [m.holds for m in made] == [("accelerators/a",), ("accelerators/b",)]
    assert made[0].facts["nodes"] == 2  # all that have accelerators of any kind
    assert made[0].facts["units"] == 4 and made[0].facts["claims"] == "v1" and made[0].facts["taints"] == [TAINT]
    only = attempts(found, Options(accelerator=("nvidia-dra-extended",)), "MUST")
    assert [m.via for m in only] == ["nvidia-dra-extended"]


def families(vendor: str, **options: Any) -> set[str]:
    found = inventory(accelerator("device-plugin", {"a": 1}, vendor), nodes=(node("a"),))
    (made,) = attempts(found, Options(**options), "MUST")
    return {f["name"] for f in made.facts["families"]}


def test_names_are_looked_for_by_vendor() -> None:
    every = {f.name for v in vendors() for f in v.families}
    assert families("nvidia") == {"dcgm", "opentelemetry"}
    assert families("simulated") == families("unknown") == every
    assert families("unknown", mechanism={"accelerator_metrics": "amd"}) == {"amd-device-metrics", "opentelemetry"}


@pytest.mark.parametrize(("vendor", "burner"), [("nvidia", "burn_cuda.py"), ("simulated", "burn_cpu.py"), ("amd", "")])
def test_a_load_comes_with_its_vendor(vendor: str, burner: str) -> None:
    found = inventory(accelerator("device-plugin", {"a": 1}, vendor), nodes=(node("a"),))
    (made,) = attempts(found, Options(mechanism={"accelerator_metrics": f"{vendor}:pods/n/p:1/m"}), "MUST")
    assert (made.facts["burner"] or {}).get("script", "") == burner
    assert made.facts["mechanism"] == vendor and made.facts["endpoint"] == "pods/n/p:1/m"


@pytest.mark.parametrize("unusable", [{"ready": False}, {"unschedulable": True}, {"labels": {"pool": "other"}}])
def test_the_node_is_ready_schedulable_and_selected(unusable: dict[str, Any]) -> None:
    big, small = node("big", **unusable), node("small", labels={"pool": "mine"})
    choice = Options(node_selector={"pool": "mine"})
    (made,) = attempts(inventory(accelerator("dra", {"big": 8, "small": 1}), nodes=(big, small)), choice, "MUST")
    assert made.facts["node"] == "small"
    (none,) = attempts(inventory(accelerator("dra", {"big": 8}), nodes=(big,)), choice, "MUST")
    assert none.unable is not None and none.unable[0] == "no-accelerator"


def test_what_cannot_be_tried_says_why() -> None:
    (nothing,) = attempts(inventory(gaps=(Gap(what="nodes", why="forbidden"),)), Options(), "MUST")
    assert nothing.unable is not None
    assert nothing.unable[0] == "no-accelerator" and "forbidden" in nothing.unable[1]
    (misnamed,) = attempts(inventory(accelerator("dra", {"a": 1})), Options(accelerator=("x",)), "MUST")
    assert misnamed.unable is not None and "called x" in misnamed.unable[1]
