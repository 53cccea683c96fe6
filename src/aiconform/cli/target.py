"""Which cluster a command talks to, and how a command that was stopped leaves it."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiconform import __version__
from aiconform.cli import output
from aiconform.cli.errors import BROKEN, Problem, usage
from aiconform.cluster.api import Cluster
from aiconform.cluster.connect import connect

Connect = Callable[[], Awaitable[Cluster]]
T = TypeVar("T")


def target(kubeconfig: str | None, context: str | None, lab: str | None) -> Connect:
    """How to connect to the cluster of these flags. Raises LabError if the lab is not up."""
    if lab is not None:
        if kubeconfig or context:
            raise usage("--lab names the cluster by itself: leave out --kubeconfig and --context")
        from aiconform.lab import Lab

        kubeconfig = str(Lab(lab).running_kubeconfig())
    return lambda: connect(kubeconfig, context, suite_version=__version__)


def probe_image(flag: str | None, lab: str | None) -> str | None:
    """The lab has no registry: its own image is the default there."""
    if flag is None and lab is not None:
        from aiconform.lab.images import PROBE_IMAGE

        return PROBE_IMAGE
    return flag


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
