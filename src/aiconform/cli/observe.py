"""`aiconform observe`: only record; judge later, elsewhere."""

from pathlib import Path

from aiconform.cli import output, session
from aiconform.cli.chosen import Chosen, takes_run_options
from aiconform.cli.clean import sweep_before_run
from aiconform.cli.plan import show_plan
from aiconform.cli.settings import Runs
from aiconform.cli.target import on_cluster
from aiconform.cluster.api import Cluster


@takes_run_options
def observe(
    chosen: Chosen,
    runs: Runs = Path("runs"),
) -> int:
    """Record what the cluster does, and judge nothing. `aiconform judge` does that later, with no cluster."""
    options = chosen.options

    async def work(cluster: Cluster) -> Path:
        await sweep_before_run(cluster)
        found = await session.look(cluster, options)
        show_plan(*found, form="table", stderr=True)
        return await session.observe_run(cluster, options, runs, found)

    directory = on_cluster(chosen.connect, work)
    output.say(f"recorded; `aiconform judge {directory}` judges it")
    print(directory)
    return 0
