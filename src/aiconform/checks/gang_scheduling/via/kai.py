"""KAI Scheduler: PodGroup of scheduling.run.ai/v2alpha2, and pods that name it in the ANNOTATION pod-group-name.

The label pod-group.scheduling.run.ai/name, which is often seen, does nothing: such pods get a group each. Pods
must also carry the label kai.scheduler/queue. The check makes a queue of its own, without a limit, under a parent of
its own. The scheduler is called kai-scheduler; another name: `--mechanism gang_scheduling=kai:NAME`.
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
    with_meta,
)
from aiconform.model import Detection, Inventory, Permission

_GROUP = "scheduling.run.ai"
_API, _QUEUE_API = f"{_GROUP}/v2alpha2", f"{_GROUP}/v2"
_ANNOTATION, _QUEUE_LABEL = "pod-group-name", "kai.scheduler/queue"
_SCHEDULER = "kai-scheduler"


class Kai(Defaults):
    """See the module."""

    product = "kai"
    permissions: tuple[Permission, ...] = (
        Permission(group=_GROUP, resources=("podgroups",), verbs=LIVES, why="the gang itself"),
        Permission(
            group=_GROUP,
            resources=("queues",),
            verbs=("create", "get", "delete"),
            scope="cluster",
            why="a queue without a limit, and its parent",
        ),
    )

    def detect(self, inventory: Inventory) -> Detection:
        return podgroups_served(inventory, _API)

    def watched(self, detected: dict[str, Any]) -> Watched:
        del detected
        return ((_API, "podgroups"),)

    def prepare(self, place: Place) -> list[Manifest]:
        parent = f"{_queue(place)}-parent"
        return [_queue_object(parent, ""), _queue_object(_queue(place), parent)]

    def lone(self, place: Place, pod: Manifest) -> Manifest | None:
        return with_meta(pod, labels={_QUEUE_LABEL: _queue(place)}, schedulerName=scheduler(place, _SCHEDULER))

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        return [_group(place, name, len(pods)), *(_join(place, p, name) for p in pods)]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        return [_group(place, name, size), job(name, _join(place, pod, name), size)]

    def dropped(self, stored: Manifest) -> str:
        return lacking(stored, f"the annotation {_ANNOTATION}", "metadata", "annotations", _ANNOTATION)

    def signs(self, name: str, objects: list[Manifest]) -> list[str]:
        mine = [o for o in objects if o["metadata"]["name"] == name]
        said = [
            f"PodGroup scheduling condition {c.get('type')}: {c.get('message', '')}"
            for o in mine
            for c in (o.get("status") or {}).get("schedulingConditions") or []
        ]
        return said + [s for o in mine for s in conditions(o)]


def _queue(place: Place) -> str:
    return f"aiconform-{place.run}-kai"


def _queue_object(name: str, parent: str) -> Manifest:
    # -1: no limit.
    without = {"quota": -1, "limit": -1, "overQuotaWeight": 1}
    spec: Manifest = {"resources": {r: dict(without) for r in ("cpu", "gpu", "memory")}}
    spec |= {"parentQueue": parent} if parent else {}
    return {"apiVersion": _QUEUE_API, "kind": "Queue", "metadata": {"name": name}, "spec": spec}


def _group(place: Place, name: str, size: int) -> Manifest:
    spec = {"minMember": size, "queue": _queue(place)}
    return {"apiVersion": _API, "kind": "PodGroup", "metadata": {"name": name}, "spec": spec}


def _join(place: Place, pod: Manifest, name: str) -> Manifest:
    return with_meta(
        pod,
        labels={_QUEUE_LABEL: _queue(place)},
        annotations={_ANNOTATION: name},
        schedulerName=scheduler(place, _SCHEDULER),
    )


MECHANISM = Kai()
