"""Gang scheduling of Kubernetes itself, in the form of 1.37 (KEP-4671).

PodGroup of scheduling.k8s.io/v1beta1 (v1alpha3 has the same shape) with `spec.schedulingPolicy.gang.minCount`;
pods name it in `spec.schedulingGroup.podGroupName`. One feature gate, GenericWorkload, in the API server and in
the scheduler. With the gate off in the API server the field is dropped from pods without a word; with the gate
on there and off in the scheduler everything is served and nothing is enforced: only the negative case can tell.
"""

from collections.abc import Mapping
from typing import Any

from aiconform.checks.gang_scheduling.via import Manifest, Place, Watched
from aiconform.checks.gang_scheduling.via.defaults import LIVES, Defaults, job, lacking, newest, when_partial
from aiconform.model import Detection, Inventory, Permission

GROUP = "scheduling.k8s.io"
# Before 1.37 a second gate, of the scheduler alone, turned the enforcement on.
ALPHA_GATES = "the feature gates GenericWorkload and GangScheduling"


def gated(gates: str) -> dict[str, str]:
    """Remedies, where the scheduler enforces gangs only with these feature gates."""
    return when_partial(
        f"Kubernetes' own gangs: start kube-scheduler with {gates} on. In the API server alone they only keep the "
        "groups, and the scheduler starts each pod by itself."
    )


class Native(Defaults):
    """Gangs by a standalone PodGroup; see the module. `versions` have the same shape, the best first."""

    product = "native"
    proved = "Kubernetes 1.37.1 (v1beta1), in CI on the lab"
    versions: tuple[str, ...] = ("v1beta1", "v1alpha3")
    permissions: tuple[Permission, ...] = (
        Permission(group=GROUP, resources=("podgroups",), verbs=LIVES, why="the gang itself, for the native mechanism"),
    )

    remedies: Mapping[str, str] = gated("the feature gate GenericWorkload")

    def detect(self, inventory: Inventory) -> Detection:
        version = newest(inventory, GROUP, "podgroups", self.versions)
        if version:
            because = f"the API server serves podgroups of {GROUP}/{version}"
            return Detection(
                usable=True, because=because, version=inventory.server_version, facts={"api": f"{GROUP}/{version}"}
            )
        served = inventory.versions(GROUP, "podgroups") + inventory.versions(GROUP, "workloads")
        if served:
            said = ", ".join(sorted(set(served)))
            because = f"the API server serves {GROUP} in {said}, not in {' or '.join(self.versions)}"
        else:
            because = (
                f"the API server does not serve podgroups of {GROUP}/{self.versions[0]} (off by default in Kubernetes)"
            )
        return Detection(usable=False, because=because)

    def watched(self, detected: dict[str, Any]) -> Watched:
        return ((self._api(detected), "podgroups"),)

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        return [self.group(place, name, len(pods)), *(join(p, name) for p in pods)]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        return [self.group(place, name, size), job(name, join(pod, name), size)]

    def dropped(self, stored: Manifest) -> str:
        return lacking(stored, "spec.schedulingGroup.podGroupName", "spec", "schedulingGroup", "podGroupName")

    def _api(self, detected: dict[str, Any]) -> str:
        return str(detected.get("api") or f"{GROUP}/{self.versions[0]}")

    def group(self, place: Place, name: str, size: int) -> Manifest:
        return {
            "apiVersion": self._api(place.detected),
            "kind": "PodGroup",
            "metadata": {"name": name},
            "spec": {"schedulingPolicy": {"gang": {"minCount": size}}},
        }


def join(pod: Manifest, name: str) -> Manifest:
    return {**pod, "spec": {**pod["spec"], "schedulingGroup": {"podGroupName": name}}}


MECHANISM = Native()
