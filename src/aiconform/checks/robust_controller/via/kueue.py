"""Kueue (kueue.x-k8s.io): it makes a Workload for a Job, and lets the Job go when its queue has room."""

from aiconform.checks.robust_controller.via import LIVES, Described, children, load
from aiconform.model import Detection, Inventory, Operator, Permission

_GROUP = "kueue.x-k8s.io"
_VERSIONS = ("v1beta2", "v1beta1")


class Kueue(Described):
    """The adapter; see the module."""

    def detect(self, inventory: Inventory) -> Detection:
        served = [v for v in _VERSIONS if inventory.serves(_GROUP, v, "clusterqueues")]
        if not served:
            return Detection(usable=False, because=f"the API server does not serve clusterqueues of {_GROUP}")
        return Detection(
            usable=True, because=f"the API server serves clusterqueues of {_GROUP}/{served[0]}", version=served[0]
        )

    def describe(self, inventory: Inventory) -> Operator:
        return load(self.product, kueue=f"{_GROUP}/{self.detect(inventory).version}")


MECHANISM = Kueue(
    "kueue",
    _GROUP,
    "",
    "clusterqueues",
    proved="Kueue 0.14.0 on Kubernetes 1.37.1, in CI on the lab (beside the cluster), sound and broken",
    permissions=(
        Permission(group="batch", resources=("jobs",), verbs=LIVES, why="the resource under test"),
        Permission(
            group=_GROUP,
            resources=("resourceflavors", "clusterqueues"),
            verbs=LIVES,
            scope="cluster",
            why="a queue of its own, also a wrong one",
        ),
        Permission(group=_GROUP, resources=("localqueues",), verbs=LIVES, why="the queue's entrance"),
        children(_GROUP, "workloads"),
    ),
)
