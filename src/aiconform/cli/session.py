"""One run from the survey to the seal, shared by `run` and `observe`."""

import asyncio
import os
import secrets
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from aiconform.checklists import for_server, load
from aiconform.cli import output
from aiconform.cli.errors import BROKEN, Problem
from aiconform.cli.progress import Progress
from aiconform.cli.suite import this_suite
from aiconform.cli.target import Connect
from aiconform.cluster.api import Cluster
from aiconform.engine.observe import observe_all
from aiconform.engine.plan import Plan, make_plan
from aiconform.evidence import seal, utc_now
from aiconform.evidence.run_files import write_json
from aiconform.inventory.survey import survey
from aiconform.model import Checklist, Inventory, Options, Run

T = TypeVar("T")


async def look(cluster: Cluster, options: Options) -> tuple[Inventory, Checklist, Plan]:
    """Surveys the cluster and plans for it."""
    inventory = await survey(cluster)
    checklist = load(options.checklist) if options.checklist else for_server(inventory.minor)
    return inventory, checklist, make_plan(checklist, inventory, options)


async def observe_run(cluster: Cluster, options: Options, runs: Path, found: tuple[Inventory, Checklist, Plan]) -> Path:
    """Observes a plan into a new run's folder, seals it, and returns the folder."""
    inventory, checklist, plan = found
    run = Run(
        id=secrets.token_hex(4),
        at=utc_now("seconds"),
        platform=inventory.platform,
        context=cluster.context,
        server_version=inventory.server_version,
        checklist=checklist.version,
        suite=this_suite(),
        options=options,
        attempts=tuple(a.id for a in plan.attempts),
        facts=_facts(inventory),
    )
    directory = _new_folder(runs / inventory.platform)
    recorded = directory / "recorded"
    write_json(recorded / "run.json", run)
    write_json(recorded / "inventory.json", inventory)
    with Progress(a.id for a in plan.attempts) as progress:
        try:
            await observe_all(cluster, plan, recorded, run=run.id, suite=run.suite, listener=progress)
        finally:
            seal.write(recorded)
    return directory


def _facts(inventory: Inventory) -> dict[str, object]:
    return {
        "nodes": len(inventory.nodes),
        "accelerators": [
            {"id": a.id, "model": a.model, "units": sum(a.nodes.values()), "nodes": len(a.nodes)}
            for a in inventory.accelerators
        ],
        "products": [p.name for p in inventory.products],
        "gaps": [f"{g.what}: {g.why}" for g in inventory.gaps],
    }


def _new_folder(parent: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    for n in range(100):
        directory = parent / (stamp if n == 0 else f"{stamp}-{n}")
        try:
            (directory / "recorded").mkdir(parents=True)
        except FileExistsError:
            continue
        return directory
    raise Problem(f"{parent} holds a hundred runs of this very second", BROKEN)


def on_cluster(connect: Connect, work: Callable[[Cluster], Awaitable[T]]) -> T:
    """Connects and runs the work. SIGINT or SIGTERM makes it clean up; a second one ends the program and says
    what is left.
    """

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        seen = 0

        def stop() -> None:
            nonlocal seen
            seen += 1
            if seen == 1:
                output.say("stopping: removing what this run has made (press again to leave at once)")
                task.cancel()
                return
            output.say(
                "left at once: objects with the label aiconform.dev/run may remain; `aiconform clean` removes them"
            )
            os._exit(BROKEN)

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        cluster = await connect()
        try:
            return await work(cluster)
        finally:
            await cluster.close()

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise Problem("stopped; what this run had made is removed, and its recording reads as interrupted") from None
