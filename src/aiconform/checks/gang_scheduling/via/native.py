"""Gang scheduling of Kubernetes itself, in the form of 1.37 (KEP-4671).

PodGroup of scheduling.k8s.io/v1beta1 with `spec.schedulingPolicy.gang.minCount`; pods name it in
`spec.schedulingGroup.podGroupName`. One feature gate, GenericWorkload, in the API server and in the scheduler.
With the gate off in the API server the field is dropped from pods without a word; with the gate on there and
off in the scheduler everything is served and nothing is enforced: only the negative case can tell.
"""

from typing import Any, Literal

from aiconform.checks.gang_scheduling.via import Manifest, Place
from aiconform.model import Detection, Inventory

_GROUP, _VERSION = "scheduling.k8s.io", "v1beta1"
_API = f"{_GROUP}/{_VERSION}"


class Native:
    """The adapter; see the module."""

    product = "native"
    atomicity: Literal["placement", "quota"] = "placement"
    watched: tuple[tuple[str, str], ...] = ((_API, "podgroups"),)

    def detect(self, inventory: Inventory) -> Detection:
        if inventory.serves(_GROUP, _VERSION, "podgroups"):
            return Detection(
                usable=True, because=f"the API server serves podgroups of {_API}", version=inventory.server_version
            )
        served = inventory.versions(_GROUP, "podgroups") + inventory.versions(_GROUP, "workloads")
        if served:
            because = f"the API server serves {_GROUP} in {', '.join(sorted(set(served)))}, not in {_VERSION}"
        else:
            because = f"the API server does not serve podgroups of {_API} (off by default in Kubernetes)"
        return Detection(usable=False, because=because)

    def prepare(self, place: Place) -> list[Manifest]:
        del place
        return []

    def resize(self, place: Place) -> list[Manifest]:
        del place
        return []

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        del place
        return [_group(name, len(pods)), *(_join(p, name) for p in pods)]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        del place
        job = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {
                "completionMode": "Indexed",
                "parallelism": size,
                "completions": size,
                "backoffLimit": 20,
                "template": {
                    "metadata": {"labels": pod["metadata"].get("labels", {})},
                    "spec": _join(pod, name)["spec"],
                },
            },
        }
        return [_group(name, size), job]

    def dropped(self, pod: Manifest) -> str:
        if (pod.get("spec", {}).get("schedulingGroup") or {}).get("podGroupName"):
            return ""
        return "spec.schedulingGroup.podGroupName"

    def stands_in(self, pod: Manifest) -> bool:
        del pod
        return False

    def signs(self, name: str, objects: list[Manifest]) -> list[str]:
        said = []
        for group in objects:
            if group.get("kind") == "PodGroup" and group["metadata"]["name"] == name:
                for c in group.get("status", {}).get("conditions") or []:
                    said.append(
                        f"PodGroup condition {c.get('type')} is {c.get('status')} "
                        f"({c.get('reason', '')}): {c.get('message', '')}"
                    )
        return said


def _group(name: str, size: int) -> Manifest:
    return {
        "apiVersion": _API,
        "kind": "PodGroup",
        "metadata": {"name": name},
        "spec": {"schedulingPolicy": {"gang": {"minCount": size}}},
    }


def _join(pod: Manifest, name: str) -> Manifest:
    spec: dict[str, Any] = {**pod["spec"], "schedulingGroup": {"podGroupName": name}}
    return {**pod, "spec": spec}


MECHANISM = Native()
