"""cgroup v2, on a folder that looks like it (machines have one kind or the other)."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiconform.lab import LabError, cgroups


def level(folder: Path, offered: str) -> None:
    """What the kernel puts into a new v2 cgroup."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.controllers").write_text(offered)
    (folder / "cgroup.subtree_control").write_text("cpu")


def test_v2_hands_missing_controllers_down_at_every_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "_ROOT", tmp_path)
    levels = [tmp_path, tmp_path / "aiconform-lab-one", tmp_path / "aiconform-lab-one/lab-node-1"]
    for folder in levels:
        level(folder, "cpu memory")
    assert cgroups.unified()
    cgroups.make("one", "lab-node-1")
    # `cpu` was on already, `pids` and the like are not offered.
    assert [(folder / "cgroup.subtree_control").read_text() for folder in levels] == ["+memory"] * 3


def test_v1_gives_a_new_cpuset_its_parents_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "_ROOT", tmp_path)
    inside = tmp_path / "cpuset/aiconform-lab-one/lab-node-1"
    inside.mkdir(parents=True)
    (tmp_path / "memory").mkdir()
    for folder, cpus in ((tmp_path / "cpuset", "0-3"), (inside.parent, ""), (inside, "")):
        (folder / "cpuset.cpus").write_text(cpus)
        (folder / "cpuset.mems").write_text(cpus and "0")
    assert not cgroups.unified()
    cgroups.make("one", "lab-node-1")
    assert ((inside / "cpuset.cpus").read_text(), (inside / "cpuset.mems").read_text()) == ("0-3", "0")
    assert (tmp_path / "memory/aiconform-lab-one/lab-node-1").is_dir()
    assert cgroups.node_group("one", "lab-node-1") == "/aiconform-lab-one/lab-node-1"


def test_a_read_only_hierarchy_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "_ROOT", tmp_path)
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/aiconform-lab-one").write_text("in the way")
    with pytest.raises(LabError, match=r"writable /sys/fs/cgroup; in a container"):
        cgroups.make("one", "lab-node-1")
