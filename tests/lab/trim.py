"""Makes a small recording out of a real one, such that its verdict stays the same."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiconform.engine import registry
from aiconform.evidence import store
from aiconform.lab.fault_files import Fault
from aiconform.model import Observation, Recording, Suite, Verdict, encode_line, encode_pretty

SUITE = Suite(version="regression")
# Kinds that no judge reads are tried first; what a judge does read is found out by judging.
_FIRST = ("note", "redaction", "http", "log", "call", "watch", "fact", "probe", "exec")
# Fields that are tried to be left out everywhere at once, one after the other.
_FIELDS = (
    "data",
    "request",
    "response",
    "managedFields",
    "volumes",
    "volumeMounts",
    "env",
    "tolerations",
    "securityContext",
    "ownerReferences",
    "command",
    "args",
    "annotations",
    "resources",
    "containers",
    "conditions",
    "imageID",
    "image",
    "lastState",
    "headers",
    "ms",
    "text",
)
_STATUS = ("qosClass", "hostIP", "hostIPs", "podIPs", "startTime", "observedGeneration")


def keep_if_wanted(directory: Path, name: str, fault: Fault | None) -> None:
    """With AICONFORM_KEEP_RECORDINGS set, puts trimmed recordings beside the checks (see CONTRIBUTING.md)."""
    if os.environ.get("AICONFORM_KEEP_RECORDINGS"):
        keep(directory, name, fault)


def keep(directory: Path, name: str, fault: Fault | None) -> None:
    """Puts trimmed recordings of a run beside their checks, as recordings/<name>/<attempt>/.

    Of a run for a fault, one attempt is kept: the first whose outcome is the expected one, or all such if it is about
    several mechanisms; of another run what passed.
    """
    kept, several = False, fault is not None and fault.several
    for recording in store.load_run(directory):
        check = registry.load(recording.check)
        verdict = check.judge(recording, SUITE)
        if ((kept and not several) or not _shows(verdict, fault)) if fault is not None else verdict.outcome != "PASS":
            continue
        kept = True
        source = directory / "recorded" / f"{recording.check}.{recording.via}"
        target = registry.folder(recording.check) / "recordings" / name / recording.via
        shutil.rmtree(target, ignore_errors=True)
        (target / "recording").mkdir(parents=True)
        small = trim(recording)
        _write(target / "recording", source, small.observations)
        made = check.judge(store.load(target / "recording"), SUITE)
        assert _says(made) == _says(verdict), f"trimming changed the verdict of {source}"
        (target / "verdict.json").write_bytes(encode_pretty(made))


def _shows(verdict: Verdict, fault: Fault) -> bool:
    """Whether this attempt came out as the fault file expects: the outcome, and a clause that it names."""
    named = {c for c, o in (fault.expect.get("clauses") or {}).items() if o == fault.expect["outcome"]}
    seen = {f.clause for f in verdict.findings if f.outcome == fault.expect["outcome"]}
    right = fault.check == verdict.check and verdict.outcome == fault.expect["outcome"]
    return right and (not named or bool(named & seen))


def trim(recording: Recording) -> Recording:
    """Leaves out, and slims, as much as the verdict allows. `seq` numbers are made dense again at the end."""
    judge = registry.load(recording.check).judge
    wanted = _says(judge(recording, SUITE))

    def same(observations: list[Observation]) -> bool:
        return _says(judge(replace(recording, observations=tuple(observations)), SUITE)) == wanted

    kept = list(recording.observations)
    slim = [replace(o, body=_slim(o.body)) for o in kept]
    kept = slim if same(slim) else kept
    for kind in _FIRST:
        kept = _without(kept, kind, same)
    for field in _FIELDS:
        fewer = [replace(o, body=_less(o.body, field)) for o in kept]
        kept = fewer if same(fewer) else kept
    return replace(recording, observations=tuple(kept))


def _without(kept: list[Observation], kind: str, same: Any) -> list[Observation]:
    """Leaves out observations of a kind: all of them if possible, else by halves."""
    todo = [[o.seq for o in kept if o.kind == kind]]
    while todo:
        chunk = todo.pop()
        if not chunk:
            continue
        gone = set(chunk)
        fewer = [o for o in kept if o.seq not in gone]
        if same(fewer):
            kept = fewer
        elif len(chunk) > 1:
            todo += [chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]]
    return kept


def _less(value: Any, field: str) -> Any:
    if isinstance(value, list):
        return [_less(v, field) for v in value]
    if isinstance(value, dict):
        return {k: _less(v, field) for k, v in value.items() if k != field}
    return value


def _slim(value: Any) -> Any:
    if isinstance(value, list):
        return [_slim(v) for v in value]
    if isinstance(value, dict):
        return {k: _slim(v) for k, v in value.items() if k not in _STATUS}
    return value


def _says(verdict: Verdict) -> list[tuple[Any, ...]]:
    """What must not change: outcomes, codes and sentences; the cited numbers move when lines are left out."""
    return [(f.clause, f.outcome, f.code, f.because) for f in verdict.findings] + [(verdict.outcome, verdict.limits)]


def _write(target: Path, source: Path, observations: tuple[Observation, ...]) -> None:
    for name in ("begin.json", "end.json"):
        if (source / name).exists():
            begin = json.loads((source / name).read_text())
            if name == "begin.json":
                begin["suite"]["commit"] = ""
            (target / name).write_bytes(encode_pretty(begin))
    with (target / "observations.jsonl").open("wb") as file:
        for n, o in enumerate(observations, start=1):
            file.write(encode_line(replace(o, seq=n, blob=None)))
