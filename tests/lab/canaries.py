"""Secrets planted in objects of somebody else, and the search for them in a run folder."""

import base64
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightkube
from lightkube import codecs
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Node

from aiconform.lab import Lab
from aiconform.lab.images import PROBE_IMAGE

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


@contextmanager
def there(lab: Lab) -> Iterator[list[str]]:
    """The lab with planted secrets, which are given."""
    client = lightkube.Client(config=KubeConfig.from_file(str(lab.kubeconfig)))
    objects, found = planted(PROBE_IMAGE)
    node_note = canary("node-note")
    made = [codecs.from_dict(o) for o in objects]
    for obj in made:
        client.apply(obj, field_manager="canaries")
    for node in client.list(Node):
        assert node.metadata is not None
        client.patch(Node, str(node.metadata.name), {"metadata": {"annotations": {"example.com/note": node_note}}})
    try:
        yield [*found, node_note]
    finally:
        _take_away(client, made)


def _take_away(client: lightkube.Client, made: list[Any]) -> None:
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


def assert_absent(marks: list[str], run: Path) -> None:
    """No file of a run's folder has one of them, in any spelling, packed or not."""
    files = [path for path in run.rglob("*") if path.is_file()]
    assert len(files) > 5
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
