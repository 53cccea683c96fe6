"""Kinds of addons are applied when they are not there as they should be, and only then."""

from pathlib import Path
from typing import Any

import pytest

from aiconform.lab import kinds
from aiconform.lab import state as states
from aiconform.lab.addons.framework import Site
from aiconform.lab.layout import Folder


class Server:
    """Holds kinds as an API server does: a new uid for a new one, another generation for a changed spec."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {}
        self.applied: list[str] = []

    def metadata(self, _path: str) -> list[dict[str, Any]]:
        return [{"metadata": kind["metadata"]} for kind in self.held.values()]

    def apply(self, kind: dict[str, Any]) -> Any:
        name = kind["metadata"]["name"]
        self.applied.append(name)
        old = self.held.get(name)
        if old is not None and old["spec"] == kind["spec"]:
            return old
        meta = {"name": name, "uid": "u", "generation": 1 if old is None else old["metadata"]["generation"] + 1}
        status = {"conditions": [{"type": "Established", "status": "True"}]}
        self.held[name] = {"metadata": meta, "spec": kind["spec"], "status": status}
        return self.held[name]

    def wait(self, _path: str, done: Any, *_: object, fieldSelector: str) -> None:
        assert done([self.held[fieldSelector.removeprefix("metadata.name=")]])


def kind(name: str, schema: Any = None) -> dict[str, Any]:
    return {"kind": "CustomResourceDefinition", "metadata": {"name": name}, "spec": {"schema": schema}}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    ports: dict[str, int] = {}
    state = states.State(
        name="x",
        slot=0,
        boot_id="",
        cache="",
        accelerators=0,
        kwok_nodes=0,
        ports=ports,
        device_major=0,
        device_minors={},
    )
    return Site(folder=Folder(tmp_path), state=state, kube=Server(), report=print)  # type: ignore[arg-type]


def test_what_is_there_as_it_was_applied_is_left_alone(site: Site) -> None:
    assert kinds.apply(site, [kind("a"), kind("b"), {"kind": "Service", "metadata": {"name": "c"}}])
    assert not kinds.apply(site, [kind("a"), kind("b")])
    assert site.kube.applied == ["a", "b"]  # type: ignore[attr-defined]


def test_what_somebody_changed_or_deleted_comes_again(site: Site) -> None:
    kinds.apply(site, [kind("a"), kind("b")])
    held = site.kube.held  # type: ignore[attr-defined]
    held["a"]["spec"], held["a"]["metadata"]["generation"] = {"schema": 7}, 2
    del held["b"]
    assert kinds.apply(site, [kind("a"), kind("b")])
    assert held["a"]["spec"] == held["b"]["spec"] == {"schema": None}
    assert not kinds.apply(site, [kind("a"), kind("b")])


def test_another_version_of_a_kind_is_applied(site: Site) -> None:
    kinds.apply(site, [kind("a", 1)])
    assert kinds.apply(site, [kind("a", 2)])


def test_prose_is_left_out_and_a_field_of_that_name_is_not(site: Site) -> None:
    field = {"type": "string", "description": "long prose"}
    kinds.apply(site, [kind("a", {"properties": {"description": field}, "description": "more"})])
    assert site.kube.held["a"]["spec"]["schema"] == {"properties": {"description": {"type": "string"}}}  # type: ignore[attr-defined]
