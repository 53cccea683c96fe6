"""LeaderWorkerSet (leaderworkerset.x-k8s.io): groups of a leader and its workers, with webhooks."""

from aiconform.checks.robust_controller.via import LIVES, Described, children
from aiconform.model import Permission

_GROUP = "leaderworkerset.x-k8s.io"

MECHANISM = Described(
    "lws",
    _GROUP,
    "v1",
    "leaderworkersets",
    proved="LeaderWorkerSet 0.7.0 on Kubernetes 1.37.1, in CI on the lab (beside the cluster), sound and broken",
    permissions=(
        Permission(group=_GROUP, resources=("leaderworkersets",), verbs=LIVES, why="the resource under test"),
        children("apps", "statefulsets"),
    ),
)
