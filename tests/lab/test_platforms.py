"""Every fault fails the clause that it should, and every sound-but-unusual platform passes."""

import os
from pathlib import Path

import pytest
from covering import covering, failed_clauses
from platforms import check_expectation, kept_as, prove, prove_settled, version
from trim import keep

from aiconform import checklists
from aiconform.engine import registry
from aiconform.lab import Lab, fault_files

pytestmark = pytest.mark.lab
FAULTS = fault_files.every()
ALWAYS = covering(FAULTS)


def _platform(fault: fault_files.Fault) -> object:
    marks = () if fault.path in ALWAYS else (pytest.mark.every,)
    return pytest.param(fault, id=fault.id, marks=marks)


def test_the_sound_lab_passes(lab: Lab, tmp_path: Path) -> None:
    # What makes a cluster scale is opt-in, and rows of older checklists are not in this one: variants stand for both.
    rows = {r.id for r in checklists.load(checklists.versions()[-1]).requirements}
    checks = [c for c in registry.names() if c in rows and registry.load(c).check.disruption != "scales"]
    assert {"gang_scheduling", "secure_accelerator_access"} <= set(checks)
    result = prove(lab.name, tmp_path, checks)
    for check in checks:
        if result.row(check)["code"] == "mechanism-not-found":
            # What the bare lab does not have, variants bring with them.
            assert any((f.check, f.kind, f.expect["outcome"]) == (check, "variant", "PASS") for f in FAULTS), check
            continue
        assert result.row(check)["outcome"] == "PASS", result.story()
    _keep(result.directory, "pass-sound", None)


@pytest.mark.parametrize("fault", [_platform(fault) for fault in FAULTS])
def test_a_platform_is_judged_right(fault: fault_files.Fault, sound_lab: Lab, tmp_path: Path) -> None:
    sound_lab.break_(fault.path, print)
    minor = version(sound_lab)
    result = prove_settled(sound_lab.name, tmp_path, fault, minor)
    check_expectation(fault, result)
    ended = [c.name for c in sound_lab.status().components if c.name.startswith("fault/") and not c.alive]
    assert ended == [], f"{fault.id} was not what it says until the end: look at the lab's logs of {ended}"
    _keep(result.directory, kept_as(f"{fault.expect['outcome'].lower()}-{fault.id}", minor), fault)


@pytest.mark.parametrize("check", registry.names())
def test_every_clause_is_failed_by_a_fault(check: str) -> None:
    for some in (FAULTS, [fault for fault in FAULTS if fault.path in ALWAYS]):
        mine = [fault for fault in some if fault.check == check and fault.kind == "fault"]
        assert {c.id for c in registry.load(check).check.clauses} - set().union(*map(failed_clauses, mine)) == set()


def _keep(directory: Path, name: str, fault: fault_files.Fault | None) -> None:
    """With AICONFORM_KEEP_RECORDINGS set, puts trimmed recordings beside the checks (see CONTRIBUTING.md)."""
    if os.environ.get("AICONFORM_KEEP_RECORDINGS"):
        keep(directory, name, fault)
