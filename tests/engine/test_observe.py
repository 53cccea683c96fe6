"""Attempts begin when what they need is free, and end at once when their recording can no longer be written."""

import asyncio
import contextlib
import errno
from pathlib import Path
from typing import Any, cast

import pytest

from aiconform.engine.observe import _while_written, observe_all
from aiconform.engine.plan import Plan
from aiconform.engine.schedule import in_order, schedule
from aiconform.evidence import Recorder
from aiconform.evidence.errors import EvidenceError
from aiconform.model import FORMAT, Attempt, Begin, Ending, Suite


def recorder(tmp_path: Path) -> Recorder:
    begin = Begin(format=FORMAT, run="r", check="c", via="v", suite=Suite(version="t"), settings={}, facts={}, at="")
    return Recorder(tmp_path / "c.v", begin)


def full(_: bytes) -> None:
    raise OSError(errno.ENOSPC, "no space left on device")


def test_a_watch_that_finds_the_disk_full_ends_the_wait_of_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rec = recorder(tmp_path)
    cleaned = []

    async def watch() -> None:
        monkeypatch.setattr(rec, "_append", full)
        with contextlib.suppress(EvidenceError):
            rec.observe("watch", "pods/x")

    async def check() -> None:
        watching = asyncio.create_task(watch())
        try:
            await asyncio.Event().wait()
        finally:
            await watching
            cleaned.append(True)

    with pytest.raises(EvidenceError, match="disk is full"):
        asyncio.run(asyncio.wait_for(_while_written(rec, check()), 30))
    assert cleaned == [True]
    assert rec.on_failure is None


def test_a_cancellation_from_outside_stays_one(tmp_path: Path) -> None:
    rec = recorder(tmp_path)

    async def run() -> None:
        task = asyncio.create_task(_while_written(rec, asyncio.sleep(60)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def attempt(name: str) -> Attempt:
    return Attempt(
        id=f"c.{name}", check="c", via=name, level="MUST", holds=("accelerators/n",), settings={}, facts={}, minutes=1,
        disruption="creates",
    )  # fmt: skip


@pytest.mark.parametrize("early", [True, False])
def test_who_waits_begins_when_what_it_needs_is_free_or_at_the_latest_at_the_end(
    early: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered = in_order([attempt("a"), attempt("b")])
    plan = Plan(attempts=ordered, slots=schedule(ordered), untried={})
    said: list[str] = []

    async def observe(_: Any, a: Attempt, *rest: Any) -> Ending:
        said.append(f"{a.via} begins")
        if early:
            rest[-1].free()
        for _turn in range(5):
            await asyncio.sleep(0)
        said.append(f"{a.via} ends")
        return Ending(how="complete", at="", t=1.0)

    monkeypatch.setattr("aiconform.engine.observe._observe", observe)
    run = observe_all(cast(Any, None), plan, tmp_path, run="r", suite=Suite(version="t"), listener=cast(Any, None))
    assert set(asyncio.run(run)) == {"c.a", "c.b"}
    between = ["b begins", "a ends"] if early else ["a ends", "b begins"]
    assert said == ["a begins", *between, "b ends"]
