"""Running aiconform against a lab that was broken on purpose, as a user would."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiconform.lab import Lab
from aiconform.lab.binaries import NEWEST
from aiconform.lab.fault_files import Fault

#: The adapter of Kubernetes' own gangs, by minor version. 1.34 has none.
NATIVE = {"1.35": "native-v1alpha1", "1.36": "native-v1alpha2", "1.37": "native"}


@dataclass(frozen=True)
class Result:
    """What one run of the program came to."""

    code: int
    directory: Path
    verdicts: list[dict[str, Any]]
    rows: dict[str, dict[str, Any]]
    log: str

    def row(self, check: str) -> dict[str, Any]:
        return self.rows[check]

    def failed_clauses(self, check: str) -> set[str]:
        """Clauses that FAIL in any attempt that decides the row (all of them, for "every accelerator")."""
        return {
            f["clause"] for v in self.verdicts if v["check"] == check for f in v["findings"] if f["outcome"] == "FAIL"
        }

    def outcomes(self, check: str, clause: str) -> set[str]:
        return {
            f["outcome"] for v in self.verdicts if v["check"] == check for f in v["findings"] if f["clause"] == clause
        }

    def attempted(self, check: str) -> list[str]:
        """The outcome of each attempt of a check."""
        return [v["outcome"] for v in self.verdicts if v["check"] == check]

    def story(self) -> str:
        """For an assertion's message: every finding, and the end of the program's log."""
        lines = [
            f"{v['check']}.{v['via']} {f['clause']}: {f['outcome']} {f.get('code', '')} {f['because']}"
            for v in self.verdicts
            for f in v["findings"]
        ]
        return "\n".join([*lines, self.log[-3000:], str(self.directory)])


def aiconform(*argv: str | Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """The program as a user calls it; whatever it says and ends with is the test's business."""
    command = [sys.executable, "-m", "aiconform", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def version(lab: Lab) -> str:
    """The minor version of Kubernetes that a lab has."""
    return lab.status().kubernetes


def kept_as(name: str, minor: str) -> str:
    """The name of the recordings of a platform: with the version, but for the newest one."""
    return name if minor == NEWEST else f"{name}-{minor}"


def flags(settings: dict[str, Any], folder: Path | None = None, minor: str = NEWEST) -> list[str]:
    """The `run` part of a fault file as flags of `aiconform run`. Files that it names lie in `folder`."""
    out: list[str] = []
    for check_deadline, seconds in (settings.get("deadlines") or {}).items():
        out += ["--deadline", f"{check_deadline}={seconds}"]
    for name in ("accelerator", "allow", "node_selector", "mechanism"):
        for value in settings.get(name) or []:
            out += [f"--{name.replace('_', '-')}", str(value)]
    for name in settings.get("operator") or []:
        out += ["--operator", str((folder or Path()) / name)]
    if not settings.get("mechanism") and minor in NATIVE:
        # Addons stay in the lab from one fault to the next: a fault of one mechanism must not be judged by others.
        out += ["--mechanism", f"gang_scheduling={NATIVE[minor]}"]
    if "timeout_factor" in settings:
        out += ["--timeout-factor", str(settings["timeout_factor"])]
    if "checklist" in settings:
        out += ["--checklist", str(settings["checklist"])]
    return out


def cleaned(lab: Lab) -> None:
    """`clean` ends well and leaves no object."""
    done = aiconform("clean", "--lab", lab.name)
    assert done.returncode == 0, done.stderr
    left = aiconform("clean", "--lab", lab.name, "--dry-run", "--all")
    assert (left.returncode, left.stdout) == (0, ""), left.stdout + left.stderr


def prove(
    lab: str, runs: Path, checks: list[str], *more: str, where: Sequence[str] = (), timeout: float = 900
) -> Result:
    """Runs `aiconform run` on a lab (as somebody else than its administrator: `where`) and reads what it left."""
    only = [flag for check in checks for flag in ("--only", check)]
    cluster = where or ("--lab", lab)
    done = aiconform("run", *cluster, "--runs", runs, "-o", "name", *only, *more, timeout=timeout)
    lines = done.stdout.strip().splitlines()
    assert lines, f"aiconform left no run (exit {done.returncode}):\n{done.stderr[-4000:]}"
    directory = Path(lines[-1])
    verdicts = json.loads((directory / "derived" / "verdicts.json").read_text())
    assessment = json.loads(next((directory / "derived").glob("assessment-*.json")).read_text())
    rows = {r["requirement"]: r for r in assessment["rows"]}
    return Result(done.returncode, directory, verdicts, rows, done.stderr)


def prove_settled(lab: str, runs: Path, fault: Fault, minor: str = NEWEST, where: Sequence[str] = ()) -> Result:
    """One run under a fault; a second one if a busy machine left the first without an answer.

    Only UNKNOWN is asked again: a wrong PASS or FAIL stands.
    """
    given = flags(fault.run, fault.folder, minor)
    result = prove(lab, runs / "first", [fault.check], *given, where=where)
    wanted = fault.expect["outcome"]
    outcomes = [result.row(fault.check)["outcome"], *(result.attempted(fault.check) if fault.several else ())]
    if wanted == "UNKNOWN" or "UNKNOWN" not in outcomes:
        return result
    print(f"{fault.id} was UNKNOWN, once more:\n{result.story()}")
    # What a busy machine had not yet done (the first scrape of a store that has just begun) is done by then.
    time.sleep(10)
    return prove(lab, runs / "second", [fault.check], *given, where=where)


def check_expectation(fault: Fault, result: Result) -> None:
    """The row's outcome, the clauses that must fail, and that no other clause fails."""
    expect = fault.expect
    row = result.row(fault.check)
    assert row["outcome"] == expect["outcome"], result.story()
    if fault.several:
        assert result.attempted(fault.check) == [expect["outcome"]] * len(fault.run["mechanism"]), result.story()
    wanted = expect.get("clauses") or {}
    for clause, outcome in wanted.items():
        assert outcome in result.outcomes(fault.check, clause), f"{clause} was never {outcome}\n{result.story()}"
    allowed = {c for c, o in wanted.items() if o == "FAIL"} | set(expect.get("may_fail") or ())
    assert result.failed_clauses(fault.check) <= allowed, result.story()
    if "code" in expect:
        codes = {f.get("code") for v in result.verdicts if v["check"] == fault.check for f in v["findings"]}
        assert expect["code"] in codes, result.story()
    exits = {"PASS": 0, "FAIL": 1, "UNKNOWN": 2, "NOT_APPLICABLE": 0}
    if row["level"] == "MUST":
        assert result.code == exits[expect["outcome"]], result.story()
    leftovers = [
        line
        for end in result.directory.glob("recorded/*/end.json")
        for line in json.loads(end.read_text())["leftovers"]
    ]
    assert leftovers == [], result.story()
