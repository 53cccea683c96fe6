"""Kueue with plain pods: a pod group, held back by scheduling gates. Tried only if it is named.

The integration `pod` is off by default up to Kueue 0.15: then the pods get no gate and belong to no gang.
"""

from typing import Literal

from aiconform.checks.gang_scheduling.via import Manifest, Place
from aiconform.checks.gang_scheduling.via.defaults import job, lacking
from aiconform.checks.gang_scheduling.via.kueue import COUNT, GROUP_LABEL, Kueue, pod_group


class KueuePods(Kueue):
    """See the module."""

    product = "kueue-pods"
    proved = "Kueue 0.14.0 with the integration pod, on Kubernetes 1.37.1, in CI on the lab"
    tried: Literal["where found", "if named"] = "if named"

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        del place
        return pod_group(name, pods)

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        del place
        # The Job itself is in no queue: its pods are, and their number is the group's.
        return [job(name, next(iter(pod_group(name, [pod], size))), size)]

    def dropped(self, stored: Manifest) -> str:
        if stored.get("kind") == "Pod":
            return super().dropped(stored)
        return lacking(stored, f"the label {GROUP_LABEL}", "metadata", "labels", GROUP_LABEL) or lacking(
            stored, f"the annotation {COUNT}", "metadata", "annotations", COUNT
        )


MECHANISM = KueuePods()
