"""Plans of whole runs: attempts keep out of each other's way where they can choose."""

from typing import Any

import pytest

from aiconform.checklists import load
from aiconform.engine.plan import Plan, make_plan
from aiconform.model import Accelerator, ApiResource, Inventory, Node, Options
from aiconform.planning import claims

LOAD = ("custom.metrics.k8s.io/v1beta2", "external.metrics.k8s.io/v1beta1")
KINDS = (
    ("resource.k8s.io", "v1", "resourceclaims", "ResourceClaim"),
    ("resource.k8s.io", "v1", "resourceslices", "ResourceSlice"),
    ("scheduling.k8s.io", "v1beta1", "podgroups", "PodGroup"),
    ("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    ("karpenter.sh", "v1", "nodepools", "NodePool"),
    ("karpenter.sh", "v1", "nodeclaims", "NodeClaim"),
)


def node(name: str) -> Node:
    return Node(
        name=name, uid=name, ready=True, unschedulable=False, labels={"kubernetes.io/hostname": name}, taints=(),
        allocatable={"cpu": "8"}, kubelet="v1.37.1", runtime="",
    )  # fmt: skip


def accelerator(form: Any, nodes: dict[str, int]) -> Accelerator:
    return Accelerator(
        id=f"acme-{form}", vendor="acme", form=form, resource="" if form == "dra" else "acme.io/gpu", driver="d",
        device_class="c", nodes=nodes, recognised=True,
    )  # fmt: skip


def plan(*accelerators: Accelerator, nodes: str = "ab", **options: Any) -> Plan:
    apis = [ApiResource(group=g, version=v, plural=p, kind=k, namespaced=True) for g, v, p, k in KINDS]
    inventory = Inventory(
        server_version="v1.37.1", platform="p", apis=tuple(apis), nodes=tuple(map(node, nodes)),
        accelerators=accelerators, facts={"groups": LOAD},
    )  # fmt: skip
    return make_plan(load("1.37"), inventory, Options(**options))


def where(made: Plan, check: str) -> list[tuple[str, ...]]:
    return [a.holds for a in made.attempts if a.check == check and not a.unable]


BOTH = (accelerator("device-plugin", {"b": 4}), accelerator("dra", {"a": 4}))
SAME = (accelerator("device-plugin", dict.fromkeys("abcdef", 8)),)


def test_two_mechanisms_of_one_check_are_tried_on_different_accelerators_where_both_are_as_good() -> None:
    made = plan(*BOTH)
    assert {h for held in where(made, "pod_autoscaling") for h in held} == {"accelerators/a", "accelerators/b"}


def test_on_nodes_that_are_alike_attempts_are_spread() -> None:
    made = plan(*SAME, nodes="abcdef", skip=("gang_scheduling",))
    held = [h for c in ("pod_autoscaling", "accelerator_metrics", "secure_accelerator_access") for h in where(made, c)]
    assert len(held) == len(set(held)) == 4
    assert all(s.minutes == 0 for s in made.slots)


def test_a_better_node_is_taken_though_it_is_used() -> None:
    made = plan(accelerator("device-plugin", {"a": 8, "b": 1}))
    assert {h for held in where(made, "pod_autoscaling") for h in held} == {"accelerators/a"}


def test_gangs_fill_nodes_on_which_nothing_else_is_put_meanwhile() -> None:
    made = plan(*BOTH)
    (gang,) = (a for a in made.attempts if a.check == "gang_scheduling" and not a.unable)
    assert {h.partition("/")[0] for h in gang.holds} == {"accelerators", "room"}
    for other in made.attempts:
        on_it = {h.partition("/")[2] for h in (*other.holds, *other.shares)} & {h.partition("/")[2] for h in gang.holds}
        assert other is gang or other.unable or not on_it or claims.competing(gang, other)


def test_an_autoscaler_is_tried_beside_what_uses_other_accelerators_and_names_its_nodes() -> None:
    made = plan(*BOTH, allow=("scales",))
    (scaling,) = (a for a in made.attempts if a.check == "cluster_autoscaling")
    assert scaling.holds == (claims.ADDED_NODES, "accelerators/b") and scaling.shares == ("room/b",)
    (slot,) = (s for s in made.slots if s.attempt == scaling.id)
    for a in made.attempts:
        assert ("accelerators/b" in a.holds or claims.ADDED_NODES in a.shares) == (a.id in slot.turn) or a is scaling
    assert slot.minutes == 0 and slot.after == () and "takes more only after" in slot.why


@pytest.mark.parametrize("fast", [True, False])
def test_in_a_hurry_one_mechanism_is_enough_and_the_others_say_so(fast: bool) -> None:
    made = [a for a in plan(*BOTH, fast=fast).attempts if a.check == "pod_autoscaling"]
    left_out = [a for a in made if a.unable]
    assert (len(made), len(left_out)) == ((2, 1) if fast else (2, 0))
    for a in left_out:
        assert a.unable is not None and a.unable[0] == "not-tried" and "--fast" in a.unable[1]
        assert a.holds == a.shares == () and a.minutes == 0


def test_what_the_user_names_is_tried_in_a_hurry_too_and_every_accelerator_always() -> None:
    named = plan(*BOTH, fast=True, mechanism={"pod_autoscaling": "pods-metric"})
    assert [a.via for a in named.attempts if a.check == "pod_autoscaling" and not a.unable] == ["pods-metric"]
    for check in ("secure_accelerator_access", "accelerator_metrics"):
        assert len(where(named, check)) == 2


@pytest.mark.parametrize("fast", [True, False])
def test_all_that_the_user_names_are_tried_and_keep_out_of_each_others_way(fast: bool) -> None:
    named = ("external-metric", "pods-metric")
    only = plan(*BOTH, fast=fast, mechanism={"pod_autoscaling": named}, only=("pod_autoscaling",))
    assert sorted(a.via for a in only.attempts if not a.unable) == list(named)
    assert {h for held in where(only, "pod_autoscaling") for h in held} == {"accelerators/a", "accelerators/b"}


def test_one_of_those_named_that_is_not_there_is_said_so_beside_the_other() -> None:
    made = plan(*BOTH, mechanism={"pod_autoscaling": ("pods-metric", "keda")}, only=("pod_autoscaling",))
    unable = {a.via: a.unable and a.unable[0] for a in made.attempts}
    assert unable == {"pods-metric": None, "keda": "mechanism-not-found"}


@pytest.mark.parametrize("fast", [True, False])
def test_an_autoscaler_is_tried_on_each_accelerator_that_was_named(fast: bool) -> None:
    made = plan(*BOTH, allow=("scales",), accelerator=("acme-dra", "acme.io/gpu"), fast=fast)
    assert len(where(made, "cluster_autoscaling")) == 2


def test_plans_are_the_same_every_time() -> None:
    assert plan(*BOTH, allow=("scales",)) == plan(*BOTH, allow=("scales",))
