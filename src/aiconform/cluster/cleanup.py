"""Removes what earlier runs left, and never anything else."""

from dataclasses import dataclass
from datetime import datetime

from aiconform.cluster import labels, sweep
from aiconform.cluster.api import Cluster

SECONDS = 300.0
"""How long to wait for deleted objects to be gone: finalizers and grace periods."""


@dataclass(frozen=True, kw_only=True)
class CleanReport:
    """What was found, and what came of it. Objects are named "pods/ns/name".

    `alive`: runs that were left alone because they still go on. `untouched`: objects with the run label that
    lie in a namespace no run made (somebody copied the label): never deleted. `unseen`: resources that could
    not be listed, and why. `problems`: deletions that were refused.
    """

    found: tuple[str, ...]
    leftovers: tuple[str, ...]
    alive: tuple[str, ...]
    untouched: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


async def clean(
    cluster: Cluster,
    run: str | None = None,
    *,
    dry_run: bool = False,
    everything: bool = False,
    seconds: float = SECONDS,
) -> CleanReport:
    """Finds what runs left by the run label, and removes it in cleanup order.

    `run` names one run, which is then removed even if it seems alive; `everything` removes all of them so.
    A run on this machine is alive if its process is; one elsewhere if it gave a sign in the last two minutes.
    Refused if the cluster's namespaces cannot be listed, since nothing would be found then.
    """
    selector = f"{labels.RUN}={run}" if run else labels.RUN
    await cluster.list("v1", "namespaces", labels=selector, metadata_only=True)
    found, unseen = await sweep.find(cluster, selector)
    alive = set() if run or everything else alive_runs(found, cluster.now())
    dead = [f for f in found if f.run not in alive]
    mine, others = sweep.removable(dead)
    problems: list[str] = []
    left: list[sweep.Found] = []
    if mine and not dry_run:
        problems = await sweep.remove(cluster, mine, seconds=seconds)
        wanted = {f.uid for f in mine}
        left = [f for f in (await sweep.find(cluster, selector))[0] if f.uid in wanted]
    return CleanReport(
        found=_names(mine),
        leftovers=_names(left),
        alive=tuple(sorted(alive)),
        untouched=_names(others),
        unseen=tuple(unseen),
        problems=tuple(problems),
    )


def alive_runs(found: list[sweep.Found], now: datetime) -> set[str]:
    """The runs of which one object says that its process still runs. `now` by the clock of the API server."""
    return {f.run for f in found if labels.is_alive(f.annotations, now)}


def _names(found: list[sweep.Found]) -> tuple[str, ...]:
    return tuple(sorted(f.subject for f in found))
