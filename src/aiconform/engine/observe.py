"""Runs the attempts of a plan: beside each other where they share nothing, each in its own sandbox."""

import asyncio
import traceback
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Protocol

from aiconform.cluster.api import Cluster
from aiconform.cluster.errors import ClusterError
from aiconform.cluster.sandbox import Sandbox
from aiconform.cluster.turns import Turn
from aiconform.engine import registry
from aiconform.engine.plan import Plan
from aiconform.engine.turns import Turns
from aiconform.evidence.errors import EvidenceError
from aiconform.evidence.recorder import Recorder, utc_now
from aiconform.model import FORMAT, Attempt, Begin, Ending, Suite


class Listener(Protocol):
    """Who wants to know how a run goes on."""

    def started(self, attempt: str) -> None:
        """An attempt began."""

    def step(self, attempt: str, text: str, deadline: float | None) -> None:
        """It waits for something, `deadline` seconds at most."""

    def finished(self, attempt: str, how: str) -> None:
        """It ended."""


async def observe_all(
    cluster: Cluster, plan: Plan, recorded: Path, *, run: str, suite: Suite, listener: Listener
) -> dict[str, Ending]:
    """Observes every attempt; returns how each ended.

    On cancellation every sandbox is cleaned up first, and the recordings end as interrupted. An EvidenceError
    (a full disk) stops the other attempts too and is raised after their cleanup.
    """
    turns = Turns(plan.attempts)
    endings: dict[str, Ending] = {}

    async def one(attempt: Attempt) -> None:
        turn = turns.of(attempt)
        try:
            await turn.begin()
            endings[attempt.id] = await _observe(cluster, attempt, recorded, run, suite, listener, turn)
        finally:
            turn.free()

    try:
        async with asyncio.TaskGroup() as tasks:
            for attempt in plan.attempts:
                tasks.create_task(one(attempt), name=attempt.id)
    except BaseExceptionGroup as group:
        unwritten = group.subgroup(EvidenceError)
        if unwritten is None:
            raise
        raise unwritten.exceptions[0] from None
    return endings


async def _observe(
    cluster: Cluster,
    attempt: Attempt,
    recorded: Path,
    run: str,
    suite: Suite,
    listener: Listener,
    turn: Turn,
) -> Ending:
    listener.started(attempt.id)
    begin = Begin(
        format=FORMAT,
        run=run,
        check=attempt.check,
        via=attempt.via,
        suite=suite,
        settings=attempt.settings,
        facts=attempt.facts,
        at=utc_now("seconds"),
    )
    recorder = Recorder.create(recorded, begin, attempt.id)
    box = Sandbox(cluster, attempt, recorder, run=run)
    box.progress = lambda text, deadline: listener.step(attempt.id, text, deadline)
    box.turn = turn
    how, error, code = "interrupted", "", ""
    try:
        if attempt.unable is not None:
            box.unable("plan", *attempt.unable)
        else:
            check = registry.load(attempt.check)
            await _while_written(recorder, check.observe(attempt, box, check.mechanism(attempt)))
        how = "complete"
    except ClusterError as lost:
        how, error, code = "failed", str(lost), lost.code
    except EvidenceError:
        raise
    except Exception:  # noqa: BLE001 - the second of the two broad excepts: a crash ends this recording alone
        how, error, code = "failed", traceback.format_exc(limit=-4), "suite-failed"
    finally:
        ending = await asyncio.shield(_close(box, recorder, how, error, code, listener))
    if recorder.failure is not None:
        raise recorder.failure
    listener.finished(attempt.id, ending.how if not ending.error else f"{ending.how} ({ending.code})")
    return ending


async def _while_written(recorder: Recorder, work: Awaitable[None]) -> None:
    """Runs `work`, and ends it at once when the recording cannot be written any more, whoever noticed it."""
    task = asyncio.ensure_future(work)
    recorder.on_failure = task.cancel
    try:
        await task
    except asyncio.CancelledError:
        me = asyncio.current_task()
        if recorder.failure is not None and (me is None or not me.cancelling()):
            raise recorder.failure from None
        raise
    finally:
        recorder.on_failure = None


async def _close(box: Sandbox, recorder: Recorder, how: Any, error: str, code: str, listener: Listener) -> Ending:
    listener.step(box.attempt.id, "cleaning up", None)
    try:
        leftovers = await box.close()
    except EvidenceError:
        # The disk filled up just now. What the run has made must go all the same, unrecorded.
        leftovers = await box.close()
    last = recorder.observe("note", "cleanup", {"text": "done"}, step="cleanup")
    ending = Ending(how=how, at=last.at, t=last.t, error=error, code=code, leftovers=leftovers)
    recorder.finish(ending)
    return ending
