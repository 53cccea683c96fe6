"""Volcano: PodGroup of scheduling.volcano.sh/v1beta1 with `minMember`, and pods that name it in an annotation.

`minResources` is left out on purpose: with it the queue would hold the gang back, and whether the scheduler's
plugin `gang` is on would not be seen. While a gang waits, the PodGroup gets an event and a condition each second,
with words that are the same whether the plugin is on or not: only the members that were bound decide.
The scheduler is called volcano; another name: `--mechanism gang_scheduling=volcano:NAME`.
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

_GROUP = "scheduling.volcano.sh"
_API = f"{_GROUP}/v1beta1"
_ANNOTATION = "scheduling.k8s.io/group-name"
_SCHEDULER, _QUEUE = "volcano", "default"


class Volcano(Defaults):
    """See the module."""

    product = "volcano"
    proved = "Volcano of 2026-08-20 (ed72c7c8) on Kubernetes 1.37.1, by hand, with its plugin gang and without it"
    permissions: tuple[Permission, ...] = (
        Permission(group=_GROUP, resources=("podgroups",), verbs=LIVES, why="the gang itself"),
    )

    remedies = when_partial("Volcano: list the plugin gang in a tier of the scheduler's configuration.")

    def detect(self, inventory: Inventory) -> Detection:
        return podgroups_served(inventory, _API)

    def watched(self, detected: dict[str, Any]) -> Watched:
        del detected
        return ((_API, "podgroups"),)

    def lone(self, place: Place, pod: Manifest) -> Manifest | None:
        return self.scheduled(place, pod)

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        return [_group(name, len(pods)), *(self._join(place, p, name) for p in pods)]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        return [_group(name, size), job(name, self._join(place, pod, name), size)]

    def dropped(self, stored: Manifest) -> str:
        return lacking(stored, f"the annotation {_ANNOTATION}", "metadata", "annotations", _ANNOTATION)

    def signs(self, name: str, objects: list[Manifest]) -> list[str]:
        return [s for o in objects if self.of_gang(name, o) for s in (*phase(o), *conditions(o))]

    def scheduled(self, place: Place, pod: Manifest) -> Manifest:
        """This pod, for Volcano's scheduler."""
        return with_meta(pod, schedulerName=scheduler(place, _SCHEDULER))

    def _join(self, place: Place, pod: Manifest, name: str) -> Manifest:
        return with_meta(self.scheduled(place, pod), annotations={_ANNOTATION: name})


def _group(name: str, size: int) -> Manifest:
    spec = {"minMember": size, "queue": _QUEUE}
    return {"apiVersion": _API, "kind": "PodGroup", "metadata": {"name": name}, "spec": spec}


MECHANISM = Volcano()
