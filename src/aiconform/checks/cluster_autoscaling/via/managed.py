"""An autoscaler that the platform runs out of sight: at most its events on pods are seen. Also for unknown ones."""

from aiconform.checks.cluster_autoscaling.via import Reading, Scene
from aiconform.checks.cluster_autoscaling.via import cluster_autoscaler as ca
from aiconform.model import Detection, Inventory, Permission

# Platforms whose node groups are scaled by a part of the platform itself, as the survey names them.
_PLATFORMS = ("gke", "aks", "eks")


class Managed:
    """The adapter; see the module."""

    product = "managed"
    configmaps = ca.MECHANISM.configmaps
    permissions: tuple[Permission, ...] = ca.MECHANISM.permissions

    def detect(self, inventory: Inventory) -> Detection:
        if inventory.platform in _PLATFORMS:
            return Detection(usable=True, because=f"{inventory.platform} can scale node groups itself")
        return Detection(usable=False, because="the platform is not known for an autoscaler of its own")

    def watched(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        del served
        return ()

    def read(self, scene: Scene) -> Reading:
        return ca.read(scene)


MECHANISM = Managed()
