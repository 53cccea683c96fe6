"""Nothing secret of a platform is written into a run folder, whatever the platform's objects hold."""

import base64
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightkube
import pytest
from lightkube import codecs
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ApiError
from platforms import prove

from aiconform.engine import registry
from aiconform.lab import Lab
from aiconform.lab.images import PROBE_IMAGE

pytestmark = pytest.mark.lab
PLACE = "canaries"


def canary(where: str) -> str:
    return f"canary-{where}-{secrets.token_hex(12)}"


def planted(image: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Objects of somebody else with something secret in every place that a careless recorder would keep."""
    names = (
        "secret",
        "string",
        "config",
        "env",
        "init-env",
        "note",
        "pod-note",
        "log",
        "argument",
        "label-note",
        "class",
    )
    marks = {name: canary(name) for name in names}
    meta = {"name": PLACE, "namespace": PLACE, "annotations": {"example.com/note": marks["note"]}}
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", f"echo {marks['log']}; sleep 10000", marks["argument"]],
        "env": [{"name": "PLAIN", "value": marks["env"]}],
    }
    pod = {
        "metadata": {"labels": {"app": PLACE}, "annotations": {"example.com/note": marks["pod-note"]}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "initContainers": [
                {**container, "name": "first", "command": ["true"], "env": [{"name": "A", "value": marks["init-env"]}]}
            ],
        },
    }
    objects = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": PLACE, "annotations": {"n": marks["label-note"]}},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": meta,
            "data": {"a": base64.b64encode(marks["secret"].encode()).decode()},
            "stringData": {"b": marks["string"]},
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": marks["config"]}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": PLACE}}, "template": pod},
        },
        {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "DeviceClass",
            "metadata": {"name": PLACE, "annotations": {"example.com/note": marks["class"]}},
            "spec": {"selectors": [{"cel": {"expression": "device.driver == 'nobody.example.com'"}}]},
        },
    ]
    return objects, list(marks.values())


@pytest.fixture
def marks(lab: Lab) -> Iterator[list[str]]:
    client = lightkube.Client(config=KubeConfig.from_file(str(lab.kubeconfig)))
    objects, found = planted(PROBE_IMAGE)
    node_note = canary("node-note")
    made = [codecs.from_dict(o) for o in objects]
    from lightkube.resources.core_v1 import Node

    for obj in made:
        client.apply(obj, field_manager="canaries")
    for node in client.list(Node):
        assert node.metadata is not None
        client.patch(Node, str(node.metadata.name), {"metadata": {"annotations": {"example.com/note": node_note}}})
    yield [*found, node_note]
    for node in client.list(Node):
        assert node.metadata is not None
        client.patch(Node, str(node.metadata.name), {"metadata": {"annotations": {"example.com/note": None}}})
    for obj in reversed(made):
        try:
            client.delete(type(obj), obj.metadata.name, namespace=obj.metadata.namespace)
        except ApiError as error:
            assert error.status.code == 404


def spellings(mark: str) -> list[bytes]:
    """The text itself, and what base64 makes of it at each of the three offsets (without the ends, which vary)."""
    raw = mark.encode()
    coded = [base64.b64encode(b"x" * n + raw)[4:-4] for n in range(3)]
    return [raw, *coded]


def test_no_planted_secret_is_in_a_run_folder(lab: Lab, marks: list[str], tmp_path: Path) -> None:
    checks = [c for c in registry.names() if registry.load(c).check.disruption != "scales"]
    result = prove(lab.name, tmp_path, checks, "--checklist", "1.35", "--timeout-factor", "0.5", timeout=1200)
    files = [path for path in result.directory.rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in files:
        data = path.read_bytes()
        for blob in (data, _unzipped(data)):
            for mark in marks:
                assert not any(s in blob for s in spellings(mark)), f"{mark} is in {path}"


def _unzipped(data: bytes) -> bytes:
    try:
        return zlib.decompress(data, wbits=47)
    except zlib.error:
        return b""
