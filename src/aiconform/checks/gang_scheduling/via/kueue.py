"""Kueue: a Job is held back by a webhook until its quota is free for all of it.

Kueue counts quota and places nothing, so the check makes queues of its own and keeps their quota equal to what
is really free on the node: with more, members would start in part, as on any cluster whose quota is not its
capacity. A gang of unlike members is a pod group (integration `pod`); everything else is a Job.
A Job that its webhook does not suspend belongs to no gang (the namespace is not managed): UNKNOWN.
"""

from collections.abc import Mapping
from typing import Any, Literal

from aiconform.checks.gang_scheduling.via import EXTENDED, Manifest, Place, Watched, pod_templates
from aiconform.checks.gang_scheduling.via.defaults import Defaults, conditions, job, newest, with_meta
from aiconform.model import Detection, Inventory, Permission

GROUP = "kueue.x-k8s.io"
QUEUE_LABEL = f"{GROUP}/queue-name"
QUEUE = "aiconform"
_VERSIONS = ("v1beta2", "v1beta1")
_GATE = f"{GROUP}/admission"
GROUP_LABEL, COUNT = f"{GROUP}/pod-group-name", f"{GROUP}/pod-group-total-count"
# Not what is scarce; but what a pod asks for must be covered, or it is never admitted.
_AMPLE = {"memory": "1Pi", "ephemeral-storage": "1Pi"}


class Kueue(Defaults):
    """Gangs as Jobs; see the module."""

    product = "kueue"
    proved = "Kueue 0.14.0 on Kubernetes 1.37.1, in CI on the lab, sound and broken; on 1.34.2 too"
    atomicity: Literal["placement", "quota"] = "quota"
    # Claims of DRA are counted only where an administrator has mapped device classes to resources.
    forms = EXTENDED
    permissions: tuple[Permission, ...] = (
        Permission(
            group=GROUP,
            resources=("resourceflavors", "clusterqueues"),
            verbs=("create", "get", "patch", "delete"),
            scope="cluster",
            why="a queue whose quota is what is free on the node",
        ),
        Permission(group=GROUP, resources=("localqueues",), verbs=("create", "get", "delete"), why="its entrance"),
        Permission(
            group=GROUP, resources=("workloads",), verbs=("list", "watch", "delete"), why="what Kueue says of a gang"
        ),
        Permission(group="batch", resources=("jobs",), verbs=("create", "get", "delete"), why="the gang itself"),
    )

    remedies: Mapping[str, str] = {
        "starts_the_whole_gang": "Kueue: look at the Workload's conditions, at admission checks and stopPolicy, and "
        "whether its controller runs.",
        "starts_none_when_short": "Kueue: let no policy raise the nominalQuota that was asked for, list the "
        "accelerators in coveredResources, and leave out of Kueue's excludeResourcePrefixes what members ask for. "
        "With waitForPodsReady alone a gang still starts in part.",
        "starts_none_when_short_of_cpu": "Kueue: list cpu and memory in coveredResources, and leave them out of "
        "Kueue's excludeResourcePrefixes.",
    }

    def detect(self, inventory: Inventory) -> Detection:
        version = newest(inventory, GROUP, "clusterqueues", _VERSIONS)
        if not version:
            return Detection(usable=False, because=f"the API server does not serve clusterqueues of {GROUP}")
        api = f"{GROUP}/{version}"
        because = f"the API server serves clusterqueues of {api}"
        return Detection(usable=True, because=because, version=version, facts={"api": api})

    def watched(self, detected: dict[str, Any]) -> Watched:
        return ((_api(detected), "workloads"),)

    def prepare(self, place: Place) -> list[Manifest]:
        api, name = _api(place.detected), self._queue(place)
        flavor = {"nodeLabels": {"kubernetes.io/hostname": place.hostname}}
        mine = {"matchLabels": {"kubernetes.io/metadata.name": place.namespace}}
        return [
            {"apiVersion": api, "kind": "ResourceFlavor", "metadata": {"name": name}, "spec": flavor},
            {
                "apiVersion": api,
                "kind": "ClusterQueue",
                "metadata": {"name": name},
                "spec": {"namespaceSelector": mine, "resourceGroups": [self._quota(place)]},
            },
            {"apiVersion": api, "kind": "LocalQueue", "metadata": {"name": QUEUE}, "spec": {"clusterQueue": name}},
        ]

    def resize(self, place: Place) -> list[Manifest]:
        return [
            {
                "apiVersion": _api(place.detected),
                "kind": "ClusterQueue",
                "metadata": {"name": self._queue(place)},
                "spec": {"resourceGroups": [self._quota(place)]},
            }
        ]

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        del place
        if len(shapes(pods)) > 1:
            return pod_group(name, pods)
        # Members are never tried again: one that failed is what the check is to see.
        return [job(name, pods[0], len(pods), backoff=0, labels={QUEUE_LABEL: QUEUE})]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        del place
        return [job(name, pod, size, labels={QUEUE_LABEL: QUEUE})]

    def dropped(self, stored: Manifest) -> str:
        if stored.get("kind") != "Pod":
            return "" if (stored.get("spec") or {}).get("suspend") else "spec.suspend, which Kueue's webhook sets"
        if any(r.get("controller") for r in stored["metadata"].get("ownerReferences") or []):
            # It is the Job that waits: its pods come into being when it may start.
            return ""
        gates = [g.get("name") for g in stored["spec"].get("schedulingGates") or []]
        return "" if _GATE in gates else f"the scheduling gate {_GATE} (Kueue's integration for pods is off)"

    def ends_with(self, place: Place, stored: list[Manifest]) -> list[Manifest]:
        """The Workload of a pod group: as long as it lives, Kueue keeps pods that were deleted, for replacements."""
        meta = [t.get("metadata") or {} for o in stored for t in pod_templates({"kind": "Pod", **o})]
        names = sorted({(m.get("labels") or {}).get(GROUP_LABEL, "") for m in meta} - {""})
        api = _api(place.detected)
        return [
            {"apiVersion": api, "kind": "Workload", "metadata": {"name": n, "namespace": place.namespace}}
            for n in names
        ]

    def signs(self, name: str, objects: list[Manifest]) -> list[str]:
        return [said for o in _workloads(name, objects) for said in conditions(o)]

    def unseen(self, name: str, objects: list[Manifest]) -> str:
        # The webhook suspends Jobs in namespaces, too, that the controller then leaves alone.
        return "" if _workloads(name, objects) else "a Workload of Kueue (does it manage this namespace?)"

    def _queue(self, place: Place) -> str:
        return f"aiconform-{place.run}-{self.product}"

    def _quota(self, place: Place) -> Manifest:
        free = {"cpu": f"{place.cpu}m", **_AMPLE}
        if place.resource:
            free[place.resource] = str(place.units)
        resources = [{"name": k, "nominalQuota": v} for k, v in free.items()]
        return {"coveredResources": list(free), "flavors": [{"name": self._queue(place), "resources": resources}]}


def _workloads(name: str, objects: list[Manifest]) -> list[Manifest]:
    """The Workloads of a Job, JobSet or pod group of this name."""
    return [
        o
        for o in objects
        if o["metadata"]["name"] == name or name in [r.get("name") for r in o["metadata"].get("ownerReferences") or []]
    ]


def pod_group(name: str, pods: list[Manifest], size: int = 0) -> list[Manifest]:
    """Plain pods that Kueue admits together; `size` if the group has more than these."""
    labels = {QUEUE_LABEL: QUEUE, GROUP_LABEL: name}
    return [with_meta(p, labels=labels, annotations={COUNT: str(size or len(pods))}) for p in pods]


def shapes(pods: list[Manifest]) -> list[list[Manifest]]:
    """The pods, grouped by what they ask for."""
    groups: dict[str, list[Manifest]] = {}
    for p in pods:
        groups.setdefault(str(next(pod_templates(p))["spec"]["containers"][0]["resources"]), []).append(p)
    return list(groups.values())


def _api(detected: dict[str, Any]) -> str:
    return str(detected.get("api") or f"{GROUP}/{_VERSIONS[0]}")


MECHANISM = Kueue()
