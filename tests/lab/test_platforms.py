"""Every fault fails the clause that it should, and every sound-but-unusual platform passes."""

import os
from pathlib import Path

import pytest
from platforms import check_expectation, flags, prove
from trim import keep

from aiconform import checklists
from aiconform.engine import registry
from aiconform.lab import Lab, fault_files

pytestmark = pytest.mark.lab
FAULTS = fault_files.every()


def test_the_sound_lab_passes(lab: Lab, tmp_path: Path) -> None:
    # What makes a cluster scale is opt-in, and rows of older checklists are not in this one: variants stand for both.
    rows = {r.id for r in checklists.load(checklists.versions()[-1]).requirements}
    checks = [c for c in registry.names() if c in rows and registry.load(c).check.disruption != "scales"]
    assert {"gang_scheduling", "secure_accelerator_access"} <= set(checks)
    result = prove(lab.name, tmp_path, checks)
    for check in checks:
        assert result.row(check)["outcome"] == "PASS", result.story()
    _keep(result.directory, "pass-sound", None)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.id)
def test_a_platform_is_judged_right(fault: fault_files.Fault, sound_lab: Lab, tmp_path: Path) -> None:
    sound_lab.break_(fault.path, print)
    result = prove(sound_lab.name, tmp_path, [fault.check], *flags(fault.run))
    check_expectation(fault, result)
    _keep(result.directory, f"{fault.expect['outcome'].lower()}-{fault.id}", fault)


@pytest.mark.parametrize("check", registry.names())
def test_every_clause_is_failed_by_a_fault(check: str) -> None:
    broken = {
        clause
        for fault in FAULTS
        if fault.check == check and fault.kind == "fault"
        for clause, outcome in (fault.expect.get("clauses") or {}).items()
        if outcome == "FAIL"
    }
    assert {c.id for c in registry.load(check).check.clauses} - broken == set()


def _keep(directory: Path, name: str, fault: fault_files.Fault | None) -> None:
    """With AICONFORM_KEEP_RECORDINGS set, puts trimmed recordings beside the checks (see CONTRIBUTING.md)."""
    if os.environ.get("AICONFORM_KEEP_RECORDINGS"):
        keep(directory, name, fault)
