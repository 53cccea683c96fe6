"""KAI Scheduler with plain Jobs: its podgrouper makes the PodGroup. Tried only if it is named.

The minimum stands in the annotation kai.scheduler/batch-min-member of the Job itself, and counts from KAI 0.15 on.
Without it, or with an older podgrouper, a Job is no gang: each pod starts as soon as there is room for it.
"""

from typing import Literal

from aiconform.checks.gang_scheduling.via import Manifest, Place
from aiconform.checks.gang_scheduling.via.defaults import job, made_for_job, unannotated, when_partial
from aiconform.checks.gang_scheduling.via.kai import PATIENT, Kai
from aiconform.model import Permission

_MINIMUM = "kai.scheduler/batch-min-member"


class KaiJob(Kai):
    """See the module."""

    product = "kai-job"
    proved = "KAI Scheduler 0.17 (d5bc503a) on Kubernetes 1.37.1, by hand, and Jobs whose minimum is one"
    tried: Literal["where found", "if named"] = "if named"
    unlike = False
    remedies = when_partial(
        "KAI with plain Jobs: run a podgrouper of 0.15 or newer, which makes the group with the minimum of the "
        "annotation kai.scheduler/batch-min-member."
    )
    permissions: tuple[Permission, ...] = (
        *Kai.permissions,
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
        notes = {_MINIMUM: str(size), **PATIENT}
        return job(name, self.queued(place, pod), size, backoff=backoff, annotations=notes)


MECHANISM = KaiJob()
