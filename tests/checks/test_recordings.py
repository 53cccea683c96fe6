"""The offline regression set: real recordings of the lab, trimmed, judged again.

Judges run with files, sockets and clocks taken away, and give equal bytes whatever the time zone and hash seed.
"""

import builtins
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aiconform.engine import registry
from aiconform.evidence import store
from aiconform.model import Recording, Suite, Verdict, decode, encode, encode_pretty

SUITE = Suite(version="regression")
KEPT = sorted(
    folder
    for check in registry.names()
    for folder in registry.folder(check).glob("recordings/*/*")
    if (folder / "verdict.json").exists()
)


def name(folder: Path) -> str:
    return "/".join(folder.parts[-4:-3] + folder.parts[-2:])


def load(folder: Path) -> Recording:
    return store.load(folder / "recording")


def refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("a judge must not look at files, sockets or clocks")


@pytest.fixture
def nothing_but_the_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    for check in registry.names():
        assert registry.load(check).judge  # loaded before files are taken away
    for module, attribute in (
        (builtins, "open"),
        (socket, "socket"),
        (time, "time"),
        (time, "monotonic"),
        (os, "getenv"),
        (os, "open"),
    ):
        monkeypatch.setattr(module, attribute, refuse)


def test_there_are_recordings_of_every_check() -> None:
    kept = {folder.parts[-4] for folder in KEPT}
    assert kept == set(registry.names())


@pytest.mark.parametrize("folder", KEPT, ids=name)
def test_the_verdict_is_the_expected_one(folder: Path, request: pytest.FixtureRequest) -> None:
    recording = load(folder)
    expected = decode((folder / "verdict.json").read_bytes(), Verdict)
    request.getfixturevalue("nothing_but_the_recording")
    made = registry.load(recording.check).judge(recording, SUITE)
    assert made == expected


def _cut() -> list[object]:
    """Those that pass whole are tried at every commit, those that do not with the slow tests."""
    passes = [folder.parent.name.startswith("pass-") or folder.name.startswith("pass-") for folder in KEPT]
    return [
        pytest.param(folder, id=name(folder), marks=() if good else (pytest.mark.slow,))
        for folder, good in zip(KEPT, passes, strict=True)
    ]


@pytest.mark.parametrize("folder", _cut())
def test_one_that_was_cut_short_never_passes(folder: Path) -> None:
    """Without its end, or without its second half, a recording must not come out as PASS."""
    whole = load(folder)
    judge = registry.load(whole.check).judge
    for part in (0, 1, len(whole.observations) // 4, len(whole.observations) // 2):
        cut = replace(whole, observations=whole.observations[:part], ending=None)
        assert judge(cut, SUITE).outcome != "PASS"
    assert judge(replace(whole, ending=None), SUITE).outcome != "PASS"


@pytest.mark.slow
def test_equal_bytes_under_other_hash_seeds_and_time_zones(tmp_path: Path) -> None:
    script = tmp_path / "judge_all.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from aiconform.engine import registry\n"
        "from aiconform.evidence import store\n"
        "from aiconform.model import Suite, encode\n"
        "for folder in sys.argv[1:]:\n"
        "    rec = store.load(Path(folder))\n"
        "    print(encode(registry.load(rec.check).judge(rec, Suite(version='x'))).decode())\n"
    )
    folders = [str(f / "recording") for f in KEPT]
    outputs = {
        subprocess.run(
            [sys.executable, str(script), *folders],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("0", "UTC"), ("4711", "Asia/Kathmandu"))
    }
    assert len(outputs) == 1
    assert len(next(iter(outputs)).splitlines()) == len(KEPT)


def test_expected_verdicts_are_written_canonically() -> None:
    for folder in KEPT:
        data = (folder / "verdict.json").read_bytes()
        assert data == encode_pretty(decode(data, Verdict)), folder
        assert encode(decode(data, Verdict))
