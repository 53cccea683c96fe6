"""What every stage of the observation needs: the live nodes, pods that ask for units, and the adapter's reading."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aiconform.checks.cluster_autoscaling.via import PROTECT, Manifest, Reading, ScalingMechanism, Scene
from aiconform.cluster import asking
from aiconform.cluster.errors import Refused
from aiconform.cluster.sandbox import Sandbox, Sent
from aiconform.model import Accelerator

SCRIPTS, _SCRIPT = "scripts", "device.py"
_FOLDER = Path(__file__).parent / "manifests"
_NAME = "aiconform.dev/name"


@dataclass
class Site:
    """One attempt. `before` are the uids of the nodes that were there before anything was asked for.

    `took`: seconds from the waiting pod's creation until a new node was seen. `node`: the node that it runs on.
    `spec`: of the canary as it was stored, with the priority that the check's pods have.
    """

    box: Sandbox
    mechanism: ScalingMechanism
    accelerator: Accelerator
    before: set[str] = field(default_factory=set)
    tolerations: list[Manifest] = field(default_factory=list)
    took: float = 0.0
    node: Manifest = field(default_factory=dict)
    spec: Manifest = field(default_factory=dict)

    # -- nodes -----------------------------------------------------------------------------------------------

    def nodes(self) -> dict[str, Manifest]:
        """Every node by uid, as the watch shows it now."""
        return {n["metadata"]["uid"]: n for n in self.box.view("v1", "nodes")}

    def fresh(self, known: set[str] | None = None) -> list[Manifest]:
        """Nodes that came since (`known`: uids that are not new)."""
        return [n for uid, n in self.nodes().items() if uid not in (self.before if known is None else known)]

    def lost(self, wanted: set[str]) -> bool:
        """Whether one of these nodes (uids) is not there any more."""
        return bool(wanted - set(self.nodes()))

    # -- pods ------------------------------------------------------------------------------------------------

    def pod(self, name: str, count: int, *, node: Manifest | None = None, tolerations: Sequence[Manifest] = ()) -> Any:
        """(objects to create first, pod) for `count` units; `node` pins it to one that is there."""
        ask = asking.ask(self.accelerator, count, name)
        paths = list(self.accelerator.hints.device_paths) if self.accelerator.hints else []
        selector = {} if node else dict(self.box.attempt.settings["node_selector"])
        pod = asking.pod(
            name,
            self.box.attempt.settings["probe_image"],
            script_configmap=SCRIPTS,
            script_key=_SCRIPT,
            args=[json.dumps({"paths": paths})],
            node=node["hostname"] if node else "",
            tolerations=asking.tolerations(node["taints"]) if node else tolerations,
            ask=ask,
            spec={"nodeSelector": selector} if selector else {},
        )
        pod["metadata"]["annotations"] = dict(PROTECT)
        return ask.objects, pod

    async def send(self, manifests: Sequence[Manifest], *, step: str, role: str) -> Sent:
        """Creates them in order; the first refusal, or the last answer."""
        sent = Sent(False, 0, {}, "", "nothing was sent")
        for manifest in manifests:
            sent = await self.box.create(manifest, step=step, role=role)
            if not sent.ok:
                break
        return sent

    async def scripts(self) -> None:
        """The ConfigMap with the probe."""
        text = (_FOLDER / _SCRIPT).read_text(encoding="utf-8")
        await self.box.create(asking.script_map(SCRIPTS, {_SCRIPT: text}), step="setup")

    # -- what the product says -------------------------------------------------------------------------------

    async def read(self, step: str, node: Manifest | None = None) -> Reading:
        """The adapter's reading of the moment, recorded as the fact `reading`."""
        watched = self.mechanism.watched(tuple(self.box.attempt.facts["served"]))
        readings = {}
        for namespace, name in self.mechanism.configmaps:
            try:
                found = await self.box.get("v1", "configmaps", name, namespace)
            except Refused as refused:
                self.box.note(f"ConfigMap {namespace}/{name} could not be read: {refused}", "reading")
                continue
            if found is not None:
                readings[f"{namespace}/{name}"] = found
        reading = self.mechanism.read(
            Scene(
                objects={f"{plural}.{api.rpartition('/')[0]}": self.box.view(api, plural) for api, plural in watched},
                events=self.box.view("v1", "events"),
                readings=readings,
                node=node or {},
            )
        )
        self.box.fact("reading", asdict(reading), step=step)
        return reading


def deployment(pod: Manifest) -> Manifest:
    """A Deployment of one such pod: what is evicted comes back, and Cluster Autoscaler takes it for replaceable."""
    name = pod["metadata"]["name"]
    template = {
        "metadata": {"labels": {_NAME: name}, "annotations": pod["metadata"].get("annotations") or {}},
        "spec": pod["spec"] | {"restartPolicy": "Always"},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {_NAME: name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def running(pod: Manifest) -> bool:
    """Whether every container runs."""
    states = [c.get("state") or {} for c in (pod.get("status") or {}).get("containerStatuses") or []]
    return bool(states) and all("running" in s for s in states)


def told_to_wait(pod: Manifest) -> bool:
    """Whether the scheduler has looked at it and found no place."""
    return any(
        c.get("type") == "PodScheduled" and c.get("status") == "False" and c.get("reason") == "Unschedulable"
        for c in (pod.get("status") or {}).get("conditions") or []
    )


def ready(node: Manifest) -> bool:
    return any(
        c.get("type") == "Ready" and c.get("status") == "True"
        for c in (node.get("status") or {}).get("conditions") or []
    )


def simulated(node: Manifest) -> bool:
    """Whether the node is one of KWOK's, which run no code."""
    meta = node.get("metadata") or {}
    kubelet = str(((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion", ""))
    return "kwok.x-k8s.io/node" in (meta.get("annotations") or {}) or kubelet.startswith(("kwok", "fake"))
