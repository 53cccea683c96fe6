"""Runs whose cluster restarts under them: nothing stays behind, and never a wrong verdict."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from platforms import cleaned

from aiconform.lab import Lab

pytestmark = pytest.mark.lab
CHECKS = ("gang_scheduling", "secure_accelerator_access")
QUICK = [
    "--timeout-factor", "0.5",
    "--deadline", "gang_scheduling.window=10",
    "--deadline", "gang_scheduling.spread=8",
    "--deadline", "gang_scheduling.settle=8",
    "--deadline", "secure_accelerator_access.pending_window=12",
    "--mechanism", "gang_scheduling=native",
    "--accelerator", "simulated-dra",
]  # fmt: skip


def rows(run: Path) -> dict[str, str]:
    assessment = json.loads(next((run / "derived").glob("assessment-*.json")).read_text())
    return {r["requirement"]: r["outcome"] for r in assessment["rows"]}


def command(lab: Lab, runs: Path) -> list[str]:
    only = [flag for check in CHECKS for flag in ("--only", check)]
    return ["run", "--lab", lab.name, "--runs", str(runs), "-o", "name", *only, *QUICK]


def test_restarts_in_the_middle_of_a_run_never_fail_a_sound_platform(lab: Lab, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "aiconform", *command(lab, tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "together" in line or "beside" in line:
            break
    for part in ("kube-scheduler", "lab-node-1/kubelet", "kube-apiserver"):
        lab.restart(part)
    _, err = process.communicate(timeout=400)
    assert process.returncode in (0, 2), err
    (run,) = tmp_path.glob("*/*")
    outcomes = rows(run)
    assert {outcomes[check] for check in CHECKS} <= {"PASS", "UNKNOWN"}, err
    cleaned(lab)
