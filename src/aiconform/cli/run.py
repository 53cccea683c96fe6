"""`aiconform run`: survey, plan, observe, judge, report."""

from pathlib import Path
from typing import Annotated

import typer

from aiconform.cli import derived, output, session
from aiconform.cli.chosen import Chosen, takes_run_options
from aiconform.cli.clean import sweep_before_run
from aiconform.cli.errors import usage
from aiconform.cli.plan import show_plan
from aiconform.cli.settings import Output, Runs
from aiconform.cli.suite import judging_suite
from aiconform.cli.target import on_cluster
from aiconform.cluster.api import Cluster
from aiconform.engine.assess import code
from aiconform.engine.judge import judge_run
from aiconform.report import table


@takes_run_options
def run(
    chosen: Chosen,
    runs: Runs = Path("runs"),
    dry_run: Annotated[bool, typer.Option(help="Survey and plan only; change nothing.")] = False,
    form: Output = "table",
) -> int:
    """Prove the checklist on a cluster: survey, plan, observe, judge, report.

    Makes its own namespaces, labels everything it makes, and removes it again. Leaves a folder under runs/ with
    the recordings (sealed) and the reports made from them.
    """
    output.check_format(form)
    if form == "name" and dry_run:
        raise usage("--output name shows outcomes: there are none in a dry run")
    options = chosen.options

    async def work(cluster: Cluster) -> Path | None:
        if not dry_run:
            await sweep_before_run(cluster)
        found = await session.look(cluster, options)
        show_plan(*found, form="table" if not dry_run else form, stderr=not dry_run)
        return None if dry_run else await session.observe_run(cluster, options, runs, found)

    directory = on_cluster(chosen.connect, work)
    if directory is None:
        return 0
    judged = judge_run(directory, judged_by=judging_suite())
    made = derived.write(directory, judged)
    if form in ("json", "yaml"):
        output.dump(judged.assessment, form)
    elif form == "name":
        print(directory)
    else:
        output.console().print(table.rows(judged.assessment))
    output.say(f"report: {made / 'report.html'}")
    return code(judged.assessment)
