"""Measures the README's figures on this machine and writes bench/results.json.

Shapes: {"machine": {...}, "lab": {...}, "run": {...}, "fast": {...}, "judge": {...}, "build": {...}}; seconds and MiB.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import api_requests

from aiconform.evidence import store
from aiconform.lab import Lab

HERE = Path(__file__).parent
NAME = "bench"
PROGRAM = [sys.executable, "-m", "aiconform"]


def quiet(_: str) -> None:
    """The lab's progress is not wanted here."""


def seconds(work: Any) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    busy = round(os.getloadavg()[0], 1)
    return {"cores": os.cpu_count(), "memory_gib": round(memory), "system": platform.system(), "load": busy}


def measure_lab(times: int = 3) -> dict[str, Any]:
    """Warm `up` from nothing running to two Ready nodes, accelerators and DNS; memory; `down`."""
    lab = Lab(NAME)
    lab.down(quiet)
    ups, downs = [], []
    for _ in range(times):
        ups.append(seconds(lambda: lab.up(quiet)))
        rss = lab.status().rss_mib
        downs.append(seconds(lambda: lab.down(quiet)))
    return {"warm_up_s": _median(ups), "down_s": _median(downs), "rss_mib": round(rss)}


def measure_full_lab() -> dict[str, Any]:
    """Warm `up --profile full` from nothing running to its end, and memory. The lab stays."""
    lab = Lab(NAME)
    lab.down(quiet)
    up = [*PROGRAM, "lab", "up", "--name", NAME, "--profile", "full"]
    took = seconds(lambda: subprocess.run(up, stdout=sys.stderr, check=True))
    status = lab.status()
    return {"warm_up_s": round(took, 1), "rss_mib": round(status.rss_mib), "nodes": len(status.nodes)}


def make_run(runs: Path, *more: str) -> Path:
    """A run of every MUST on a sound lab with all that they need, which is up; returns its folder."""
    command = [*PROGRAM, "run", "--lab", NAME, "--allow", "scales", "--runs", str(runs), "-o", "name", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if not lines:
        raise SystemExit(f"the run left nothing (exit {done.returncode}): {done.stderr[-2000:]}")
    return Path(lines[-1])


def measure_run(directory: Path) -> dict[str, Any]:
    """A run's wall time, from its begin to its last recording's end, beside its longest attempt; and its size.

    `attempts`: seconds of each, without those in its middle in which it waited for others; `began_s`: when each began,
    in seconds of the run. `waited_s`: what they waited for each other, in all. What could not be tried is left out.
    """
    begun = _at(directory / "recorded" / "run.json")
    tried = {p.parent.name: json.loads(p.read_text()) for p in directory.glob("recorded/*/end.json")}
    ends = {name: e for name, e in sorted(tried.items()) if e["t"] >= 1.0}
    waits = {name: _waited(directory / "recorded" / name) for name in ends}
    took = {name: e["t"] - waits[name] for name, e in ends.items()}
    began = {name: (_at(directory / "recorded" / name / "begin.json") - begun).total_seconds() for name in ends}
    wall = max((datetime.fromisoformat(e["at"]) - begun).total_seconds() for e in ends.values())
    longest = max(took.values())
    rows = json.loads(next(directory.glob("derived/assessment-*.json")).read_text())["rows"]
    return {
        "wall_s": round(wall, 1),
        "longest_attempt_s": round(longest, 1),
        "wall_over_longest": round(wall / longest, 2),
        "waited_s": round(sum(began.values()) + sum(waits.values())),
        "attempts": {name: round(t, 1) for name, t in took.items()},
        "began_s": {name: round(t) for name, t in began.items()},
        "calls": measure_calls(directory, set(ends)),
        "outcomes": {r["requirement"]: r["outcome"] for r in rows if r["covered"]},
        "recorded_kib": round(sum(p.stat().st_size for p in (directory / "recorded").rglob("*")) / 1024),
        "report_kib": round((directory / "derived" / "report.html").stat().st_size / 1024),
    }


def measure_calls(directory: Path, attempts: set[str]) -> dict[str, Any]:
    """API requests of each attempt, and KiB of the bodies sent and received (watches left out)."""
    rows = [api_requests.row(recording) for recording in store.load_run(directory)]
    return {
        r.attempt: {"requests": r.requests, "kib": round((r.bytes_sent + r.bytes_received) / 1024)}
        for r in rows
        if r.attempt in attempts
    }


def _waited(recording: Path) -> float:
    """Seconds that an attempt waited for others after it had begun."""
    lines = (json.loads(line) for line in (recording / "observations.jsonl").read_text().splitlines())
    return sum(o["body"]["waited"] for o in lines if (o["kind"], o["subject"]) == ("fact", "turn"))


def _at(path: Path) -> datetime:
    """The time that a file of a recording says it was begun at."""
    return datetime.fromisoformat(json.loads(path.read_text())["at"])


def measure_judge(directory: Path) -> dict[str, Any]:
    """Judging one run again, in this process and as a command."""
    from aiconform.engine.judge import judge_run
    from aiconform.model import Suite

    inside = [seconds(lambda: judge_run(directory, judged_by=Suite(version="bench"))) for _ in range(5)]
    command = [sys.executable, "-m", "aiconform", "judge", str(directory), "--no-write", "-o", "name"]
    outside = [seconds(lambda: subprocess.run(command, capture_output=True, check=False)) for _ in range(3)]
    return {"judge_s": _median(inside, 3), "command_s": _median(outside)}


def measure_cold_build() -> dict[str, Any]:
    """`lab up` with empty caches: no binaries, no Go build cache (the Go module cache is left as it is)."""
    with tempfile.TemporaryDirectory() as cache:
        env = {**os.environ, "XDG_CACHE_HOME": cache, "GOCACHE": f"{cache}/go-build"}
        command = [sys.executable, "-m", "aiconform", "lab"]
        up = seconds(lambda: subprocess.run([*command, "up", "--name", NAME], env=env, check=True))
        subprocess.run([*command, "down", "--name", NAME], env=env, check=True)
    return {"cold_up_s": round(up)}


def _median(values: list[float], digits: int = 1) -> float:
    return round(statistics.median(values), digits)


def measure_runs(directory: Path | None, fast: Path | None) -> dict[str, Any]:
    """The figures of a run and of one made with --fast, as far as they are given."""
    found: dict[str, Any] = {}
    if directory is not None:
        found |= {"run": measure_run(directory), "judge": measure_judge(directory)}
    if fast is not None:
        found["fast"] = measure_run(fast)
    return found


def measure_all(*, cold: bool) -> dict[str, Any]:
    """The lab, a run and a fast run on it; with `cold`, the build from nothing, too."""
    try:
        build = {"build": measure_cold_build()} if cold else {}
        lab = {"lab": measure_lab()}
        with tempfile.TemporaryDirectory() as runs:
            full = {"full_lab": measure_full_lab()}
            return build | lab | full | measure_runs(make_run(Path(runs)), make_run(Path(runs), "--fast"))
    finally:
        Lab(NAME).down(quiet)


def main() -> None:
    """Writes results.json; figures that were not measured now are kept from the last time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cold", action="store_true", help="also measure the cold build (ten minutes and more)")
    parser.add_argument("--run", type=Path, help="only take the figures of this run of a lab, and make none")
    parser.add_argument("--fast-run", type=Path, help="only take the figures of this run, made with --fast")
    arguments = parser.parse_args()
    path = HERE / "results.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    results["machine"] = machine()
    if arguments.run or arguments.fast_run:
        results |= measure_runs(arguments.run, arguments.fast_run)
    else:
        results |= measure_all(cold=arguments.cold)
    path.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")
    print(json.dumps(results, indent=2, sort_keys=True))


if __name__ == "__main__":
    main()
