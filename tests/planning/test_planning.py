"""What plans choose from: nodes, accelerators, and the attempts that come of it."""

from typing import Any

import pytest

from aiconform.model import Accelerator, Check, Deadline, Gap, Inventory, Node, Options
from aiconform.planning import Planner, called, gentlest, on, place, richest

CHECK = Check(
    requirement="trial",
    title="",
    clauses=(),
    over="some mechanism",
    permissions=(),
    disruption="creates",
    deadlines={"window": Deadline(seconds=60, reason="", fast=10)},
    minutes=3,
)


def node(name: str, **more: Any) -> Node:
    base: dict[str, Any] = {
        "name": name, "uid": name, "ready": True, "unschedulable": False, "labels": {}, "taints": (),
        "allocatable": {}, "kubelet": "v1.37.1", "runtime": "",
    }  # fmt: skip
    return Node(**base | more)


def accelerator(name: str, nodes: dict[str, int], **more: Any) -> Accelerator:
    base: dict[str, Any] = {"id": name, "vendor": "acme", "form": "dra", "recognised": True, "nodes": nodes}
    return Accelerator(**base | more)


def planner(options: Options | None = None, **more: Any) -> Planner:
    base: dict[str, Any] = {"server_version": "v1.37.1", "platform": "p", "apis": (), "nodes": (), "accelerators": ()}
    inventory = Inventory(**base | more)
    return Planner(check=CHECK, inventory=inventory, options=options or Options(), level="MUST")


@pytest.mark.parametrize(
    ("change", "schedulable", "usable"),
    [
        ({}, True, True),
        ({"ready": False}, False, False),
        ({"unschedulable": True}, False, False),
        ({"labels": {"pool": "theirs"}}, False, False),
        ({"labels": {"pool": "mine", "kubernetes.io/os": "windows"}}, True, False),
    ],
)
def test_a_usable_node_is_a_schedulable_one_that_runs_linux(
    change: dict[str, Any], schedulable: bool, usable: bool
) -> None:
    p = planner(Options(node_selector={"pool": "mine"}), nodes=(node("n", **{"labels": {"pool": "mine"}} | change),))
    assert (bool(p.schedulable()), bool(p.usable())) == (schedulable, usable)


def test_pods_without_accelerator_go_to_nodes_that_run_code_and_repel_least() -> None:
    taint = {"key": "gpu", "effect": "NoSchedule"}
    nodes = [node("kwok", kubelet="kwok-v0.8"), node("gpu", taints=(taint,)), node("b"), node("a")]
    assert [n.name for n in gentlest(nodes)] == ["a", "b", "gpu", "kwok"]


def test_a_place_names_host_and_taints() -> None:
    n = node("n", labels={"kubernetes.io/hostname": "host"}, taints=({"key": "gpu", "effect": "NoSchedule"},))
    assert place(n) == {"name": "n", "hostname": "host", "taints": [{"key": "gpu", "effect": "NoSchedule"}]}
    assert on(n) == {"node": "n", **{k: v for k, v in place(n).items() if k != "name"}}
    assert place(node("m"))["hostname"] == "m"


def test_accelerators_are_called_by_any_of_their_names_and_by_vendor_only_where_that_is_meant() -> None:
    a, b = accelerator("a", {}, device_class="fast"), accelerator("b", {}, resource="acme.io/b", vendor="unknown")
    assert called((a, b), ()) == [a, b]
    assert called((a, b), ("fast",)) == [a] and called((a, b), ("acme.io/b", "a")) == [a, b]
    assert called((a, b), ("acme",)) == [] and called((a, b), ("acme",), vendors=True) == [a]
    assert called((a, b), ("", "unknown"), vendors=True) == []


def test_the_richest_node_comes_first_and_nodes_without_units_never() -> None:
    a = accelerator("a", {"x": 2, "y": 8, "z": 0, "w": 2})
    assert [n.name for n in richest(a, [node(n) for n in "xyzwv"])] == ["y", "w", "x"]


def test_why_there_is_no_accelerator() -> None:
    named = Options(accelerator=("x", "y"))
    assert planner(named, accelerators=(accelerator("a", {}),)).no_accelerator()[1] == (
        "no accelerator is called x or y here"
    )
    assert "nodes: forbidden" in planner(gaps=(Gap(what="nodes", why="forbidden"),)).no_accelerator()[1]


def test_an_attempt_has_the_check_s_settings_and_one_that_is_unable_holds_nothing() -> None:
    p = planner(Options(fast=True, mechanism={"trial": "x"}))
    assert p.wanted == "x"
    made = p.attempt("x", {"a": 1}, holds=("node/n",))
    assert (made.id, made.minutes, made.holds, made.facts) == ("trial.x", 3, ("node/n",), {"a": 1})
    assert made.settings["deadlines"] == {"window": 10}
    unable = p.attempt("x", unable=("no-node", "why"), holds=("node/n",))
    assert (unable.minutes, unable.holds, unable.unable) == (0, (), ("no-node", "why"))
    assert p.attempt("x", minutes=0.5, reads=True).disruption == "reads"
