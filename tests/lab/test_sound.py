"""The whole lab. `make demo` as a test: every MUST passes, and nothing secret of others is recorded.

And runs that are killed: nothing stays behind.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import canaries
import pytest
from platforms import aiconform, cleaned, prove
from trim import keep_if_wanted

from aiconform import checklists
from aiconform.engine import registry
from aiconform.lab import Lab
from aiconform.lab.addons import PROFILES
from aiconform.lab.layout import NODES

pytestmark = pytest.mark.lab
OLDER = "1.35"
NEWEST_ROWS = {r.id for r in checklists.load(checklists.versions()[-1]).requirements}


@pytest.fixture(scope="module")
def full(worker_id: str) -> Iterator[Lab]:
    """The whole lab. AICONFORM_LAB names one that is already up and is left up."""
    name = os.environ.get("AICONFORM_LAB")
    made = Lab(name or f"test-{worker_id}-full")
    made.up(print, nodes=len(NODES))
    made.add(PROFILES["full"], print)
    yield made
    if not name:
        made.down(print)


def test_every_must_passes_and_no_planted_secret_is_recorded(full: Lab, tmp_path: Path) -> None:
    newest = [c for c in registry.names() if c in NEWEST_ROWS]
    older = [c for c in registry.names() if c not in NEWEST_ROWS]
    assert (len(newest), older) == (8, ["dra_support"])
    with canaries.there(full) as marks:
        for checks, more in ((newest, ["--allow", "scales"]), (older, ["--checklist", OLDER])):
            result = prove(full.name, tmp_path / checks[0], checks, *more, timeout=1200)
            outcomes = {check: result.row(check)["outcome"] for check in checks}
            assert outcomes == dict.fromkeys(checks, "PASS"), result.story()
            canaries.assert_absent(marks, result.directory)
            keep_if_wanted(result.directory, "pass-sound", None)


@pytest.mark.parametrize("round_", range(4))
def test_runs_killed_at_random_moments_leave_nothing_after_clean(full: Lab, tmp_path: Path, round_: int) -> None:
    """Five runs side by side, of every check between them, killed at five moments: twenty in all.

    What they recorded can be judged.
    """
    newest = sorted(NEWEST_ROWS & set(registry.names()))
    moments = random.Random(round_)
    program = [sys.executable, "-m", "aiconform", "run", "--lab", full.name, "--allow", "scales"]
    begun = time.monotonic()
    runs = [
        (
            moments.uniform(0.3, 30),
            tmp_path / str(number),
            subprocess.Popen(
                [*program, "--only", ",".join(newest[number::5]), "--runs", str(tmp_path / str(number))],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ),
        )
        for number in range(5)
    ]
    for moment, _, process in sorted(runs, key=lambda run: run[0]):
        time.sleep(max(0.0, begun + moment - time.monotonic()))  # the moment of death is the point
        process.kill()
        process.wait()
    cleaned(full)
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
