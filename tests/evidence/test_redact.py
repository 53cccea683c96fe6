"""Redaction: nothing secret or foreign is written, and the recording says what was left out."""

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aiconform.evidence import Recorder, load
from aiconform.evidence.redact import REMOVED, redact
from aiconform.model import FORMAT, Begin, Ending, Suite

Object = dict[str, Any]
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06YSJ9.c2lnbmF0dXJl"
LAST = "kubectl.kubernetes.io/last-applied-configuration"


def thing(kind: str, *, ours: bool = False, namespace: str = "theirs", **parts: Any) -> Object:
    meta: Object = {"name": "n", "uid": "u", "namespace": namespace}
    if ours:
        meta["labels"] = {"aiconform.dev/run": "run1"}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **parts}


def clean(body: Any, **options: Any) -> tuple[Any, Counter[str]]:
    return redact(body, own_namespaces=["mine"], run="run1", **options)


@pytest.mark.parametrize("wrap", [lambda o: {"type": "ADDED", "object": o}, lambda o: {"status": 201, "response": o}])
def test_secrets_never_show_their_values_not_even_ours(wrap: Any) -> None:
    secret = thing("Secret", ours=True, data={"password": "aHVudGVyMg=="}, stringData={"a": "hunter2"})
    out, counts = clean(wrap(secret))
    text = json.dumps(out)
    assert "hunter2" not in text and "aHVudGVyMg" not in text and '"password"' in text
    assert counts["secret"] == 2


def test_items_of_a_list_are_known_by_the_kind_of_the_list() -> None:
    item = {"metadata": {"name": "n", "namespace": "mine"}, "data": {"k": "hunter2"}}
    out, counts = clean({"response": {"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": [item]}})
    assert "hunter2" not in json.dumps(out) and counts["secret"] == 1


def test_config_maps_are_kept_only_if_they_are_ours() -> None:
    assert "hunter2" not in json.dumps(clean(thing("ConfigMap", data={"a": "hunter2"}))[0])
    assert clean(thing("ConfigMap", ours=True, data={"a": "b"}))[0]["data"] == {"a": "b"}
    assert clean(thing("ConfigMap", namespace="mine", data={"a": "b"}))[0]["data"] == {"a": "b"}
    cluster_wide = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n"}, "data": {"a": "hunter2"}}
    assert "hunter2" not in json.dumps(clean(cluster_wide)[0])


def test_environment_values_are_kept_only_in_our_objects_and_never_for_credentials() -> None:
    env = [{"name": "MODE", "value": "plain"}, {"name": "API_KEY", "value": "hunter2"}, {"name": "X", "valueFrom": {}}]
    spec = {"containers": [{"name": "c", "env": env}]}
    out, counts = clean(thing("Pod", ours=True, spec=spec))
    assert out["spec"]["containers"][0]["env"] == [env[0], {"name": "API_KEY", "value": REMOVED}, env[2]]
    assert counts["env"] == 1
    daemon = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}, "spec": spec}
    out, counts = clean(daemon)
    assert out["spec"]["containers"][0]["env"][0]["value"] == REMOVED and counts["env"] == 2


@pytest.mark.parametrize(
    "name", ["NEW_RELIC_LICENSE_KEY", "DD_APP_KEY", "PGPWD", "DB_DSN", "BASIC_AUTH", "AWS_ACCESS_KEY_ID"]
)
def test_what_a_webhook_puts_into_our_pods_is_no_less_secret(name: str) -> None:
    env = [{"name": name, "value": "hunter2"}, {"name": "https_proxy", "value": "http://me:hunter2@proxy:3128/"}]
    out, counts = clean(thing("Pod", ours=True, spec={"containers": [{"name": "c", "env": env}]}))
    assert "hunter2" not in json.dumps(out) and "@proxy:3128" in json.dumps(out)
    assert (counts["env"], counts["url"]) == (1, 1)


def test_what_users_tell_drivers_is_not_kept() -> None:
    config = [{"opaque": {"driver": "d", "parameters": {"license": "hunter2"}}}]
    results = [{"driver": "d", "pool": "p", "device": "x"}]
    claim = thing("ResourceClaim", status={"allocation": {"devices": {"results": results, "config": config}}})
    assert clean(claim)[0]["status"] == {"allocation": {"devices": {"results": results}}}


def test_foreign_objects_are_cut_down_to_what_planning_needs() -> None:
    spec = {
        "nodeName": "n1", "serviceAccountName": "secret-team",
        "containers": [{"name": "c", "image": "secret", "resources": {"requests": {"x/y": "1"}}}],
    }  # fmt: skip
    pod = thing("Pod", spec=spec, status={"phase": "Running", "podIP": "10.0.0.1"})
    pod["metadata"] |= {"labels": {"team": "secret"}, "ownerReferences": [{"kind": "Job", "name": "secret"}]}
    out, counts = clean({"type": "ADDED", "object": pod})
    assert counts["foreign"] == 1 and "secret" not in json.dumps(out) and "10.0.0.1" not in json.dumps(out)
    assert out["object"]["spec"]["containers"][0]["resources"]["requests"] == {"x/y": "1"}
    assert out["object"]["metadata"]["ownerReferences"] == [{"kind": "Job"}]
    assert out["object"]["status"] == {"phase": "Running"}
    other_run = thing("Pod", spec=spec)
    other_run["metadata"]["labels"] = {"aiconform.dev/run": "another"}
    assert "secret" not in json.dumps(clean(other_run)[0])


def test_annotations_of_others_are_kept_only_where_they_cannot_hide_anything() -> None:
    notes = {
        "autoscaler.example.com/do-not-disrupt": "true",
        "autoscaler.example.com/after": "30s",
        "node.alpha.kubernetes.io/ttl": "0",
        "gateway.networking.k8s.io/bundle-version": "v1.4.0",
        "example.com/note": "hunter2",
        "kubernetes.io.example.com/note": "hunter2",
    }
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "annotations": notes}}
    seen, counts = clean(node)
    kept = seen["metadata"]["annotations"]
    assert kept == notes | {"example.com/note": REMOVED, "kubernetes.io.example.com/note": REMOVED}
    assert counts["annotation"] == 2
    ours = {**node, "metadata": {**node["metadata"], "labels": {"aiconform.dev/run": "run1"}}}
    assert clean(ours)[0] == ours


def test_objects_in_our_namespace_are_whole_whoever_made_them() -> None:
    placeholder = thing("Pod", namespace="mine", spec={"schedulerName": "x"})
    assert clean(placeholder)[0]["spec"] == {"schedulerName": "x"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "1"}}}
    assert clean(node)[0] == node


@pytest.mark.parametrize(
    "body",
    [
        {"text": f"calling with {JWT} now"},
        {"command": ["curl", "-H", f"Authorization: Bearer {JWT}"]},
        {"message": "Authorization: Bearer abcdefghijklmnopqrstuvwx"},
        {"headers": {"Authorization": "Basic abc", "Set-Cookie": "abc"}, "status": 200},
        {"kind": "TokenRequest", "metadata": {}, "status": {"token": "abc"}},
        {"deep": [{"er": {"password": "abc"}}]},
        {f"{JWT}": 1},
    ],
)
def test_tokens_are_found_wherever_they_are(body: Any) -> None:
    out, counts = clean(body)
    text = json.dumps(out)
    assert (
        JWT not in text and "abcdefghijklmnopqrstuvwx" not in text and '"abc"' not in text and "Basic abc" not in text
    )
    assert sum(counts.values()) >= 1


def test_what_is_not_secret_stays_as_it_is() -> None:
    body = {
        "status": 200, "text": "the bearer of bad news; eyJust a word", "mail": "see https://host:80/a or me@host",
        "image": "docker-pullable://host:5000/x@sha256:0", "spec": {"automountServiceAccountToken": False},
        "numbers": [1, 2.5, None, True],
    }  # fmt: skip
    out, counts = clean(body)
    assert out == body and not +counts


def test_bookkeeping_is_dropped() -> None:
    pod = thing("Pod", ours=True)
    pod["metadata"] |= {"managedFields": [{}], "annotations": {LAST: "{}", "kept": "1"}}
    out, counts = clean(pod)
    assert "managedFields" not in out["metadata"] and out["metadata"]["annotations"] == {"kept": "1"}
    assert counts == {"managed-fields": 1, "last-applied": 1}


def test_images_of_a_node_are_dropped_and_the_rest_of_its_status_stays() -> None:
    status = {"images": [{"names": ["registry.example/private/model"]}], "allocatable": {"cpu": "4"}}
    out, counts = clean({"kind": "Node", "metadata": {"name": "n"}, "status": status})
    assert out["status"] == {"allocatable": {"cpu": "4"}} and counts["node-images"] == 1


def test_the_recording_says_what_was_left_out(tmp_path: Path) -> None:
    begin = Begin(
        format=FORMAT, run="run1", check="c", via="v", suite=Suite(version="0"), settings={}, facts={}, at="",
    )  # fmt: skip
    rec = Recorder.create(tmp_path, begin)
    secret = thing("Secret", ours=True, data={"a": "hunter2"})
    secret["metadata"]["managedFields"] = [{}]
    for _ in range(2):
        rec.observe("watch", "secrets/mine/n", {"type": "ADDED", "object": secret})
    rec.finish(Ending(how="complete", at="", t=0, error="GET https://user:hunter2@proxy.example failed"))
    assert "hunter2" not in (rec.directory / "end.json").read_text()
    got = [(o.kind, o.subject, o.body) for o in load(rec.directory).observations if o.kind == "redaction"]
    assert got == [
        ("redaction", "secret", {"count": 1}), ("redaction", "secret", {"count": 1}),
        ("redaction", "managed-fields", {"count": 2, "total": True}),
    ]  # fmt: skip
    assert b"hunter2" not in (rec.directory / "observations.jsonl").read_bytes()


def test_the_guide_names_every_rule() -> None:
    """The rules are published: who reads the guide knows all of them."""
    table = (sys.modules[redact.__module__].__doc__ or "").split("=\n")[1].splitlines()
    rules = {line.split()[0] for line in table if line and not line.startswith((" ", "="))}
    assert len(rules) >= 10
    guide = (Path(__file__).parents[2] / "docs/guide/evidence.md").read_text()
    assert rules == set(re.findall(r"^\| `([a-z-]+)` \|", guide, re.MULTILINE))
