"""Which cluster a command talks to."""

from collections.abc import Awaitable, Callable

from aiconform import __version__
from aiconform.cli.errors import usage
from aiconform.cluster.api import Cluster
from aiconform.cluster.connect import connect

Connect = Callable[[], Awaitable[Cluster]]


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
