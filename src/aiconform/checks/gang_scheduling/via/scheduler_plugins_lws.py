"""LeaderWorkerSet over coscheduling: its pod templates carry the group's label. Tried only if it is named.

Leader and workers are pods of StatefulSets: they are started again when they end, so the case of two competing
gangs that finish cannot be tried.
"""

from typing import Any, Literal

from aiconform.checks.gang_scheduling.via import Manifest, Place
from aiconform.checks.gang_scheduling.via.defaults import LIVES, newest, with_meta
from aiconform.checks.gang_scheduling.via.kueue import shapes
from aiconform.checks.gang_scheduling.via.scheduler_plugins import SchedulerPlugins, group, join
from aiconform.model import Detection, Inventory, Permission

_GROUP = "leaderworkerset.x-k8s.io"
_API = f"{_GROUP}/v1"


class SchedulerPluginsLws(SchedulerPlugins):
    """See the module."""

    product = "scheduler-plugins-lws"
    proved = "LWS 0.7.0 over scheduler-plugins 0.35.4-devel, on Kubernetes 1.37.1, in CI on the lab"
    tried: Literal["where found", "if named"] = "if named"
    ends = False
    permissions: tuple[Permission, ...] = (
        *SchedulerPlugins.permissions,
        Permission(group=_GROUP, resources=("leaderworkersets",), verbs=LIVES, why="the members of a gang"),
    )

    def detect(self, inventory: Inventory) -> Detection:
        if not newest(inventory, _GROUP, "leaderworkersets", ("v1",)):
            return Detection(usable=False, because=f"the API server does not serve leaderworkersets of {_API}")
        return super().detect(inventory)

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        return [group(name, len(pods)), _workload(place, name, pods)]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        return [group(name, size), _workload(place, name, [pod] * size)]


def _workload(place: Place, name: str, pods: list[Manifest]) -> Manifest:
    templates = [_template(join(place, alike[0], name)) for alike in shapes(pods)]
    leader: dict[str, Any] = {"leaderTemplate": templates[0]} if len(templates) > 1 else {}
    return {
        "apiVersion": _API,
        "kind": "LeaderWorkerSet",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "startupPolicy": "LeaderCreated",
            "leaderWorkerTemplate": {
                "size": len(pods), "restartPolicy": "None", **leader, "workerTemplate": templates[-1],
            },
        },
    }  # fmt: skip


def _template(pod: Manifest) -> Manifest:
    made = with_meta(pod, restartPolicy="Always")
    made["metadata"].pop("name", None)
    return {"metadata": made["metadata"], "spec": made["spec"]}


MECHANISM = SchedulerPluginsLws()
