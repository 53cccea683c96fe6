"""Which operators are tried, and the descriptions of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from aiconform.checks.robust_controller.plan import attempts
from aiconform.checks.robust_controller.via import kserve, load, mechanisms
from aiconform.model import ApiResource, Inventory, Node, Operator, Options
from aiconform.model.operator import State, mistakes, reached, used

TOY = msgspec.convert(yaml.safe_load((Path(__file__).parent / "faults/toy.yml").read_text()), Operator)
PRODUCTS = [m.product for m in mechanisms() if m.product != "custom"]
API = {
    "jobset": ("jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet"),
    "kuberay": ("ray.io", "v1", "rayclusters", "RayCluster"),
    "toy": ("toys.aiconform.dev", "v1", "toys", "Toy"),
}
CORE = [("", "v1", "pods", "Pod"), ("", "v1", "services", "Service"), ("batch", "v1", "jobs", "Job")]


def api(group: str, version: str, plural: str, kind: str) -> ApiResource:
    return ApiResource(group=group, version=version, plural=plural, kind=kind, namespaced=True)


def node(name: str, *taints: dict[str, str], ready: bool = True) -> Node:
    return Node(
        name=name, uid=name, ready=ready, unschedulable=False, labels={}, taints=taints, allocatable={}, kubelet="",
        runtime="",
    )  # fmt: skip


def inventory(*names: str, nodes: tuple[Node, ...] = (node("n1"),)) -> Inventory:
    apis = tuple(api(*a) for a in [*CORE, *(API[n] for n in names)])
    return Inventory(server_version="v1.37.1", platform="p", apis=apis, nodes=nodes, accelerators=())


def test_nothing_installed_is_unknown_and_says_what_was_looked_for() -> None:
    (one,) = attempts(inventory(), Options(), "MUST")
    assert one.unable is not None and one.unable[0] == "mechanism-not-found"
    assert "rayclusters" in one.unable[1] and "jobsets" in one.unable[1]


def test_every_operator_that_is_found_is_tried() -> None:
    found = attempts(inventory("jobset", "kuberay"), Options(operators=(TOY,)), "MUST")
    assert [a.unable and a.unable[0] for a in found] == [None, None, "not-served"]
    assert [a.via for a in found] == ["jobset", "kuberay", "toy"]
    (only,) = attempts(inventory("jobset", "kuberay"), Options(mechanism={"robust_controller": "kuberay"}), "MUST")
    assert only.via == "kuberay"


def test_a_description_with_the_name_of_an_adapter_gets_another_name() -> None:
    renamed = msgspec.convert(msgspec.to_builtins(TOY) | {"name": "jobset"}, Operator)
    found = attempts(inventory("jobset", "toy"), Options(operators=(renamed,)), "MUST")
    assert [a.via for a in found] == ["jobset", "custom-jobset"]


def test_pods_go_to_nodes_that_take_them() -> None:
    taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
    (plain,) = attempts(inventory("jobset", nodes=(node("n1", taint), node("n2"))), Options(), "MUST")
    assert plain.facts["taints"] == []
    (tainted,) = attempts(inventory("jobset", nodes=(node("n1", taint),)), Options(), "MUST")
    assert tainted.facts["taints"] == [taint]
    (none,) = attempts(inventory("jobset", nodes=(node("n1", ready=False),)), Options(), "MUST")
    assert none.unable is not None and none.unable[0] == "no-node"


def test_kserve_is_told_the_mode_by_the_name_that_its_version_has() -> None:
    def mode(*plurals: str) -> str:
        apis = tuple(
            ApiResource(group="serving.kserve.io", version="v1alpha1", plural=p, kind=p, namespaced=True)
            for p in plurals
        )
        valid = kserve.MECHANISM.describe(replace(inventory("jobset"), apis=apis)).valid
        return str(valid["metadata"]["annotations"]["serving.kserve.io/deploymentMode"])

    assert mode() == "RawDeployment"
    assert mode("llminferenceservices") == "Standard"


@pytest.mark.parametrize("product", PRODUCTS)
def test_descriptions_are_sound(product: str) -> None:
    described = load(product, kueue="kueue.x-k8s.io/v1beta2", mode="Standard")
    assert described.name == product
    assert mistakes(described) == []
    assert "node_selector" in used([described.valid, *described.prepare]), "its twin could not be kept from running"
    assert described.wrong and described.updates


@pytest.mark.parametrize("product", PRODUCTS)
def test_adapters_ask_for_all_that_their_descriptions_need(product: str) -> None:
    adapter = next(m for m in mechanisms() if m.product == product)
    described = load(product, kueue="kueue.x-k8s.io/v1beta2", mode="Standard")
    allowed = {(p.group, r, v) for p in adapter.permissions for r in p.resources for v in p.verbs}
    for child in (*described.makes, *described.between):
        group = child.api.rpartition("/")[0]
        assert (group, child.plural, "watch") in allowed
    taken = next(k for k in described.makes if k.plural == (described.remakes or described.makes[0].plural))
    assert (taken.api.rpartition("/")[0], taken.plural, "delete") in allowed
    group = described.valid["apiVersion"].rpartition("/")[0]
    lives = {"create", "list", "watch", "patch", "delete"}
    assert {v for g, _, v in allowed if g == group} >= lives
    for needed in described.prepare:
        assert {v for g, r, v in allowed if (g, r) == (_group(needed), f"{needed['kind'].lower()}s")} >= lives
    assert adapter.proved


def _group(manifest: dict[str, Any]) -> str:
    return str(manifest["apiVersion"]).rpartition("/")[0]


def test_mistakes_in_a_description_are_named() -> None:
    def with_(**change: object) -> list[str]:
        return mistakes(msgspec.convert(msgspec.to_builtins(TOY) | change, Operator))

    assert with_() == []
    assert "unknown" in with_(valid={"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "${nome}"}})[0]
    assert "metadata.name" in with_(valid={"apiVersion": "a/v1", "kind": "A", "spec": {"c": "${command}"}})[0]
    assert "`makes`" in with_(makes=[])[0]
    assert "`wrong`" in with_(wrong=[])[0]
    assert "conditions" in with_(ready={})[0]
    assert "no manifest of kind" in with_(updates=[{"change": {}, "pods": 1, "kind": "Other"}])[0]


def test_states() -> None:
    obj = {"status": {"conditions": [{"type": "Ready", "status": "True"}], "jobs": [{"ready": 1}]}}
    assert reached(obj, State(conditions=("Other", "Ready")))
    assert not reached(obj, State(conditions=("Other",)))
    assert reached(obj, State(path="status.jobs.0.ready", equals=1))
    assert not reached(obj, State(path="status.jobs.1.ready", equals=1))
    assert not reached({}, State(path="status.state", equals="ready"))
