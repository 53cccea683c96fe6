"""Fault files are loaded strictly and found by looking."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiconform.lab import LabError, UnknownName, fault_files

GOOD = """
kind: fault
title: The scheduler starts members one by one.
check: gang_scheduling
expect: {outcome: FAIL, clauses: {starts_none_when_short: FAIL}}
lab:
- component: {name: kube-scheduler, args: {feature-gates: null}}
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / "gang_scheduling" / "faults" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_faults_are_found_and_manifests_beside_them_are_not(tmp_path: Path) -> None:
    write(tmp_path, "gate-off.yaml", GOOD)
    write(tmp_path, "helper.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
    write(tmp_path, "_note.yaml", "anything")
    (found,) = fault_files.every(tmp_path)
    assert (found.id, found.kind, found.check) == ("gate-off", "fault", "gang_scheduling")
    assert found.folder == tmp_path / "gang_scheduling" / "faults"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: fault\ntitle: a\ncheck: b\nlabb: []\n", "labb"),
        ("kind: mistake\ntitle: a\ncheck: b\n", "kind"),
        ("kind: fault\ncheck: b\n", "title"),
        ("kind: fault\ntitle: a\ncheck: b\nlab: [{reboot: {}}]\n", "step 1"),
        ("kind: fault\ntitle: a\ncheck: b\nlab: [{kubelet: {}, apply: []}]\n", "step 1"),
        ("kind: [\n", "not YAML"),
    ],
)
def test_a_wrong_file_is_refused_and_named(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, "wrong.yaml", text)
    with pytest.raises(LabError, match=says) as raised:
        fault_files.load(path)
    assert "wrong.yaml" in str(raised.value)


def test_an_unknown_fault_is_told_where_to_look() -> None:
    with pytest.raises(UnknownName, match="lab break --list"):
        fault_files.find("no-such-fault")
    with pytest.raises(UnknownName, match="cannot read"):
        fault_files.find("/no/such/file.yaml")
