"""Cluster Autoscaler: it speaks by events on pods, and in the ConfigMap kube-system/cluster-autoscaler-status."""

import re

from aiconform.checks.cluster_autoscaling.via import Manifest, Reading, Scene, said_by
from aiconform.model import Detection, Inventory, Permission

_STATUS = ("kube-system", "cluster-autoscaler-status")
# Reasons in NotTriggerScaleUp that lie in limits, backoff after the provider's refusals, or the group's maximum.
_LIMITS = re.compile(
    r"max (node group size|cluster .*limit) reached|in backoff|quota|stock|capacity|limit", re.IGNORECASE
)
# Defaults of --scale-down-delay-after-add and --scale-down-unneeded-time, which run at the same time, and of the
# pause before a node that was once busy is looked at again (--unremovable-node-recheck-timeout).
_UNNEEDED, _RECHECK = 600.0, 300.0
NAMES = ("cluster-autoscaler", "cluster-autoscaler-nap")


class ClusterAutoscaler:
    """The adapter; see the module."""

    product = "cluster_autoscaler"
    configmaps = (_STATUS,)
    permissions = (
        Permission(
            group="", resources=("configmaps",), verbs=("get",), scope="cluster", why="cluster-autoscaler-status"
        ),
    )

    def detect(self, inventory: Inventory) -> Detection:
        if inventory.versions("autoscaling.x-k8s.io", "provisioningrequests"):
            return Detection(usable=True, because="the API server serves provisioningrequests.autoscaling.x-k8s.io")
        return Detection(usable=False, because="no kind of its own is served; its status is read during the run")

    def watched(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        del served
        return ()

    def read(self, scene: Scene) -> Reading:
        return read(scene)


def read(scene: Scene) -> Reading:
    """What events and status say. Other adapters whose product embeds it use this, too."""
    own = [e for e in scene.events if said_by(e, *NAMES)]
    signs = [f"{e.get('reason')}: {e.get('message', '')}" for e in own]
    status = scene.readings.get("/".join(_STATUS))
    if status is not None:
        at = ((status.get("metadata") or {}).get("annotations") or {}).get(
            "cluster-autoscaler.kubernetes.io/last-updated", "at an unknown time"
        )
        signs.append(f"ConfigMap {'/'.join(_STATUS)}, updated {at}")
    nots = [str(e.get("message", "")) for e in own if e.get("reason") == "NotTriggerScaleUp"]
    failed = [f"{e.get('reason')}: {e.get('message', '')}" for e in own if e.get("reason") in ("FailedToScaleUpGroup",)]
    return Reading(
        signs=tuple(sorted(set(signs)))[:8],
        blocked=tuple(sorted({t for t in (*nots, *failed) if _LIMITS.search(t)})),
        refused=tuple(sorted({t for t in nots if not _LIMITS.search(t)})),
        coming=tuple(s for s in sorted(set(signs)) if s.startswith("TriggeredScaleUp")),
        keeps=tuple(_keeps(scene.node)),
        delay=_UNNEEDED + _RECHECK if signs else 0.0,
    )


def _keeps(node: Manifest) -> list[str]:
    notes = (node.get("metadata") or {}).get("annotations") or {}
    name = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
    return [f"the node has the annotation {name}"] if notes.get(name) == "true" else []


MECHANISM = ClusterAutoscaler()
