"""Runs that are killed, or whose cluster restarts under them: nothing stays behind, and never a wrong verdict."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from platforms import aiconform, cleaned

from aiconform import checklists
from aiconform.engine import registry
from aiconform.lab import Lab
from aiconform.lab.addons import PROFILES

pytestmark = pytest.mark.lab
# Of the newest checklist: rows of older ones are not in it.
TRIED = sorted({r.id for r in checklists.load(checklists.versions()[-1]).requirements} & set(registry.names()))
CHECKS = ("gang_scheduling", "secure_accelerator_access")
QUICK = [
    "--timeout-factor", "0.5",
    "--deadline", "gang_scheduling.window=10",
    "--mechanism", "gang_scheduling=native",
    "--accelerator", "simulated-dra",
]  # fmt: skip


def rows(run: Path) -> dict[str, str]:
    assessment = json.loads(next((run / "derived").glob("assessment-*.json")).read_text())
    return {r["requirement"]: r["outcome"] for r in assessment["rows"]}


def command(lab: Lab, runs: Path) -> list[str]:
    only = [flag for check in CHECKS for flag in ("--only", check)]
    return ["run", "--lab", lab.name, "--runs", str(runs), "-o", "name", *only, *QUICK]


@pytest.mark.parametrize("round_", range(5))
def test_runs_killed_at_random_moments_leave_nothing_after_clean(lab: Lab, tmp_path: Path, round_: int) -> None:
    """Four runs side by side, of every check between them, killed at four moments: twenty in all.

    What they recorded can be judged.
    """
    lab.add(PROFILES["full"], print)
    moments = random.Random(round_)
    program = [sys.executable, "-m", "aiconform", "run", "--lab", lab.name, "--allow", "scales"]
    begun = time.monotonic()
    runs = [
        (
            moments.uniform(0.3, 30),
            tmp_path / str(number),
            subprocess.Popen(
                [*program, "--only", ",".join(TRIED[number::4]), "--runs", str(tmp_path / str(number))],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ),
        )
        for number in range(4)
    ]
    for moment, _, process in sorted(runs, key=lambda run: run[0]):
        time.sleep(max(0.0, begun + moment - time.monotonic()))  # the moment of death is the point
        process.kill()
        process.wait()
    cleaned(lab)
    for _, folder, _ in runs:
        for run in folder.glob("*/*"):
            _reads_as_interrupted(run)


def _reads_as_interrupted(run: Path) -> None:
    if not (run / "recorded/run.json").exists():
        # Killed before the survey was written: there is nothing to judge, and it is said so.
        judged = aiconform("judge", str(run))
        assert judged.returncode in (3, 64) and "Traceback" not in judged.stderr, judged.stderr
        return
    judged = aiconform("judge", str(run), "-o", "json")
    assert judged.returncode in (0, 2), judged.stdout + judged.stderr
    outcomes = {r["requirement"]: r["outcome"] for r in json.loads(judged.stdout)["rows"]}
    for check in outcomes.keys() & set(registry.names()):
        ended = [(f / "end.json").exists() for f in (run / "recorded").glob(f"{check}.*")]
        # Where one mechanism is enough, the first that ended may have shown it.
        enough = any if registry.load(check).check.over == "some mechanism" else all
        assert outcomes[check] in (("PASS", "UNKNOWN") if ended and enough(ended) else ("UNKNOWN",)), outcomes


@pytest.mark.parametrize("part", ["kube-apiserver", "kube-scheduler", "lab-node-1/kubelet"])
def test_a_restart_in_the_middle_of_a_run_never_fails_a_sound_platform(lab: Lab, tmp_path: Path, part: str) -> None:
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
    lab.restart(part)
    _, err = process.communicate(timeout=400)
    assert process.returncode in (0, 2), err
    (run,) = tmp_path.glob("*/*")
    outcomes = rows(run)
    assert {outcomes[check] for check in CHECKS} <= {"PASS", "UNKNOWN"}, err
    cleaned(lab)
