"""The registry of processes, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from aiconform.lab import processes
from aiconform.lab.layout import Folder

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux")


def started(folder: Folder, *argv: str) -> processes.Process:
    processes.start(folder, "one", argv)
    process = processes.running(folder, "one")
    assert process is not None
    return process


def test_a_process_is_recorded_marked_and_ended(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    process = started(folder, "sleep", "1000")
    assert processes.alive(process)
    assert process.pid in {found.pid for found in processes.marked(folder)}
    assert process.pid not in {found.pid for found in processes.marked(Folder(tmp_path / "other"))}
    processes.stop(process)
    assert not processes.alive(process)
    assert processes.running(folder, "one") is None
    assert not Path(f"/proc/{process.pid}").exists(), "a zombie is left"


def test_one_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    process = started(folder, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done")
    while "ready" not in (folder.logs / "one.log").read_text():
        time.sleep(0.01)
    began = time.monotonic()
    processes.stop(process, grace=0.2)
    assert not processes.alive(process)
    assert time.monotonic() - began < 4


def test_the_newest_record_counts_and_half_a_line_is_skipped(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    stat = Path("/proc/self/stat").read_text().strip()
    folder.processes.write_text(f"one\t1 (a b) c) S {' '.join(['0'] * 18)} 7\none\t{stat}\ntwo\t12 (x")
    found = processes.recorded(folder)
    assert found.keys() == {"one"}
    assert found["one"].pid == os.getpid()
    assert processes.all_recorded(folder)[0].start == 7


def test_a_pid_with_another_start_time_is_left_alone() -> None:
    with subprocess.Popen(["sleep", "1000"]) as innocent:
        wrong = processes.Process("one", innocent.pid, 1)
        assert not processes.alive(wrong)
        assert processes.kill_all([wrong]) == []
        processes.stop(wrong)
        assert innocent.poll() is None
        innocent.send_signal(signal.SIGKILL)


def test_the_environment_is_not_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somebody/else")
    folder = Folder(tmp_path)
    processes.start(folder, "one", ["env"]).wait()
    log = (folder.logs / "one.log").read_text()
    assert "KUBECONFIG" not in log
    assert f"{processes.MARK}={tmp_path}" in log


def test_who_has_ended_has_no_children() -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    assert processes.children(ended.pid) == [] and processes.rss_mib([ended.pid]) == 0
