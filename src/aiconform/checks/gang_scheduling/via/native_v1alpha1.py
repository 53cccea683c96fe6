"""Gang scheduling of Kubernetes itself, in the form of 1.35: Workload of scheduling.k8s.io/v1alpha1.

There is no PodGroup object yet: pod groups are entries of a Workload, and a pod names both in
`spec.workloadRef`. Feature gates GenericWorkload (API server and scheduler) and GangScheduling (scheduler), both
alpha and off by default. The Workload has no status: the mechanism is silent while a gang waits.
"""

from typing import Any

from aiconform.checks.gang_scheduling.via import Manifest, Place, Watched
from aiconform.checks.gang_scheduling.via.defaults import LIVES, Defaults, job, lacking
from aiconform.checks.gang_scheduling.via.native import ALPHA_GATES, gated
from aiconform.model import Detection, Inventory, Permission

_GROUP, _VERSION = "scheduling.k8s.io", "v1alpha1"
_API = f"{_GROUP}/{_VERSION}"
_MEMBERS = "members"


class NativeV1alpha1(Defaults):
    """See the module."""

    product = "native-v1alpha1"
    proved = "Kubernetes 1.35.4 (v1alpha1), on the lab, sound and broken; recordings in CI"
    permissions: tuple[Permission, ...] = (
        Permission(group=_GROUP, resources=("workloads",), verbs=LIVES, why="the gang itself, for Kubernetes 1.35"),
    )

    remedies = gated(ALPHA_GATES)

    def detect(self, inventory: Inventory) -> Detection:
        if inventory.serves(_GROUP, _VERSION, "workloads"):
            because = f"the API server serves workloads of {_API}"
            return Detection(usable=True, because=because, version=inventory.server_version)
        return Detection(usable=False, because=f"the API server does not serve workloads of {_API}")

    def watched(self, detected: dict[str, Any]) -> Watched:
        del detected
        return ((_API, "workloads"),)

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        del place
        return [_workload(name, len(pods)), *(_join(p, name) for p in pods)]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        del place
        return [_workload(name, size), job(name, _join(pod, name), size)]

    def dropped(self, stored: Manifest) -> str:
        return lacking(stored, "spec.workloadRef", "spec", "workloadRef", "podGroup")


def _workload(name: str, size: int) -> Manifest:
    group = {"name": _MEMBERS, "policy": {"gang": {"minCount": size}}}
    return {"apiVersion": _API, "kind": "Workload", "metadata": {"name": name}, "spec": {"podGroups": [group]}}


def _join(pod: Manifest, name: str) -> Manifest:
    return {**pod, "spec": {**pod["spec"], "workloadRef": {"name": name, "podGroup": _MEMBERS}}}


MECHANISM = NativeV1alpha1()
