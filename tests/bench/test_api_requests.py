"""The figures of a run's API requests are those that the run recorded."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from aiconform.evidence import Recorder
from aiconform.model import FORMAT, Begin, Ending, Suite

FILE = Path(__file__).parents[2] / "bench" / "api_requests.py"
spec = importlib.util.spec_from_file_location("api_requests", FILE)
assert spec is not None and spec.loader is not None
api_requests = importlib.util.module_from_spec(spec)
sys.modules["api_requests"] = api_requests
spec.loader.exec_module(api_requests)


def record(run: Path, via: str, *, whole: bool = True) -> None:
    recorded = run / "recorded"
    recorded.mkdir(parents=True, exist_ok=True)
    begin = Begin(format=FORMAT, run="r", check="c", via=via, suite=Suite(version="x"), settings={}, facts={}, at="")
    with Recorder.create(recorded, begin, f"c.{via}") as recorder:
        recorder.observe("call", "GET pods", {"status": 200, "ms": 3.5, "size": 2048}, "s")
        recorder.observe("call", "POST pods/n/p", {"status": 201, "ms": 40, "tries": 3}, "s")
        recorder.observe("watch", "pods/n/p", {"type": "ADDED", "object": {}}, "s")
        if whole:
            counts = {"requests": 7, "retries": 2, "bytes_sent": 1024, "bytes_received": 4096}
            recorder.observe("fact", "calls", counts, "s")
            recorder.finish(Ending(how="complete", at="", t=12.5))


def test_an_attempts_own_counts_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path, "one")
    assert api_requests.main([str(tmp_path)]) == 0
    (_, line) = capsys.readouterr().out.splitlines()
    assert line.split() == ["c.one", "12.5", "7", "2", "1.0", "4.0", "GET", "1,", "POST", "1", "1", "40"]


def test_without_them_the_recorded_calls_are_the_least(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path, "one")
    record(tmp_path, "two", whole=False)
    assert api_requests.main([str(tmp_path), "--json"]) == 0
    one, two = json.loads(capsys.readouterr().out)
    assert (one["requests"], one["sure"]) == (7, True)
    assert (two["requests"], two["retries"], two["bytes_received"], two["sure"]) == (2, 2, 2048, False)
    assert api_requests.main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ">= 2" in lines[2] and lines[3].startswith("all") and ">= 9" in lines[3]


def test_what_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert api_requests.main([str(tmp_path / "none")]) == 3
    assert api_requests.main([str(tmp_path)]) == 3
    assert "holds no recording" in capsys.readouterr().err
