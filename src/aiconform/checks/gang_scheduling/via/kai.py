"""KAI Scheduler: PodGroup of scheduling.run.ai/v2alpha2, and pods that name it in the ANNOTATION pod-group-name.

The label pod-group.scheduling.run.ai/name, which is often seen, does nothing: such pods get a group each. Pods
must also carry the label kai.scheduler/queue. The check makes a queue of its own, under a parent of its own: without
a limit, so that it is the gang's minimum that decides, and with a quota of nothing, so that a waiting gang has no claim
on what other queues hold over theirs. The groups ask KAI, too, not to end or move pods of others for them (from 0.17
on). The scheduler is called kai-scheduler; another name: `--mechanism gang_scheduling=kai:NAME`.

Its podgrouper takes every pod that has an owner out of the group that the pod names, and puts it into the owner's,
which for a Job has a minimum of one. Pods of a Job therefore carry an annotation that keeps it away (from KAI 0.15 on).
"""

from typing import Any

from aiconform.checks.gang_scheduling.via import Manifest, Place, Watched
from aiconform.checks.gang_scheduling.via.defaults import (
    LIVES,
    Defaults,
    conditions,
    job,
    lacking,
    podgroups_served,
    scheduler,
    when_partial,
    with_meta,
)
from aiconform.model import Detection, Inventory, Permission

_GROUP = "scheduling.run.ai"
_API, _QUEUE_API = f"{_GROUP}/v2alpha2", f"{_GROUP}/v2"
_ANNOTATION, _QUEUE_LABEL = "pod-group-name", "kai.scheduler/queue"
# Since 0.17: how long a group waits before pods of others may be ended or moved for it. Longer than any deadline here.
_DAY = "24h"
PATIENT = {"kai.scheduler/preemption-delay": _DAY}
# Without this the cluster's default priority decides, and what is not preemptible needs a quota.
_PREEMPTIBLE = {"kai.scheduler/preemptibility": "preemptible"}
_LEAVE_ALONE = "kai.scheduler/skip-podgrouper"
_SCHEDULER = "kai-scheduler"


class Kai(Defaults):
    """See the module."""

    product = "kai"
    proved = (
        "KAI Scheduler 0.17 (d5bc503a) on Kubernetes 1.37.1, by hand: sound, also with claims of DRA, competing "
        "gangs and pods of others in its queues; with a minimum of one; and with its gang condition taken out"
    )
    permissions: tuple[Permission, ...] = (
        Permission(group=_GROUP, resources=("podgroups",), verbs=LIVES, why="the gang itself"),
        Permission(
            group=_GROUP,
            resources=("queues",),
            verbs=("create", "get", "delete"),
            scope="cluster",
            why="a queue of its own, and its parent",
        ),
    )

    remedies = when_partial(
        "KAI enforces minMember of every PodGroup: look for policies that lower it, and for pods that its podgrouper "
        "has put into another group than the one that they name."
    )

    def detect(self, inventory: Inventory) -> Detection:
        return podgroups_served(inventory, _API)

    def watched(self, detected: dict[str, Any]) -> Watched:
        del detected
        return ((_API, "podgroups"),)

    def prepare(self, place: Place) -> list[Manifest]:
        parent = f"{self._queue(place)}-parent"
        return [_queue_object(parent, ""), _queue_object(self._queue(place), parent)]

    def lone(self, place: Place, pod: Manifest) -> Manifest | None:
        return self.queued(place, pod)

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        return [self._group(place, name, len(pods)), *(self._join(place, p, name) for p in pods)]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        alone = with_meta(self._join(place, pod, name), annotations={_LEAVE_ALONE: "true"})
        return [self._group(place, name, size), job(name, alone, size)]

    def dropped(self, stored: Manifest) -> str:
        return lacking(stored, f"the annotation {_ANNOTATION}", "metadata", "annotations", _ANNOTATION)

    def signs(self, name: str, objects: list[Manifest]) -> list[str]:
        mine = [o for o in objects if self.of_gang(name, o)]
        said = [
            f"PodGroup scheduling condition {c.get('type')}: {c.get('message', '')}"
            for o in mine
            for c in (o.get("status") or {}).get("schedulingConditions") or []
        ]
        return said + [s for o in mine for s in conditions(o)]

    def queued(self, place: Place, pod: Manifest) -> Manifest:
        """This pod, in the check's queue, for KAI's scheduler."""
        labels = {_QUEUE_LABEL: self._queue(place), **_PREEMPTIBLE}
        return with_meta(pod, labels=labels, annotations=PATIENT, schedulerName=scheduler(place, _SCHEDULER))

    def _queue(self, place: Place) -> str:
        return f"aiconform-{place.run}-{self.product}"

    def _group(self, place: Place, name: str, size: int) -> Manifest:
        spec = {
            "minMember": size,
            "queue": self._queue(place),
            "preemptibility": "preemptible",
            "preemptionDelay": _DAY,
        }
        return {"apiVersion": _API, "kind": "PodGroup", "metadata": {"name": name}, "spec": spec}

    def _join(self, place: Place, pod: Manifest, name: str) -> Manifest:
        return with_meta(self.queued(place, pod), annotations={_ANNOTATION: name})


def _queue_object(name: str, parent: str) -> Manifest:
    # -1: no limit.
    last = {"quota": 0, "limit": -1, "overQuotaWeight": 0}
    spec: Manifest = {"resources": {r: dict(last) for r in ("cpu", "gpu", "memory")}}
    spec |= {"parentQueue": parent} if parent else {}
    return {"apiVersion": _QUEUE_API, "kind": "Queue", "metadata": {"name": name}, "spec": spec}


MECHANISM = Kai()
