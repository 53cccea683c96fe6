"""Cluster API: MachineDeployments that Cluster Autoscaler scales, by annotations with the group's size limits."""

from aiconform.checks.cluster_autoscaling.via import Manifest, Reading, Scene
from aiconform.checks.cluster_autoscaling.via import cluster_autoscaler as ca
from aiconform.model import Detection, Inventory, Permission

_GROUP = "cluster.x-k8s.io"
_MAX = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size"
_VERSIONS = ("v1beta2", "v1beta1")


class ClusterApi:
    """The adapter; see the module."""

    product = "cluster_api"
    configmaps = ca.MECHANISM.configmaps
    permissions = (
        *ca.MECHANISM.permissions,
        Permission(
            group=_GROUP,
            resources=("machinedeployments",),
            verbs=("list", "watch"),
            scope="cluster",
            why="size limits of groups",
        ),
    )

    def detect(self, inventory: Inventory) -> Detection:
        served = inventory.versions(_GROUP, "machinedeployments")
        if served:
            return Detection(usable=True, because=f"the API server serves machinedeployments of {_GROUP}/{served[0]}")
        return Detection(usable=False, because=f"the API server does not serve machinedeployments of {_GROUP}")

    def watched(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        for version in _VERSIONS:
            if f"machinedeployments.{_GROUP}/{version}" in served:
                return ((f"{_GROUP}/{version}", "machinedeployments"),)
        return ()

    def read(self, scene: Scene) -> Reading:
        said = ca.read(scene)
        groups = [m for m in scene.objects.get(f"machinedeployments.{_GROUP}", []) if _most(m) is not None]
        full = [m for m in groups if int(m["spec"].get("replicas") or 0) >= (_most(m) or 0)]
        blocked: tuple[str, ...] = ()
        if groups and len(full) == len(groups):
            blocked = tuple(f"MachineDeployment {m['metadata']['name']} is at its maximum of {_most(m)}" for m in full)
        names = tuple(f"MachineDeployment {m['metadata']['name']} may have {_most(m)} machines" for m in groups)
        return Reading(
            signs=(*said.signs, *names),
            blocked=(*said.blocked, *blocked),
            refused=said.refused,
            coming=said.coming,
            keeps=said.keeps,
            delay=said.delay,
        )


def _most(group: Manifest) -> int | None:
    text = str((group["metadata"].get("annotations") or {}).get(_MAX, ""))
    return int(text) if text.isdigit() else None


MECHANISM = ClusterApi()
