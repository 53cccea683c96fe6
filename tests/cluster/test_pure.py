"""Manifests, asking, reasons, free units, marks: pure functions."""

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconform.cluster import labels, reasons, sweep, units
from aiconform.cluster.asking import Ask, ask, container, merge, pod, tolerations
from aiconform.cluster.manifests import ManifestError, fill
from aiconform.model import Accelerator, ApiResource, Node
from aiconform.planning import place

Object = dict[str, Any]
HEAD = "apiVersion: v1\nkind: Pod\n"


def test_placeholders_keep_the_type_of_their_parameter() -> None:
    (obj,) = fill(HEAD + "a: ${n}\nb: 'x-${n}'\nc: ${d}\n${n}k: [1, '${l}', $$]\n", n=3, d={"e": [1]}, l=[2])
    assert obj == {"apiVersion": "v1", "kind": "Pod", "a": 3, "b": "x-3", "c": {"e": [1]}, "3k": [1, [2], "$"]}


@pytest.mark.parametrize(
    ("text", "parameters", "said"),
    [
        (HEAD + "a: ${missing}", {}, "missing"),
        (HEAD, {"unused": 1}, "no place for unused"),
        (HEAD + "a: 'x ${d}'", {"d": {}}, "inside text"),
        (HEAD + "a: 'x ${d}'", {"d": True}, "inside text"),
        ("a: [", {}, "not valid YAML"),
        ("- 1", {}, "no Kubernetes object"),
    ],
)
def test_manifests_that_do_not_fit_are_errors(text: str, parameters: Object, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        fill(text, **parameters)


def test_a_file_of_several_documents(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(f"{HEAD}a: ${{x}}\n---\n{HEAD}b: ${{x}}\n---\n")
    assert [set(o) - {"apiVersion", "kind"} for o in fill(path, x="y")] == [{"a"}, {"b"}]
    with pytest.raises(ManifestError, match=r"m\.yaml"):
        fill(path)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="$")))
def test_a_parameter_is_never_read_as_yaml_or_placeholder(value: str) -> None:
    (obj,) = fill(HEAD + "a: ${x}\nb: ${y}", x=value, y="${x}")
    assert obj["a"] == value and obj["b"] == "${x}"


def accelerator(form: str, **more: Any) -> Accelerator:
    given: Object = {"resource": "x.dev/a", "driver": "drv", "device_class": "cls", "nodes": {}, "recognised": True}
    return Accelerator(id="a", vendor="v", form=form, **(given | more))  # type: ignore[arg-type]


def test_a_device_is_asked_for_by_claim_template_or_by_equal_request_and_limit() -> None:
    dra = ask(accelerator("dra"), 2, "one")
    request = dra.objects[0]["spec"]["spec"]["devices"]["requests"][0]
    assert request["exactly"] == {"deviceClassName": "cls", "allocationMode": "ExactCount", "count": 2}
    made = pod("p", "image", args=["true"], ask=dra)["spec"]
    assert made["resourceClaims"] == [{"name": "one", "resourceClaimTemplateName": "one"}]
    assert made["containers"][0]["resources"]["claims"] == [{"name": "one"}]
    assert made["containers"][0]["resources"]["requests"]["cpu"]
    for form in ("device-plugin", "dra-extended"):
        resources = container("c", "i", ask=ask(accelerator(form), 1, "x"))["resources"]
        assert resources["requests"]["x.dev/a"] == resources["limits"]["x.dev/a"] == "1"
    assert ask(accelerator("dra"), 0, "x") == Ask()
    old = ask(accelerator("dra"), 1, "x", api="resource.k8s.io/v1beta1").objects[0]
    assert old["spec"]["spec"]["devices"]["requests"][0]["deviceClassName"] == "cls"


def test_the_standard_pod_asks_for_nothing_but_its_place() -> None:
    taints = [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}, {"key": "b", "effect": "NoExecute"}]
    made = pod(
        "p", "i", script_configmap="s", script_key="probe.py", args=["x"], node="h", tolerations=tolerations(taints),
        env={"A": "b"},
    )["spec"]  # fmt: skip
    assert made["nodeSelector"] == {"kubernetes.io/hostname": "h"} and "nodeName" not in made
    assert made["tolerations"] == [
        {"key": "gpu", "effect": "NoSchedule", "operator": "Equal", "value": "yes"},
        {"key": "b", "effect": "NoExecute", "operator": "Exists"},
    ]
    first = made["containers"][0]
    assert first["command"] == ["python3", "/aiconform/probe.py", "x"] and first["env"] == [{"name": "A", "value": "b"}]
    assert first["volumeMounts"][0]["name"] == made["volumes"][0]["name"]
    assert made["automountServiceAccountToken"] is False and made["restartPolicy"] == "Never"
    assert "securityContext" not in first
    node = Node(
        name="n", uid="", ready=True, unschedulable=False, labels={"kubernetes.io/hostname": "h"}, taints=(),
        allocatable={}, kubelet="", runtime="",
    )  # fmt: skip
    assert place(node)["hostname"] == "h"


def test_merging_joins_and_does_not_touch_what_it_is_given() -> None:
    a, b = {"x": {"l": [1]}, "y": 1}, {"x": {"l": [2], "m": 3}, "y": 2}
    assert merge(a, b) == {"x": {"l": [1, 2], "m": 3}, "y": 2}
    assert a == {"x": {"l": [1]}, "y": 1}


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (403, 'pods is forbidden: User "u" cannot create resource "pods" in API group "" in ...', "rbac-denied"),
        (403, 'pods "p" is forbidden: violates PodSecurity "restricted:latest"', "admission-denied"),
        (403, 'pods "p" is forbidden: exceeded quota: q', "admission-denied"),
        (422, "ValidatingAdmissionPolicy 'x' with binding 'y' denied request: no", "admission-denied"),
        (400, 'admission webhook "w" denied the request: no', "admission-denied"),
        (422, 'Pod "p" is invalid: spec.containers: Required value', "refused"),
        (404, "the server could not find the requested resource", "not-served"),
    ],
)
def test_refusals_are_told_apart(status: int, message: str, code: str) -> None:
    assert reasons.refusal_code(status, message) == code


def waiting(reason: str, message: str = "") -> Object:
    return {
        "status": {"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": reason, "message": message}}}]}
    }


def unschedulable(message: str) -> Object:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"status": {"phase": "Pending", "conditions": [condition]}}


@pytest.mark.parametrize(
    ("seen", "code", "said"),
    [
        (waiting("ImagePullBackOff", "not found"), "image-unavailable", "c: ImagePullBackOff not found"),
        (waiting("ErrImageNeverPull"), "image-unavailable", "ErrImageNeverPull"),
        (waiting("CrashLoopBackOff"), "deadline", "CrashLoopBackOff"),
        (waiting("ContainerCreating"), "deadline", "Pending without a node"),
        (unschedulable("0/2 nodes are available: 1 Insufficient nvidia.com/gpu."), "too-few-accelerators", "nvidia"),
        (unschedulable("0/2 nodes are available: 2 cannot allocate all claims."), "too-few-accelerators", "claims"),
        (unschedulable("0/2 nodes are available: 2 Insufficient cpu."), "deadline", "Insufficient cpu"),
        ({"status": {"phase": "Failed", "reason": "Evicted", "message": "low"}}, "deadline", "Evicted: low"),
    ],
)
def test_why_a_pod_does_not_run(seen: Object, code: str, said: str) -> None:
    assert reasons.code_for(seen) == code
    assert said in reasons.why_not_running(seen)


def test_init_containers_hold_what_the_scheduler_says_they_hold() -> None:
    def c(n: int, **more: Any) -> Object:
        return {"resources": {"requests": {"x.dev/a": str(n)}}, **more}

    assert units.requested({"spec": {"containers": [c(1), c(2)]}}, "x.dev/a") == 3
    assert units.requested({"spec": {"initContainers": [c(4)], "containers": [c(1)]}}, "x.dev/a") == 4
    sidecar = c(2, restartPolicy="Always")
    assert units.requested({"spec": {"initContainers": [sidecar, c(3)], "containers": [c(1)]}}, "x.dev/a") == 5
    assert units.requested({"spec": {"initContainers": [sidecar], "containers": [c(1)]}}, "x.dev/a") == 3
    limit = {"resources": {"limits": {"x.dev/a": "2"}}}
    bound = {"spec": {"nodeName": "n", "containers": [limit]}, "status": {"phase": "Running"}}
    ended = bound | {"status": {"phase": "Succeeded"}}
    assert units.bound_requests([bound, ended, {"spec": {"containers": [limit]}}], "x.dev/a") == 2


def resource_slice(generation: int = 1, count: int = 1, **spec: Any) -> Object:
    base = {"driver": "drv", "pool": {"name": "p", "generation": generation, "resourceSliceCount": count}}
    return {"spec": base | {"devices": [{"name": "d0"}, {"name": "d1"}]} | spec}


NODE = {"metadata": {"name": "n", "labels": {"zone": "a", "gen": "5"}}}


@pytest.mark.parametrize(
    ("slices", "names"),
    [
        ([resource_slice(nodeName="n")], {"d0", "d1"}),
        ([resource_slice(nodeName="other")], set()),
        ([resource_slice(allNodes=True)], {"d0", "d1"}),
        ([resource_slice(count=2, nodeName="n")], set()),
        ([resource_slice(nodeName="n"), resource_slice(2, nodeName="n", devices=[{"name": "new"}])], {"new"}),
        ([resource_slice(nodeName="n", driver="another")], set()),
        ([resource_slice(nodeName="n", devices=[{"name": "t", "taints": [{"effect": "NoSchedule"}]}])], set()),
        ([resource_slice(nodeName="n", devices=[{"name": "t", "taints": [{"effect": "None"}]}])], {"t"}),
        (
            [resource_slice(perDeviceNodeSelection=True, devices=[{"name": c, "nodeName": c} for c in "nm"])],
            {"n"},
        ),
    ],
)  # fmt: skip
def test_only_whole_newest_pools_that_reach_the_node_count(slices: list[Object], names: set[str]) -> None:
    assert {name for _, name in units.advertised(slices, "drv", NODE)} == names


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({"key": "zone", "operator": "In", "values": ["a"]}, True),
        ({"key": "zone", "operator": "NotIn", "values": ["a"]}, False),
        ({"key": "zone", "operator": "Exists"}, True),
        ({"key": "none", "operator": "DoesNotExist"}, True),
        ({"key": "gen", "operator": "Gt", "values": ["4"]}, True),
        ({"key": "gen", "operator": "Lt", "values": ["4"]}, False),
        ({"key": "zone", "operator": "Gt", "values": ["4"]}, False),
    ],
)
def test_node_selectors_of_slices(rule: Object, fits: bool) -> None:
    selector = {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}
    assert bool(units.advertised([resource_slice(nodeSelector=selector)], "drv", NODE)) is fits


def test_admin_access_takes_no_device_away() -> None:
    def claim(**more: Any) -> Object:
        result = {"driver": "drv", "pool": "p", "device": "d0", **more}
        return {"status": {"allocation": {"devices": {"results": [result]}}}}

    assert units.allocated([claim(), {"status": {}}, {}], "drv") == {("p", "d0")}
    assert units.allocated([claim(adminAccess=True), claim(driver="other")], "drv") == set()


def test_labels_reach_every_template_and_leave_the_original_alone() -> None:
    template = {"spec": {"containers": []}}
    cron = {"kind": "CronJob", "metadata": {"name": "c"}, "spec": {"jobTemplate": {"spec": {"template": template}}}}
    out = labels.labelled(cron, {"a": "b"})
    assert out["spec"]["jobTemplate"]["metadata"]["labels"] == {"a": "b"}
    assert out["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"] == {"a": "b"}
    assert cron["metadata"] == {"name": "c"} and template == {"spec": {"containers": []}}
    claim = labels.labelled({"kind": "ResourceClaimTemplate", "metadata": {}, "spec": {"spec": {}}}, {"a": "b"})
    assert claim["spec"]["metadata"]["labels"] == {"a": "b"}


@given(st.text(max_size=120))
def test_label_values_are_always_allowed(text: str) -> None:
    assert re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?", labels.value(text))


def test_label_values_stay_as_they_are_or_tell_apart() -> None:
    assert labels.value("gang_scheduling.native") == "gang_scheduling.native"
    assert labels.value("a" * 70 + "b") != labels.value("a" * 70 + "c")


def test_who_is_alive_is_asked_on_this_machine_and_believed_elsewhere() -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC)
    mine = json.loads(labels.owner())
    until = {labels.ALIVE_UNTIL: labels.alive_until(now)}
    assert labels.is_alive({labels.OWNER: labels.owner()}, now)
    dead = {labels.OWNER: json.dumps(mine | {"started": "1"})}
    assert not labels.is_alive(dead | until, now), "another process with the same number is not the run"
    gone = {labels.OWNER: json.dumps(mine | {"pid": 2**22 - 1})}
    assert not labels.is_alive(gone | until, now)
    elsewhere = {labels.OWNER: json.dumps(mine | {"host": "another"})}
    assert labels.is_alive(elsewhere | until, now)
    assert not labels.is_alive(elsewhere | until, now + timedelta(minutes=3))
    assert not labels.is_alive({}) and not labels.is_alive({labels.OWNER: "x", labels.ALIVE_UNTIL: "y"})
    assert os.uname().nodename not in labels.owner()


def test_an_api_goes_before_the_pods_that_serve_it_and_namespaces_last() -> None:
    def stage(group: str, plural: str, namespaced: bool) -> int:
        return sweep.stage(ApiResource(group=group, version="v1", plural=plural, kind="X", namespaced=namespaced))

    order = [
        stage("apiregistration.k8s.io", "apiservices", False),
        stage("", "pods", True),
        stage("", "services", True),
        stage("rbac.authorization.k8s.io", "clusterroles", False),
        stage("", "namespaces", False),
    ]
    assert order == sorted(set(order))
