"""Volcano with plain Jobs: its controller makes the PodGroup. Tried only if it is named.

The minimum stands in the annotation scheduling.volcano.sh/group-min-member of the Job itself, and counts only while
the controller takes over annotations of owners (its default). Else a Job is no gang: each pod starts as soon as there
is room for it.
"""

from typing import Literal

from aiconform.checks.gang_scheduling.via import Manifest, Place
from aiconform.checks.gang_scheduling.via.defaults import job, made_for_job, unannotated, when_partial
from aiconform.checks.gang_scheduling.via.volcano import Volcano
from aiconform.model import Permission

_MINIMUM = "scheduling.volcano.sh/group-min-member"


class VolcanoJob(Volcano):
    """See the module."""

    product = "volcano-job"
    proved = (
        "Volcano of 2026-08-20 (ed72c7c8) on Kubernetes 1.37.1, by hand, and with a controller that does not look at "
        "annotations of owners"
    )
    tried: Literal["where found", "if named"] = "if named"
    unlike = False
    remedies = when_partial(
        "Volcano with plain Jobs: let the controller take over annotations of owners "
        "(--inherit-owner-annotations, its default), and list the plugin gang in a tier of the scheduler's "
        "configuration."
    )
    permissions: tuple[Permission, ...] = (
        *Volcano.permissions,
        Permission(group="batch", resources=("jobs",), verbs=("create", "get", "delete"), why="the members of a gang"),
    )

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        return [self._job(place, name, pods[0], len(pods), backoff=0)]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        return [self._job(place, name, pod, size, backoff=20)]

    def dropped(self, stored: Manifest) -> str:
        if stored.get("kind") == "Pod":
            return super().dropped(stored)
        return unannotated(stored, _MINIMUM)

    def of_gang(self, name: str, obj: Manifest) -> bool:
        return made_for_job(name, obj)

    def _job(self, place: Place, name: str, pod: Manifest, size: int, *, backoff: int) -> Manifest:
        return job(name, self.scheduled(place, pod), size, backoff=backoff, annotations={_MINIMUM: str(size)})


MECHANISM = VolcanoJob()
