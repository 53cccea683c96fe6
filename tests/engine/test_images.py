"""Images: which ones a plan uses, and how a mirror takes the place of a registry."""

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.cluster.images import PULL_SECRET, BadImage, ImageRules, apply, copy_of, parse, references
from aiconform.engine import images as engine
from aiconform.engine import registry
from aiconform.model import PROBE_IMAGE, Options, Permission

DIGEST = "@sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("python", ("docker.io", "library/python", "")),
        ("python:3.13-slim", ("docker.io", "library/python", ":3.13-slim")),
        ("vllm/vllm-openai:v0.11", ("docker.io", "vllm/vllm-openai", ":v0.11")),
        ("localhost/a", ("localhost", "a", "")),
        ("localhost:5000/a/b:1", ("localhost:5000", "a/b", ":1")),
        ("registry.k8s.io/pause:3.10", ("registry.k8s.io", "pause", ":3.10")),
        (f"ghcr.io/a/b{DIGEST}", ("ghcr.io", "a/b", DIGEST)),
        (f"ghcr.io/a/b:1{DIGEST}", ("ghcr.io", "a/b", f":1{DIGEST}")),
    ],
)
def test_references_are_read_as_runtimes_read_them(reference: str, parts: tuple[str, str, str]) -> None:
    assert parse(reference) == parts


@pytest.mark.parametrize("reference", ["", " ", "a b", "https://x/y", "a/", "-a", "a:", "a@sha256", "${image}"])
def test_what_is_no_reference_is_said(reference: str) -> None:
    with pytest.raises(BadImage, match="no image reference"):
        parse(reference)


def test_a_map_takes_one_image_or_all_of_its_tags() -> None:
    rules = ImageRules(image_map={"python:3.13-slim": "mine.example/py@sha256:00", "python": "mine.example/python"})
    assert rules.image("docker.io/library/python:3.13-slim") == "mine.example/py@sha256:00"
    assert rules.image("python:3.12") == "mine.example/python:3.12"
    assert rules.image("python") == "mine.example/python"
    assert rules.image("pypy") == "pypy"
    assert ImageRules(image_map={"a:latest": "b:1"}).image("a") == "b:1"
    assert ImageRules(image_map={"a": "b:1"}).image("a:7") == "b:1"


def test_a_registry_takes_the_place_of_every_other_one_but_not_of_the_map() -> None:
    rules = ImageRules(registry="mirror.example:5000/ai/", image_map={"quay.io/a": "other.example/a"})
    assert rules.image("python:3") == "mirror.example:5000/ai/library/python:3"
    assert rules.image(f"ghcr.io/x/y{DIGEST}") == f"mirror.example:5000/ai/x/y{DIGEST}"
    assert rules.image("quay.io/a:1") == "other.example/a:1"


# A busy machine is no failure: no deadline for one example.
@settings(deadline=None)
@given(
    st.sampled_from(["python:3", "docker.io/library/python:3", "quay.io/a/b", f"ghcr.io/c{DIGEST}", "localhost:5/x"]),
    st.sampled_from(["", "mirror.example/x", "docker.io"]),
    st.sampled_from([{}, {"python": "mine.example/p"}, {"quay.io/a/b": "z.example/b:2", "ghcr.io/c": "c.example/c"}]),
)
def test_rules_applied_twice_change_nothing_more(image: str, prefix: str, mapped: dict[str, str]) -> None:
    rules = ImageRules(image_map=mapped, registry=prefix)
    once = rules.image(image)
    assert rules.image(once) == once


@pytest.mark.parametrize(
    ("given_rules", "says"),
    [
        ({"registry": "https://x"}, "registry prefix"),
        ({"registry": "a b"}, "registry prefix"),
        ({"registry": "/"}, "registry prefix"),
        ({"pull_secret": "mine"}, "NAMESPACE/NAME"),
        ({"pull_secret": "a/b/c"}, "NAMESPACE/NAME"),
        ({"image_map": {"a b": "c"}}, "no image reference"),
        ({"image_map": {"a": ""}}, "no image reference"),
    ],
)
def test_rules_that_cannot_work_are_refused_at_once(given_rules: dict[str, Any], says: str) -> None:
    with pytest.raises(BadImage, match=says):
        ImageRules(**given_rules)


def spec(*names: str) -> dict[str, Any]:
    return {"containers": [{"name": n, "image": n} for n in names]}


POD: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {"name": "p"},
    "spec": {
        **spec("a", "b"),
        "initContainers": [{"name": "i", "image": "c"}],
        "volumes": [{"name": "v", "image": {"reference": "d", "pullPolicy": "Always"}}, {"name": "w", "emptyDir": {}}],
    },
    "status": {"containerStatuses": [{"image": "e"}], "containers": [{"image": "f"}]},
}
JOB = {"kind": "Job", "spec": {"template": {"spec": spec("a")}}}
CRON = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": spec("a")}}}}}
CUSTOM = {
    "kind": "LeaderWorkerSet",
    "spec": {
        "leaderWorkerTemplate": {"leaderTemplate": {"spec": spec("a")}, "workerTemplate": {"spec": spec("b")}},
        "groups": [{"template": {"spec": spec("c")}}],
    },
}
DATA = {"kind": "ConfigMap", "data": {"x.yaml": "image: a"}, "metadata": {"annotations": {"image": "a"}}}


@pytest.mark.parametrize(
    ("manifest", "images"),
    [(POD, "abcd"), (JOB, "a"), (CRON, "a"), (CUSTOM, "abc"), (DATA, "")],
    ids=["Pod", "Job", "CronJob", "custom", "ConfigMap"],
)
def test_every_container_at_any_depth_follows_the_rules(manifest: dict[str, Any], images: str) -> None:
    before = copy.deepcopy(manifest)
    assert references(manifest) == tuple(images)
    out = apply(manifest, ImageRules(registry="m.example"))
    assert references(out) == tuple(f"m.example/library/{i}" for i in images)
    assert manifest == before, "the manifest itself is not touched"
    assert apply(manifest, ImageRules()) == manifest
    assert out.get("status") == manifest.get("status") and out.get("data") == manifest.get("data")


def test_every_pod_names_the_pull_secret_once() -> None:
    rules = ImageRules(pull_secret="registry/mirror")
    named = [{"name": PULL_SECRET}]
    assert apply(apply(POD, rules), rules)["spec"]["imagePullSecrets"] == named
    assert apply(CRON, rules)["spec"]["jobTemplate"]["spec"]["template"]["spec"]["imagePullSecrets"] == named
    both = apply(CUSTOM, rules)["spec"]
    assert both["leaderWorkerTemplate"]["leaderTemplate"]["spec"]["imagePullSecrets"] == named
    assert both["groups"][0]["template"]["spec"]["imagePullSecrets"] == named
    assert "imagePullSecrets" not in both and apply(DATA, rules) == DATA
    own = {"kind": "Pod", "spec": {**spec("a"), "imagePullSecrets": [{"name": "own"}]}}
    assert apply(own, rules)["spec"]["imagePullSecrets"] == [{"name": "own"}, *named]


def test_a_reference_that_cannot_be_read_is_left_to_the_api_server() -> None:
    broken = {"kind": "Pod", "spec": spec("not an image")}
    assert apply(broken, ImageRules(registry="m.example")) == broken


def test_only_pull_secrets_are_copied_and_nothing_but_their_data() -> None:
    secret = {
        "metadata": {"name": "mirror", "namespace": "registry", "uid": "u", "labels": {"a": "b"}},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": "e30="},
    }
    made = copy_of(secret, "aiconform-x")
    assert made["metadata"] == {"name": PULL_SECRET, "namespace": "aiconform-x"}
    assert (made["type"], made["data"]) == (secret["type"], secret["data"])
    with pytest.raises(BadImage, match="Opaque"):
        copy_of({**secret, "type": "Opaque"}, "aiconform-x")


def test_every_check_that_makes_pods_uses_the_probe_image() -> None:
    (use,) = [u for u in engine.images(registry.names(), Options(), ImageRules()) if u.image == PROBE_IMAGE]
    assert set(use.checks) == set(registry.names()) and use.instead_of == ""
    mirrored = engine.images(registry.names(), Options(probe_image="x.example/py:1"), ImageRules(registry="m.example"))
    assert ("m.example/py:1", "x.example/py:1") in {(u.image, u.instead_of) for u in mirrored}
    assert engine.images((), Options(), ImageRules()) == ()


def test_images_of_manifests_and_adapters_are_listed_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "manifests" / "deep").mkdir(parents=True)
    (tmp_path / "manifests" / "deep" / "server.yaml").write_text(
        'containers:\n- image: vllm/vllm-openai:v1 # pinned\n- name: x\n  image: "redis:7"\n  image: ${probe_image}\n'
        "env: {name: image}\nimages: [no]\n"
    )
    reads = Permission(group="", resources=("pods",), verbs=("list",))
    adapters = [SimpleNamespace(product="q", images=("q.example/queue:1",)), SimpleNamespace(product="plain")]
    loaded = SimpleNamespace(check=SimpleNamespace(permissions=(reads,)), mechanisms=lambda: adapters)
    monkeypatch.setattr(registry, "load", lambda _: loaded)
    monkeypatch.setattr(registry, "folder", lambda _: tmp_path)
    found = engine.images(["any"], Options(), ImageRules())
    assert [u.image for u in found] == ["q.example/queue:1", "redis:7", "vllm/vllm-openai:v1"]
    assert found[0].why == "with q" and found[1].why == "manifest server.yaml"
    plain = engine.images(["any"], Options(mechanism={"any": "plain"}), ImageRules())
    assert [u.image for u in plain] == ["redis:7", "vllm/vllm-openai:v1"]
