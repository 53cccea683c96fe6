"""Reads recordings back."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from aiconform.evidence.errors import EvidenceError
from aiconform.model import FORMAT, Begin, Ending, Observation, Recording, decode

T = TypeVar("T")


def load(directory: Path) -> Recording:
    """The recording in this folder, with its blobs put back into the bodies.

    Bad content never raises: it is listed in `damage`. A last line that was cut off means that the suite
    was killed while writing (no `end.json` either). EvidenceError if `begin.json` is missing or unreadable,
    or the format is not known: then it is no recording of ours.
    """
    begin = _begin(directory)
    damage: list[str] = []
    ending = _ending(directory, damage)
    observations = _observations(directory, damage, finished=(directory / "end.json").exists())
    return Recording(
        format=begin.format, run=begin.run, check=begin.check, via=begin.via, suite=begin.suite,
        settings=begin.settings, facts=begin.facts, observations=observations, ending=ending,
        sha256=digest(directory), damage=tuple(damage),
    )  # fmt: skip


def load_run(run_dir: Path) -> tuple[Recording, ...]:
    """All recordings of a run, in order of their ids. `run_dir` is the run or its `recorded` folder."""
    return tuple(load(d) for d in folders(run_dir))


def folders(run_dir: Path) -> tuple[Path, ...]:
    """The folders of a run's recordings, sorted by id. EvidenceError if `run_dir` is no run."""
    root = run_dir / "recorded" if (run_dir / "recorded").is_dir() else run_dir
    if not root.is_dir():
        raise EvidenceError(f"{run_dir} is not a folder; give the folder of a run")
    return tuple(sorted(d for d in root.iterdir() if d.is_dir() and _looks_like_one(d)))


def files(directory: Path) -> dict[str, str]:
    """Relative name -> sha256 (hex) of every file below a folder."""
    out = {}
    for path in sorted(p for p in directory.rglob("*") if p.is_file() or p.is_symlink()):
        data = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        out[path.relative_to(directory).as_posix()] = hashlib.sha256(data).hexdigest()
    return out


def digest(directory: Path) -> str:
    """sha256 over the sorted lines "<relative name> <sha256>\\n" of a recording's files."""
    lines = "".join(f"{name} {sha}\n" for name, sha in sorted(files(directory).items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _looks_like_one(directory: Path) -> bool:
    return any((directory / name).exists() for name in ("begin.json", "observations.jsonl", "end.json"))


def _begin(directory: Path) -> Begin:
    path = directory / "begin.json"
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise EvidenceError(f"{directory} is not a recording: begin.json is missing") from None
    except OSError as e:
        raise EvidenceError(f"{path} cannot be read: {e.strerror}; check its permissions") from None
    try:
        head = json.loads(raw)
    except ValueError:
        raise EvidenceError(f"{path} is not JSON; the recording was altered or is incomplete") from None
    found = head.get("format") if isinstance(head, dict) else None
    if found != FORMAT:
        raise EvidenceError(
            f"{path} has format {found!r}, and this release reads {FORMAT!r}; use the release that wrote it"
        )
    try:
        return decode(raw, Begin)
    except msgspec.ValidationError as e:
        raise EvidenceError(f"{path} is not a valid begin.json: {e}") from None


def _ending(directory: Path, damage: list[str]) -> Ending | None:
    try:
        return decode((directory / "end.json").read_bytes(), Ending)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, OSError, UnicodeDecodeError) as e:
        damage.append(f"end.json is unreadable ({e})")
        return None


def _observations(directory: Path, damage: list[str], *, finished: bool) -> tuple[Observation, ...]:
    try:
        raw = (directory / "observations.jsonl").read_bytes()
    except OSError as e:
        if finished or not isinstance(e, FileNotFoundError):
            damage.append(f"observations.jsonl is unreadable ({e.strerror})")
        return ()
    lines = raw.split(b"\n")
    cut = lines.pop()  # empty after a whole last line
    out: list[Observation] = []
    for number, line in enumerate(lines, start=1):
        _one(line, number, out, damage, directory)
    if cut and finished:
        damage.append(f"observations.jsonl: line {len(lines) + 1} was cut off")
    return tuple(out)


def _one(line: bytes, number: int, out: list[Observation], damage: list[str], directory: Path) -> None:
    try:
        observation = decode(line, Observation)
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        damage.append(f"observations.jsonl: line {number} is unreadable ({e})")
        return
    if observation.seq != number:
        damage.append(f"observations.jsonl: line {number} has seq {observation.seq}: lines were lost or moved")
    if observation.blob is not None:
        observation = replace(observation, body=_blob(directory, observation, damage))
    out.append(observation)


def _blob(directory: Path, o: Observation, damage: list[str]) -> Any:
    name = str(o.blob)
    if len(name) != 64 or not all(c in "0123456789abcdef" for c in name):
        damage.append(f"observation {o.seq}: {name!r} is no blob name")
        return None
    try:
        raw = (directory / "blobs" / name).read_bytes()
    except OSError:
        damage.append(f"observation {o.seq}: blob {name} is missing")
        return None
    if hashlib.sha256(raw).hexdigest() != name:
        damage.append(f"observation {o.seq}: blob {name} was changed")
        return None
    return msgspec.json.decode(raw)
