"""KubeRay (ray.io): Ray clusters. Its webhooks are off by default: then it refuses by an event, after admission."""

from aiconform.checks.robust_controller.via import LIVES, Described, children
from aiconform.model import Permission

MECHANISM = Described(
    "kuberay",
    "ray.io",
    "v1",
    "rayclusters",
    proved="KubeRay 1.5.1 on Kubernetes 1.37.1, in CI on the lab (in a pod of the cluster), sound and broken",
    permissions=(
        Permission(group="ray.io", resources=("rayclusters",), verbs=LIVES, why="the resource under test"),
        children("", "pods", "services"),
    ),
)
