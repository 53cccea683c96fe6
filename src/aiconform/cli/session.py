"""One run from the survey to the seal, shared by `run` and `observe`."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

from aiconform.checklists import for_server, load
from aiconform.cli.errors import BROKEN, Problem
from aiconform.cli.progress import Progress
from aiconform.cli.suite import this_suite
from aiconform.cluster.api import Cluster
from aiconform.engine.observe import observe_all
from aiconform.engine.plan import Plan, make_plan
from aiconform.evidence import seal, utc_now
from aiconform.evidence.run_files import write_json
from aiconform.inventory.survey import survey
from aiconform.model import Checklist, Inventory, Options, Run


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
