"""The operator's statement that the platform has no cluster autoscaler: `--mechanism cluster_autoscaling=none`."""

from aiconform.checks.cluster_autoscaling.via import Reading, Scene
from aiconform.checks.cluster_autoscaling.via import cluster_autoscaler as ca
from aiconform.model import Detection, Inventory, Permission


class NoMechanism:
    """The adapter; see the module. What it reads are signs against the statement."""

    product = "none"
    configmaps = ca.MECHANISM.configmaps
    permissions: tuple[Permission, ...] = ca.MECHANISM.permissions

    def detect(self, inventory: Inventory) -> Detection:
        del inventory
        return Detection(usable=False, because="it is a statement, not a product")

    def watched(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        del served
        return ()

    def read(self, scene: Scene) -> Reading:
        return ca.read(scene)


MECHANISM = NoMechanism()
