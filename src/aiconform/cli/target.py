"""Which cluster a command talks to."""

from aiconform import __version__
from aiconform.cli.errors import usage
from aiconform.cluster.connect import Cluster, connect


def target(kubeconfig: str | None, context: str | None, lab: str | None) -> Cluster:
    """The cluster of these flags, not yet asked anything. Raises ClusterError or LabError."""
    if lab is not None:
        if kubeconfig or context:
            raise usage("--lab names the cluster by itself: leave out --kubeconfig and --context")
        from aiconform.lab import Lab

        kubeconfig = str(Lab(lab).running_kubeconfig())
    return connect(kubeconfig, context, suite_version=__version__)


def probe_image(flag: str | None, lab: str | None) -> str | None:
    """The lab has no registry: its own image is the default there."""
    if flag is None and lab is not None:
        from aiconform.lab.images import PROBE_IMAGE

        return PROBE_IMAGE
    return flag
