"""What the plan makes of an inventory."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from aiconform.checks.secure_accelerator_access.plan import attempts
from aiconform.checks.secure_accelerator_access.scene import Scene
from aiconform.checks.secure_accelerator_access.via.dra import MECHANISM as DRA
from aiconform.checks.secure_accelerator_access.via.extended import MECHANISM as EXTENDED
from aiconform.model import Accelerator, ApiResource, Gap, Inventory, Node, Options

TAINT = {"key": "gpu", "effect": "NoSchedule"}


def node(name: str, **more: Any) -> Node:
    base: dict[str, Any] = {
        "name": name, "uid": name, "ready": True, "unschedulable": False, "labels": {"pool": name}, "taints": (TAINT,),
        "allocatable": {}, "kubelet": "v1.37.1", "runtime": "containerd://2.4.2",
    }  # fmt: skip
    return Node(**base | more)


def accelerator(form: Any, nodes: dict[str, int]) -> Accelerator:
    return Accelerator(
        id=f"sim-{form}", vendor="sim", form=form, resource="" if form == "dra" else "sim.io/a", driver="d",
        device_class="c", nodes=nodes, recognised=True,
    )  # fmt: skip


def inventory(*accelerators: Accelerator, nodes: tuple[Node, ...] = (), served: bool = True, **more: Any) -> Inventory:
    claims = ApiResource(group="resource.k8s.io", version="v1", plural="resourceclaims", kind="", namespaced=True)
    return Inventory(
        server_version="v1.37.1", platform="p", apis=(claims,) if served else (), nodes=nodes,
        accelerators=accelerators, **more,
    )  # fmt: skip


def test_one_attempt_for_each_way_of_asking() -> None:
    found = inventory(
        accelerator("dra", {"a": 4}), accelerator("device-plugin", {"b": 2}), nodes=(node("a"), node("b"))
    )
    made = attempts(found, Options(), "MUST")
    assert [m.id for m in made] == [
        "secure_accelerator_access.sim-dra",
        "secure_accelerator_access.sim-device-plugin",
    ]
    assert [m.holds for m in made] == [("accelerators/a",), ("accelerators/b",)]
    assert [m.facts["mechanism"] for m in made] == ["dra", "extended"]
    assert made[0].facts["taints"] == [TAINT]
    assert made[0].settings["deadlines"]["pending_window"] == 60
    only = attempts(found, Options(accelerator=("sim-dra",)), "MUST")
    assert [m.via for m in only] == ["sim-dra"]


@pytest.mark.parametrize("unusable", [{"ready": False}, {"unschedulable": True}, {"labels": {"pool": "other"}}])
def test_the_node_is_ready_schedulable_and_selected(unusable: dict[str, Any]) -> None:
    big, small = node("big", **unusable), node("small", labels={"pool": "mine"})
    found = inventory(accelerator("dra", {"big": 8, "small": 1}), nodes=(big, small))
    choice = Options(node_selector={"pool": "mine"})
    (made,) = attempts(found, choice, "MUST")
    assert made.facts["node"] == "small"
    (none,) = attempts(inventory(accelerator("dra", {"big": 8}), nodes=(big,)), choice, "MUST")
    assert none.unable is not None
    assert none.unable[0] == "no-accelerator"


def test_other_nodes_may_be_taken_where_the_first_is_busy() -> None:
    names = {f"n{i}": 8 - i for i in range(5)}
    windows, fake = node("w", labels={"kubernetes.io/os": "windows"}), node("k", kubelet="kwok-v0.7")
    found = accelerator("dra", names | {"w": 16, "k": 9})
    (made,) = attempts(inventory(found, nodes=(windows, fake, *map(node, names))), Options(), "MUST")
    assert (made.facts["node"], [o["node"] for o in made.facts["others"]]) == ("n0", ["n1", "n2"])
    assert made.holds == ("accelerators/n0", "accelerators/n1", "accelerators/n2") and made.spare == made.holds[1:]


@pytest.mark.parametrize(
    ("free", "chosen", "asked"),
    [([4, 8], "n0", 1), ([1, 2, 3], "n2", 3), ([0, 1, 1], "n1", 3), ([0, 0, 0], "n0", 3), ([2, 8], "n1", 2)],
)
def test_a_node_with_enough_free_units_is_chosen(free: list[int], chosen: str, asked: int) -> None:
    found = accelerator("dra", {f"n{i}": 8 for i in range(3)})
    (made,) = attempts(inventory(found, nodes=tuple(node(f"n{i}") for i in range(3))), Options(), "MUST")
    counted: list[str] = []
    kept: list[str] = []
    facts: list[Any] = []

    async def free_units(_: Any, name: str) -> int:
        counted.append(name)
        return free[len(counted) - 1]

    box: Any = SimpleNamespace(
        attempt=made, on_offer=list, choose=kept.append, free_units=free_units, fact=lambda *a: facts.append(a)
    )
    scene = Scene.of(made, box, DRA)
    asyncio.run(scene.choose())
    assert (scene.place["node"], len(counted)) == (chosen, asked)
    assert facts == [("place", {"node": chosen, "kernel": ""})]
    assert kept == [chosen]


def test_what_cannot_be_tried_says_why() -> None:
    (nothing,) = attempts(inventory(gaps=(Gap(what="nodes", why="forbidden"),)), Options(), "MUST")
    assert nothing.unable is not None
    assert nothing.unable[0] == "no-accelerator"
    assert "forbidden" in nothing.unable[1]
    old = inventory(accelerator("dra", {"a": 4}), nodes=(node("a"),), served=False)
    (unserved,) = attempts(old, Options(), "MUST")
    assert unserved.unable is not None
    assert unserved.unable[0] == "mechanism-not-found"
    (misnamed,) = attempts(inventory(accelerator("dra", {"a": 1})), Options(accelerator=("x",)), "MUST")
    assert misnamed.unable is not None
    assert "called x" in misnamed.unable[1]


def test_the_vendors_own_runtime_classes_come_first() -> None:
    classes = {"runtime_classes": {f"c{i}": f"h{i}" for i in range(9)} | {"z": "sim-runtime"}}
    found = inventory(accelerator("dra", {"a": 4}), nodes=(node("a"),), facts=classes)
    (made,) = attempts(found, Options(), "MUST")
    assert made.facts["runtime_classes"][0] == "z"
    assert len(made.facts["runtime_classes"]) == 6
    assert made.facts["more_runtime_classes"] == ["c5", "c6", "c7", "c8"]


def test_only_claims_can_be_borrowed_or_used_as_admin() -> None:
    a = accelerator("dra", {"a": 1})
    plain, admin = DRA.admin(a, "x") or ({}, {})
    assert "adminAccess" not in plain["spec"]["devices"]["requests"][0]["exactly"]
    assert admin["spec"]["devices"]["requests"][0]["exactly"]["adminAccess"] is True
    first, borrowed = DRA.first(a, "holder"), DRA.borrowed("holder")
    assert borrowed is not None
    assert (first.pod, first.container) == (borrowed.pod, borrowed.container)
    assert not borrowed.objects
    b = accelerator("device-plugin", {"a": 1})
    assert EXTENDED.borrowed("holder") is None
    assert EXTENDED.admin(b, "x") is None
    assert EXTENDED.first(b, "x").container["resources"]["limits"] == {"sim.io/a": "1"}
