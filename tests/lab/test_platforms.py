"""Every fault fails the clause that it should, and every sound-but-unusual platform passes."""

from pathlib import Path

import pytest
from covering import covering, failed_clauses
from platforms import check_expectation, kept_as, prove_settled, version
from roles import asked_no_more_than_declared, granted
from trim import keep_if_wanted

from aiconform.engine import registry
from aiconform.lab import Lab, fault_files

pytestmark = pytest.mark.lab
FAULTS = fault_files.every()
ALWAYS = covering(FAULTS)


def _platform(fault: fault_files.Fault) -> object:
    marks = () if fault.path in ALWAYS else (pytest.mark.every,)
    return pytest.param(fault, id=fault.id, marks=marks)


def _under_the_role(fault: fault_files.Fault) -> bool:
    """Whether it is sound, and by products of which aiconform knows what they ask for."""
    return fault.expect["outcome"] == "PASS" and not (fault.run.get("operator") or fault.run.get("metrics_url"))


@pytest.mark.parametrize("fault", [_platform(fault) for fault in FAULTS])
def test_a_platform_is_judged_right(fault: fault_files.Fault, sound_lab: Lab, tmp_path: Path) -> None:
    """Sound ones are tried under exactly the role that `aiconform rbac` prints."""
    sound_lab.break_(fault.path, print)
    minor = version(sound_lab)
    if _under_the_role(fault):
        version_of = ["--checklist", fault.run["checklist"]] if "checklist" in fault.run else []
        with granted(sound_lab, tmp_path, "--only", fault.check, *version_of) as role:
            result = prove_settled(sound_lab.name, tmp_path, fault, minor, role.where)
        asked_no_more_than_declared(fault.check, result.directory)
    else:
        result = prove_settled(sound_lab.name, tmp_path, fault, minor)
    check_expectation(fault, result)
    ended = [c.name for c in sound_lab.status().components if c.name.startswith("fault/") and not c.alive]
    assert ended == [], f"{fault.id} was not what it says until the end: look at the lab's logs of {ended}"
    keep_if_wanted(result.directory, kept_as(f"{fault.expect['outcome'].lower()}-{fault.id}", minor), fault)


@pytest.mark.parametrize("check", registry.names())
def test_every_clause_is_failed_by_a_fault(check: str) -> None:
    for some in (FAULTS, [fault for fault in FAULTS if fault.path in ALWAYS]):
        mine = [fault for fault in some if fault.check == check and fault.kind == "fault"]
        assert {c.id for c in registry.load(check).check.clauses} - set().union(*map(failed_clauses, mine)) == set()


@pytest.mark.parametrize("check", registry.names())
def test_every_check_is_tried_under_its_role(check: str) -> None:
    assert [fault for fault in FAULTS if fault.path in ALWAYS and fault.check == check and _under_the_role(fault)]
