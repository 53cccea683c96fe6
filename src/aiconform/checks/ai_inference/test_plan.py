"""What the plan makes of an inventory."""

from typing import Any

import pytest

from aiconform.checks.ai_inference.plan import attempts
from aiconform.checks.ai_inference.via import Rule
from aiconform.checks.ai_inference.via.gateway_class import MECHANISM
from aiconform.checks.ai_inference.ways import apart
from aiconform.model import ApiResource, Inventory, Node, Options

GROUP = "gateway.networking.k8s.io"


def node(name: str, **more: Any) -> Node:
    base: dict[str, Any] = {
        "name": name, "uid": name, "ready": True, "unschedulable": False, "labels": {}, "taints": (),
        "allocatable": {}, "kubelet": "v1.37.1", "runtime": "containerd://2.4.2",
    }  # fmt: skip
    return Node(**base | more)


def api(plural: str, version: str = "v1") -> ApiResource:
    return ApiResource(group=GROUP, version=version, plural=plural, kind="", namespaced=True)


KINDS = tuple(map(api, ("gatewayclasses", "gateways", "httproutes")))


def a_class(name: str, **more: Any) -> dict[str, Any]:
    base = {"name": name, "controller": "example.com/c", "accepted": True, "because": "Accepted", "features": []}
    return base | more


def inventory(*classes: dict[str, Any], apis: tuple[ApiResource, ...] = KINDS, **more: Any) -> Inventory:
    facts = {"gateway_classes": list(classes)}
    base: dict[str, Any] = {"nodes": (node("a"),), "server_version": "v1.37.1", "platform": "p", "accelerators": ()}
    return Inventory(apis=apis, facts=facts, **base | more)


def named(name: str) -> Options:
    return Options(mechanism={"ai_inference": name})


def test_every_accepted_class_is_tried() -> None:
    made = attempts(inventory(a_class("x"), a_class("y"), a_class("z", accepted=False)), Options(), "MUST")
    assert [(m.id, m.unable, m.holds) for m in made] == [("ai_inference.x", None, ()), ("ai_inference.y", None, ())]
    assert made[0].facts["class"]["name"] == "x"
    assert not made[0].facts["claimed"]


def test_the_user_may_name_a_class_even_one_that_is_not_accepted() -> None:
    (made,) = attempts(inventory(a_class("x"), a_class("z", accepted=False)), named("z"), "MUST")
    assert made.via == "z" and made.unable is None and made.facts["claimed"]


@pytest.mark.parametrize(
    ("found", "options", "words"),
    [
        (inventory(), Options(), "there is none"),
        (inventory(a_class("z", accepted=False, because="Waiting: no")), Options(), "z is not accepted"),
        (inventory(a_class("w", controller="istio.io/mesh-controller")), Options(), "a waypoint of a mesh"),
        (inventory(a_class("x")), named("nobody"), "there is no GatewayClass nobody: there is x"),
        (inventory(a_class("x"), apis=KINDS[:2]), Options(), "httproutes of gateway.networking.k8s.io/v1"),
    ],
)
def test_what_is_not_there_is_said(found: Inventory, options: Options, words: str) -> None:
    (made,) = attempts(found, options, "MUST")
    assert made.unable is not None
    assert made.unable[0] == "mechanism-not-found" and words in made.unable[1]


def test_the_user_may_name_a_way_in() -> None:
    (made,) = attempts(inventory(a_class("x")), named("x:10.0.0.5:8000"), "MUST")
    assert made.via == "x" and made.facts["address"] == "10.0.0.5:8000"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("", "", 0), ("gw.test", "gw.test", 0), ("10.0.0.5:8000", "10.0.0.5", 8000), ("fd00::5", "fd00::5", 0),
        ("[fd00::5]:8000", "fd00::5", 8000), ("[fd00::5]", "fd00::5", 0),
    ],
)  # fmt: skip
def test_a_way_in_may_have_an_address_of_either_family(text: str, host: str, port: int) -> None:
    assert apart(text) == (host, port)


def test_a_class_for_meshes_is_tried_if_it_is_named() -> None:
    (made,) = attempts(inventory(a_class("w", controller="istio.io/mesh-controller")), named("w"), "MUST")
    assert made.unable is None


def test_the_node_runs_code_and_has_the_fewest_taints() -> None:
    taint = {"key": "gpu", "effect": "NoSchedule"}
    nodes = (
        node("a", kubelet="kwok-v0.8.0"), node("b", taints=(taint,)), node("c"), node("d"),
        node("e", labels={"kubernetes.io/os": "windows"}),
    )  # fmt: skip
    (made,) = attempts(inventory(a_class("x"), nodes=nodes), Options(), "MUST")
    assert made.facts["node"] == "c"
    (made,) = attempts(inventory(a_class("x"), nodes=(node("n", ready=False),)), Options(), "MUST")
    assert made.unable is not None and made.unable[0] == "no-node"


@pytest.mark.parametrize(("versions", "wanted"), [((), ""), (("v1beta1",), "v1beta1"), (("v1", "v1beta1"), "v1")])
def test_grants_are_made_in_a_version_that_is_served(versions: tuple[str, ...], wanted: str) -> None:
    apis = (*KINDS, *(api("referencegrants", v) for v in versions))
    (made,) = attempts(inventory(a_class("x"), apis=apis), Options(), "MUST")
    assert made.facts["grants"] == wanted
    grant = MECHANISM.grant("g", "from", "to", wanted)
    assert grant["apiVersion"] == f"{GROUP}/{wanted}"


def test_a_route_says_what_the_rules_say() -> None:
    rules = (Rule(backends=(("one", 1),), headers={"x-model": "a"}), Rule(backends=(("two", 0),), namespace="other"))
    route = MECHANISM.route("r", "gw", "h.test", rules)
    first, second = route["spec"]["rules"]
    assert first["matches"][0]["headers"] == [{"type": "Exact", "name": "x-model", "value": "a"}]
    assert second["backendRefs"] == [{"name": "two", "port": 80, "weight": 0, "namespace": "other"}]
    assert route["spec"]["parentRefs"] == [{"name": "gw"}] and route["spec"]["hostnames"] == ["h.test"]
