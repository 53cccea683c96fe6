"""JobSet over Kubernetes' own gangs: its pod templates name a PodGroup. Tried only if it is named.

A JobSet whose CRD does not know `schedulingGroup` yet (before 0.12) drops the field: then there is no gang.
"""

from typing import Literal

from aiconform.checks.gang_scheduling.via import Manifest, Place
from aiconform.checks.gang_scheduling.via.jobset import PERMISSION, jobset, with_jobset
from aiconform.checks.gang_scheduling.via.native import Native, join
from aiconform.model import Detection, Inventory, Permission


class NativeJobSet(Native):
    """See the module."""

    product = "native-jobset"
    proved = "JobSet 0.12.0 on Kubernetes 1.37.1, in CI on the lab, sound and broken"
    tried: Literal["where found", "if named"] = "if named"
    permissions: tuple[Permission, ...] = (*Native.permissions, PERMISSION)

    def detect(self, inventory: Inventory) -> Detection:
        return with_jobset(super().detect(inventory), inventory)

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        return [self.group(place, name, len(pods)), jobset(name, [join(p, name) for p in pods], labels={})]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        members = [join(pod, name)] * size
        return [self.group(place, name, size), jobset(name, members, labels={}, backoff=20)]


MECHANISM = NativeJobSet()
