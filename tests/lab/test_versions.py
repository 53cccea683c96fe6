"""Older versions of Kubernetes: the sound lab passes there, and broken platforms are judged right.

For `make versions` only, since each version is built for minutes; `make check` judges the kept recordings. With
AICONFORM_LAB set, only the version of that lab is tried.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from platforms import NATIVE, check_expectation, kept_as, prove, prove_settled, version
from trim import keep_if_wanted

from aiconform import checklists
from aiconform.lab import Lab, fault_files
from aiconform.lab.binaries import KUBERNETES, NEWEST

pytestmark = [pytest.mark.lab, pytest.mark.every]
OLDER = [minor for minor in KUBERNETES if minor != NEWEST]
ROWS = ("gang_scheduling", "secure_accelerator_access", "dra_support")
#: What differs from version to version: gates, APIs, the way of a claim to the kubelet. check/fault -> versions.
PLATFORMS = {
    "secure_accelerator_access/grants-every-device": OLDER,
    "secure_accelerator_access/device-rules-allow-all": OLDER,
    "dra_support/as-it-is": OLDER,
    "dra_support/scheduler-ignores-claims": OLDER,
    "dra_support/devices-given-twice": OLDER,
    "cluster_autoscaling/pool-with-limits": OLDER,
    "cluster_autoscaling/controller-stopped": OLDER,
    "gang_scheduling/gate-off-in-the-scheduler": ["1.35", "1.36"],
    "gang_scheduling/gate-off-with-one-accelerator": ["1.35", "1.36"],
    "gang_scheduling/field-dropped": ["1.35", "1.36"],
    "gang_scheduling/minimum-of-one": ["1.35", "1.36"],
    "gang_scheduling/binds-one-by-one": ["1.35", "1.36"],
    "gang_scheduling/extended-cases": ["1.35", "1.36"],
    "gang_scheduling/one-accelerator": ["1.35", "1.36"],
    "gang_scheduling/coscheduling": ["1.34"],
    "gang_scheduling/coscheduling-without-its-plugin": ["1.34"],
    "gang_scheduling/kueue": ["1.34"],
    "gang_scheduling/kueue-quota-above-capacity": ["1.34"],
}


@pytest.fixture(scope="module", params=OLDER)
def minor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def old(minor: str, worker_id: str) -> Iterator[Lab]:
    """A lab of an older version, up and sound."""
    name = os.environ.get("AICONFORM_LAB")
    lab = Lab(name or f"test-{worker_id}-{minor.replace('.', '-')}")
    if name and version(lab) != minor:
        pytest.skip(f"lab {name} has another version than {minor}")
    lab.up(print, kubernetes=minor)
    lab.mend(print)
    yield lab
    if not name:
        lab.down(print)


def test_the_sound_lab_is_judged_by_the_checklist_of_its_version(old: Lab, minor: str, tmp_path: Path) -> None:
    result = prove(old.name, tmp_path, [row for row in ROWS if row in _checklist(minor)])
    assert (result.directory / "derived" / f"assessment-v{minor}.json").exists(), result.story()
    assert result.rows.keys() == _checklist(minor)
    for row in result.rows.keys() & set(ROWS):
        if row == "gang_scheduling" and minor not in NATIVE:
            # Nothing is installed that could do it: neither right nor wrong.
            assert (result.row(row)["outcome"], result.row(row)["code"]) == ("UNKNOWN", "mechanism-not-found")
        else:
            assert result.row(row)["outcome"] == "PASS", result.story()
    keep_if_wanted(result.directory, kept_as("pass-sound", minor), None)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_is_judged_right(old: Lab, minor: str, name: str, tmp_path: Path) -> None:
    if minor not in PLATFORMS[name]:
        pytest.skip(f"{name} is no platform of {minor}")
    fault = fault_files.find(name)
    old.break_(fault.path, print)
    try:
        result = prove_settled(old.name, tmp_path, fault, minor)
    finally:
        old.mend(print)
    check_expectation(fault, result)
    keep_if_wanted(result.directory, kept_as(f"{fault.expect['outcome'].lower()}-{fault.id}", minor), fault)


def _checklist(minor: str) -> set[str]:
    return {row.id for row in checklists.load(minor).requirements}
