"""Coscheduling of kubernetes-sigs/scheduler-plugins: a second scheduler, or a plugin in the cluster's own.

PodGroup of scheduling.x-k8s.io/v1alpha1 with `spec.minMember`; pods carry the label
scheduling.x-k8s.io/pod-group and the scheduler's name. The chart's scheduler is called
scheduler-plugins-scheduler; another name is given with `--mechanism gang_scheduling=scheduler-plugins:NAME`.
A gang whose members were all turned away by the plugin itself is not woken when a pod goes: it is tried again after
the scheduler's flush of unschedulable pods, 5 minutes by default, so the release may take that long.
The phase is `Scheduling` for a gang that is stuck, too, so it is a sign of life and no more.
"""

from typing import Any

from aiconform.checks.gang_scheduling.via import Manifest, Place, Watched
from aiconform.checks.gang_scheduling.via.defaults import (
    LIVES,
    Defaults,
    conditions,
    job,
    lacking,
    phase,
    podgroups_served,
    scheduler,
    when_partial,
    with_meta,
)
from aiconform.model import Detection, Inventory, Permission

_GROUP = "scheduling.x-k8s.io"
_API = f"{_GROUP}/v1alpha1"
_LABEL = "scheduling.x-k8s.io/pod-group"
_SCHEDULER = "scheduler-plugins-scheduler"


class SchedulerPlugins(Defaults):
    """See the module."""

    product = "scheduler-plugins"
    proved = "scheduler-plugins 0.35.4-devel on Kubernetes 1.37.1, in CI on the lab, sound and broken; on 1.34.2 too"
    permissions: tuple[Permission, ...] = (
        Permission(group=_GROUP, resources=("podgroups",), verbs=LIVES, why="the gang itself"),
    )

    remedies = when_partial(
        "Coscheduling: enable the plugin Coscheduling (multiPoint) in the profile of the scheduler that the pods name, "
        "and give that scheduler the right to read podgroups of scheduling.x-k8s.io."
    )

    def detect(self, inventory: Inventory) -> Detection:
        return podgroups_served(inventory, _API)

    def watched(self, detected: dict[str, Any]) -> Watched:
        del detected
        return ((_API, "podgroups"),)

    def lone(self, place: Place, pod: Manifest) -> Manifest | None:
        return with_meta(pod, schedulerName=scheduler(place, _SCHEDULER))

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        return [group(name, len(pods)), *(join(place, p, name) for p in pods)]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        return [group(name, size), job(name, join(place, pod, name), size)]

    def dropped(self, stored: Manifest) -> str:
        return lacking(stored, f"the label {_LABEL}", "metadata", "labels", _LABEL)

    def signs(self, name: str, objects: list[Manifest]) -> list[str]:
        return [s for o in objects if o["metadata"]["name"] == name for s in (*phase(o), *conditions(o))]


def group(name: str, size: int) -> Manifest:
    return {"apiVersion": _API, "kind": "PodGroup", "metadata": {"name": name}, "spec": {"minMember": size}}


def join(place: Place, pod: Manifest, name: str) -> Manifest:
    return with_meta(pod, labels={_LABEL: name}, schedulerName=scheduler(place, _SCHEDULER))


MECHANISM = SchedulerPlugins()
