"""Volcano (batch.volcano.sh): its Jobs, with webhooks. They run in the queue `default`, which it makes itself."""

from aiconform.checks.robust_controller.via import LIVES, Described, children
from aiconform.model import Permission

MECHANISM = Described(
    "volcano",
    "batch.volcano.sh",
    "v1alpha1",
    "jobs",
    proved="Volcano of 2026-08-20 (ed72c7c8) on Kubernetes 1.37.1, by hand (beside the cluster), sound and broken",
    permissions=(
        Permission(group="batch.volcano.sh", resources=("jobs",), verbs=LIVES, why="the resource under test"),
        children("", "pods"),
        children("scheduling.volcano.sh", "podgroups"),
    ),
)
