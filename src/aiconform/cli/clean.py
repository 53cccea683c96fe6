"""`aiconform clean`: removes what killed runs left, and nothing else."""

from typing import Annotated

import typer

from aiconform.cli import output
from aiconform.cli.errors import BROKEN
from aiconform.cli.settings import Context, Kubeconfig, LabName
from aiconform.cli.target import on_cluster, target
from aiconform.cluster import cleanup
from aiconform.cluster.api import Cluster
from aiconform.cluster.errors import Refused


def clean(
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    lab: LabName = None,
    run: Annotated[
        str | None, typer.Option("--run", help="Only this run's objects, even if it seems alive.", metavar="RUN")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every run's objects, even of runs that seem alive.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Only list what would be removed.")] = False,
) -> int:
    """Remove what earlier runs left: everything with the label aiconform.dev/run, but for runs still alive."""
    report = on_cluster(
        target(kubeconfig, context, lab),
        lambda cluster: cleanup.clean(cluster, run, dry_run=dry_run, everything=everything),
    )
    for name in report.found:
        print(name)
    for name in report.alive:
        output.say(f"left alone: run {name} is still going on")
    for name in report.untouched:
        output.say(f"left alone: {name} has the label, but lies in a namespace that no run made")
    for line in report.unseen:
        output.say(f"could not look: {line}")
    for line in report.problems:
        output.say(f"could not remove: {line}")
    for name in report.leftovers:
        output.say(f"still there: {name}")
    verb = "would be removed" if dry_run else "removed"
    output.say(f"{len(report.found) - len(report.leftovers)} objects {verb}")
    return BROKEN if report.leftovers else 0


async def sweep_before_run(cluster: Cluster) -> None:
    """A new run removes what a killed one left, and says so."""
    try:
        report = await cleanup.clean(cluster, None, dry_run=False)
    except Refused as refused:
        output.say(f"could not look for what an earlier run left: {refused}")
        return
    if report.found:
        output.say(f"removed {len(report.found)} objects that an earlier run had left")
    for name in report.leftovers:
        output.say(f"an earlier run's {name} does not go away")
