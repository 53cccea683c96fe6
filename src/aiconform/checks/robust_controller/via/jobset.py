"""JobSet (jobset.x-k8s.io): groups of Jobs, with webhooks."""

from aiconform.checks.robust_controller.via import LIVES, Described, children
from aiconform.model import Permission

MECHANISM = Described(
    "jobset",
    "jobset.x-k8s.io",
    "v1alpha2",
    "jobsets",
    proved="JobSet 0.12.0 on Kubernetes 1.37.1, in CI on the lab (beside the cluster), sound and broken",
    permissions=(
        Permission(group="jobset.x-k8s.io", resources=("jobsets",), verbs=LIVES, why="the resource under test"),
        children("batch", "jobs"),
    ),
)
