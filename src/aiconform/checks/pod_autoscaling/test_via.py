"""The adapters of pod_autoscaling, and which of them is tried where."""

from decimal import Decimal
from typing import Any

import pytest

from aiconform.checks.pod_autoscaling import via
from aiconform.checks.pod_autoscaling.plan import attempts
from aiconform.checks.pod_autoscaling.quantities import number
from aiconform.checks.pod_autoscaling.via import Wish, keda
from aiconform.model import Accelerator, ApiResource, Inventory, Node, Options

WISH = Wish(
    name="load", namespace="ns", least=1, most=5, target=50, label="x", prometheus="http://p:9090",
    served=("custom.metrics.k8s.io/v1beta1", "external.metrics.k8s.io/v1beta1"),
)  # fmt: skip
HPA = ApiResource(
    group="autoscaling",
    version="v2",
    plural="horizontalpodautoscalers",
    kind="HorizontalPodAutoscaler",
    namespaced=True,
)
SCALED = ApiResource(group="keda.sh", version="v1alpha1", plural="scaledobjects", kind="ScaledObject", namespaced=True)


def node(name: str, **more: Any) -> Node:
    usual: dict[str, Any] = {
        "uid": name, "ready": True, "unschedulable": False, "labels": {}, "taints": (), "allocatable": {},
        "kubelet": "", "runtime": "",
    }  # fmt: skip
    return Node(name=name, **{**usual, **more})


def inventory(*apis: ApiResource, groups: tuple[str, ...] = (), units: dict[str, int] | None = None) -> Inventory:
    nodes = units or {"a": 4}
    accelerator = Accelerator(id="x", vendor="v", form="device-plugin", resource="v/x", nodes=nodes, recognised=True)
    return Inventory(
        server_version="v1.37.1", platform="p", apis=apis, nodes=tuple(node(n) for n in nodes),
        accelerators=(accelerator,), facts={"groups": list(groups)},
    )  # fmt: skip


def tried(found: Inventory, **options: Any) -> dict[str, str]:
    """Mechanism -> the code of why it cannot be tried, "" if it can."""
    made = attempts(found, Options(**options), "MUST")
    return {a.via: a.unable[0] if a.unable else "" for a in made}


def test_each_api_that_is_registered_is_tried_even_if_it_lists_no_metric_yet() -> None:
    groups = ("custom.metrics.k8s.io/v1beta2", "external.metrics.k8s.io/v1beta1")
    assert tried(inventory(HPA, groups=groups)) == {"pods-metric": "", "external-metric": ""}
    assert tried(inventory(HPA, groups=groups[1:])) == {"external-metric": ""}
    assert tried(inventory(HPA)) == {"none": "mechanism-not-found"}
    assert tried(inventory(groups=groups)) == {"none": "mechanism-not-found"}


def test_external_metrics_beside_keda_are_taken_for_its_own_unless_they_are_named() -> None:
    found = inventory(HPA, SCALED, groups=("external.metrics.k8s.io/v1beta1",))
    assert tried(found) == {"keda": ""}
    named = {"mechanism": {"pod_autoscaling": "external-metric"}}
    assert tried(found, **named) == {"external-metric": ""}


def test_the_address_of_a_prometheus_can_be_named() -> None:
    found = inventory(HPA, SCALED)
    (attempt,) = attempts(found, Options(mechanism={"pod_autoscaling": "keda:http://p.m.svc:9090"}), "MUST")
    assert attempt.facts["prometheus"] == "http://p.m.svc:9090"


def test_what_cannot_be_tried_says_why() -> None:
    found = inventory(HPA, groups=("custom.metrics.k8s.io/v1beta2",))
    assert tried(found, accelerator=("nonesuch",)) == {"pods-metric": "no-accelerator"}
    assert tried(found, node_selector={"pool": "x"}) == {"pods-metric": "no-accelerator"}
    assert tried(found, mechanism={"pod_autoscaling": "magic"}) == {"magic": "mechanism-not-found"}


@pytest.mark.parametrize(
    ("served", "claims"), [((), ""), (("v1beta1", "v1beta2"), "v1beta2"), (("v1beta1", "v1"), "v1")]
)
def test_claims_are_made_in_the_newest_version_that_is_served(served: tuple[str, ...], claims: str) -> None:
    apis = [
        ApiResource(group="resource.k8s.io", version=v, plural="resourceclaims", kind="ResourceClaim", namespaced=True)
        for v in served
    ]
    (made,) = attempts(inventory(HPA, *apis, groups=("custom.metrics.k8s.io/v1beta2",)), Options(), "MUST")
    assert made.facts["claims"] == claims


def test_one_node_is_held_if_it_has_enough_and_more_otherwise() -> None:
    groups = ("custom.metrics.k8s.io/v1beta2",)
    (one,) = attempts(inventory(HPA, groups=groups, units={"a": 4, "b": 3}), Options(), "MUST")
    assert one.holds == ("accelerators/a",)
    (some,) = attempts(inventory(HPA, groups=groups, units={"a": 1, "b": 1}), Options(), "MUST")
    assert some.holds == ("accelerators/a", "accelerators/b")


@pytest.mark.parametrize(
    ("text", "value"),
    [("37", "37"), ("1500m", "1.5"), ("1k", "1000"), ("2Ki", "2048"), ("1e3", "1000"), ("-3", "-3"), ("x", None)],
)
def test_quantities(text: str, value: str | None) -> None:
    assert number(text) == (None if value is None else Decimal(value))


def test_values_are_read_by_object_and_series_of_an_external_metric_are_added() -> None:
    pods = [{"describedObject": {"name": n}, "value": v} for n, v in (("a", "96000m"), ("b", "1k"))]
    assert via.loads({"items": pods}) == {"a": "96", "b": "1000"}
    assert via.loads({"items": [{"metricName": "m", "value": "90"}, {"metricName": "m", "value": "6"}]}) == {"": "96"}
    assert via.loads({"items": []}) == via.loads({"kind": "Status"}) == via.loads(None) == {}


@pytest.mark.parametrize("mechanism", via.mechanisms(), ids=lambda m: m.product)
def test_what_was_stored_as_it_was_wished_is_not_changed(mechanism: via.LoadMechanism) -> None:
    made = mechanism.scaler(WISH)
    came = made if made["kind"] != "ScaledObject" else _of_keda()
    assert mechanism.changed(WISH, made, came) == []
    came["spec"]["behavior"]["scaleUp"] = {"stabilizationWindowSeconds": 0}
    assert mechanism.changed(WISH, made, came) == []
    came["spec"]["minReplicas"] = 2
    assert mechanism.changed(WISH, made, came) == ["minReplicas is 2 instead of 1"]
    assert "/namespaces/ns/" in mechanism.question(WISH).path


def _of_keda() -> dict[str, Any]:
    """The HorizontalPodAutoscaler that KEDA makes of our ScaledObject."""
    target = {"type": "AverageValue", "averageValue": "50"}
    spec = {
        "minReplicas": 1,
        "maxReplicas": 5,
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        "metrics": [{"type": "External", "external": {"metric": {"name": "s0-prometheus"}, "target": target}}],
    }
    return {"spec": spec}


def test_keda_is_told_that_a_missing_metric_is_not_zero() -> None:
    (trigger,) = keda.MECHANISM.scaler(WISH)["spec"]["triggers"]
    assert trigger["metadata"]["ignoreNullValues"] == "false"
    assert trigger["metadata"]["query"] == 'sum(aiconform_load{aiconform_target="x"})'


def test_the_suite_brings_a_metrics_api_only_if_it_is_named_and_none_is_there() -> None:
    named = {"mechanism": {"pod_autoscaling": "own-adapter"}}
    assert tried(inventory(HPA), **named) == {"own-adapter": ""}
    assert tried(inventory(HPA)) == {"none": "mechanism-not-found"}
    for version in ("v1beta1", "v1beta2"):
        there = inventory(HPA, groups=(f"custom.metrics.k8s.io/{version}",))
        assert tried(there, **named) == {"own-adapter": "mechanism-not-found"}


def test_a_scaled_object_with_a_fallback_is_not_ours_any_more() -> None:
    stored = keda.MECHANISM.scaler(WISH)
    stored["spec"]["fallback"] = {"failureThreshold": 1, "replicas": 4}
    (said,) = keda.MECHANISM.changed(WISH, stored, _of_keda())
    assert said.startswith("fallback is")
    stored = keda.MECHANISM.scaler(WISH)
    stored["spec"]["triggers"][0]["metadata"]["ignoreNullValues"] = "true"
    (said,) = keda.MECHANISM.changed(WISH, stored, _of_keda())
    assert said == "triggers[0].metadata.ignoreNullValues is 'true' instead of 'false'"
