"""Kubeflow Trainer (trainer.kubeflow.org): training jobs, made of JobSets, with webhooks."""

from aiconform.checks.robust_controller.via import LIVES, Described, children, watched
from aiconform.model import Permission

_GROUP = "trainer.kubeflow.org"

MECHANISM = Described(
    "trainer",
    _GROUP,
    "v1alpha1",
    "trainjobs",
    proved="Kubeflow Trainer 2.3.0 on Kubernetes 1.37.1, by hand, sound and stopped",
    permissions=(
        Permission(group=_GROUP, resources=("trainjobs",), verbs=LIVES, why="the resource under test"),
        Permission(group=_GROUP, resources=("trainingruntimes",), verbs=LIVES, why="what the jobs are made from"),
        children("jobset.x-k8s.io", "jobsets"),
        watched("batch", "jobs"),
    ),
)
