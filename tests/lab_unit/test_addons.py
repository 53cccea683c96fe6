"""Addons: how they are found, what they need, and what the lab expects of them."""

import dataclasses
from pathlib import Path

import pytest

from aiconform.lab import addons, binaries
from aiconform.lab.addons import framework
from aiconform.lab.errors import LabError, UnknownName
from aiconform.lab.state import State


def state(*names: str) -> State:
    return State(
        name="x", slot=0, boot_id="", cache="", accelerators=4, kwok_nodes=0, ports={}, device_major=4,
        device_minors={}, addons=list(names),
    )  # fmt: skip


def test_every_addon_can_be_loaded_and_is_called_as_its_module() -> None:
    assert {"kwok", "karpenter"} <= set(addons.names())
    for name in addons.names():
        addon = addons.find(name)
        assert addon.name == name and addon.title
        assert addon.group is None or binaries.version(addon.group)


def test_an_unknown_addon_names_those_that_there_are() -> None:
    with pytest.raises(UnknownName, match="karpenter"):
        addons.find("nonesuch")


def test_what_an_addon_needs_comes_first_and_once() -> None:
    assert framework.with_needs(["karpenter", "kwok", "karpenter"]) == ["kwok", "karpenter"]


def test_processes_of_addons_are_expected_unless_a_fault_stopped_them() -> None:
    broken = state("kwok", "karpenter")
    assert addons.expected(broken) == ["kwok", "addon/karpenter"]
    broken.changes.addons["karpenter"] = {"stop": True}
    assert addons.expected(broken) == ["kwok"]


def test_a_program_without_its_manifests_is_built_again(tmp_path: Path) -> None:
    group = addons.find("karpenter").group
    assert group is not None and group.files
    program = binaries.cached(tmp_path, group, "karpenter-kwok")
    program.parent.mkdir(parents=True)
    program.touch()
    assert binaries.find(tmp_path, [group]) == ({}, [group])
    binaries.files(tmp_path, group).mkdir()
    assert binaries.find(tmp_path, [group]) == ({"karpenter-kwok": str(program)}, [])


def test_a_module_that_only_gives_files_needs_no_program(tmp_path: Path) -> None:
    group = addons.find("gateway-api").group
    assert group is not None and not group.packages
    assert binaries.find(tmp_path, [group]) == ({}, [group])
    binaries.files(tmp_path, group).mkdir(parents=True)
    assert binaries.find(tmp_path, [group]) == ({}, [])


def test_other_manifests_mean_another_program(tmp_path: Path) -> None:
    group = addons.find("karpenter").group
    assert group is not None
    other = dataclasses.replace(group, files=())
    assert binaries.cached(tmp_path, group, "karpenter-kwok") != binaries.cached(tmp_path, other, "karpenter-kwok")


def test_an_empty_folder_of_manifests_is_said(tmp_path: Path) -> None:
    group = addons.find("karpenter").group
    assert group is not None
    here = state("karpenter")
    here.cache = str(tmp_path)
    site = addons.Site(folder=None, state=here, kube=None, report=print)  # type: ignore[arg-type]
    with pytest.raises(LabError, match="holds no manifests"):
        framework.module_files(site, group)
