"""Runs of every check behind a network that misbehaves (see faulty.py): never a wrong verdict."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from covering import cheapest
from platforms import cleaned, flags

from aiconform.engine import registry
from aiconform.lab import Lab, fault_files
from aiconform.lab.fault_files import Fault

pytestmark = pytest.mark.lab
FAULTS = fault_files.every()
FAULTY = str(Path(__file__).parent / "faulty.py")


def platforms() -> Iterator[object]:
    """Each check on a platform that passes and on one that fails; for every change one of the two, by turns."""
    for seed, check in enumerate(registry.names()):
        for number, outcome in enumerate(("PASS", "FAIL")):
            fault = cheapest(FAULTS, check, outcome)
            marks = () if seed % 2 == number else (pytest.mark.every,)
            yield pytest.param(fault, 10 * seed + number, id=f"{check}-{fault.id}", marks=marks)


@pytest.mark.parametrize(("fault", "seed"), list(platforms()))
def test_a_bad_network_never_makes_a_wrong_verdict(sound_lab: Lab, tmp_path: Path, fault: Fault, seed: int) -> None:
    """The quiet run comes to the outcome that the fault's file expects: test_platforms.py and the kept recordings."""
    sound_lab.break_(fault.path, print)
    command = [sys.executable, FAULTY, str(seed), "run", "--lab", sound_lab.name, "--runs", str(tmp_path), "-o", "name"]
    done = subprocess.run(
        [*command, "--only", fault.check, *flags(fault.run, fault.folder)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1, 2), done.stderr
    assert "spoilt answers" in done.stderr
    (assessment,) = (Path(done.stdout.strip().splitlines()[-1]) / "derived").glob("assessment-*.json")
    (row,) = [r for r in json.loads(assessment.read_text())["rows"] if r["requirement"] == fault.check]
    assert row["outcome"] in (fault.expect["outcome"], "UNKNOWN"), done.stderr
    cleaned(sound_lab)
