"""JobSet over Kueue: the whole JobSet is held back until its quota is free. Tried only if it is named."""

from typing import Literal

from aiconform.checks.gang_scheduling.via import Manifest, Place
from aiconform.checks.gang_scheduling.via.jobset import PERMISSION, jobset, with_jobset
from aiconform.checks.gang_scheduling.via.kueue import QUEUE, QUEUE_LABEL, Kueue
from aiconform.model import Detection, Inventory, Permission


class KueueJobSet(Kueue):
    """See the module."""

    product = "kueue-jobset"
    proved = "JobSet 0.12.0 over Kueue 0.14.0, on Kubernetes 1.37.1, in CI on the lab"
    tried: Literal["where found", "if named"] = "if named"
    permissions: tuple[Permission, ...] = (*Kueue.permissions, PERMISSION)

    def detect(self, inventory: Inventory) -> Detection:
        return with_jobset(super().detect(inventory), inventory)

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        del place
        return [jobset(name, pods, labels={QUEUE_LABEL: QUEUE})]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        del place
        return [jobset(name, [pod] * size, labels={QUEUE_LABEL: QUEUE}, backoff=20)]


MECHANISM = KueueJobSet()
