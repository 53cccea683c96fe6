"""What the stages of the observation share: the store, the collector, and the pods with their registrations."""

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiconform.checks.ai_service_metrics.samples import NONCE, RUN, exposed
from aiconform.checks.ai_service_metrics.store import Store
from aiconform.checks.ai_service_metrics.via import (
    PATH,
    PORT_NAME,
    CollectingMechanism,
    Collector,
    Group,
    Manifest,
    Registration,
)
from aiconform.cluster import asking
from aiconform.cluster.sandbox import Sandbox
from aiconform.judging.metrics import Sample

SCRIPTS, _SCRIPT = "scripts", "server.py"
_FOLDER = Path(__file__).parent / "manifests"
_GROUP = "aiconform.dev/group"
_PORT = 8000
# The one whose registration is taken back, and the one that stays registered.
MAIN, KEPT = "main", "kept"


@dataclass
class Scene:
    """One attempt. `token` makes names that no other run has; `shown`: what a pod showed last, by its role.

    `unasked`: the platform scrapes pods that nobody has registered.
    """

    box: Sandbox
    mechanism: CollectingMechanism
    store: Store
    collector: Collector
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    shown: dict[str, tuple[Sample, ...]] = field(default_factory=dict)
    registrations: dict[str, Registration] = field(default_factory=dict)
    made: list[Manifest] = field(default_factory=list)
    unasked: bool = False

    @property
    def query(self) -> str:
        """What finds every series of this run, whatever else the platform has done to it."""
        return f'{{{RUN}="{self.token}"}}'

    @property
    def times(self) -> str:
        """When the newest sample of each pod was taken: one series a pod, since this function leaves names out."""
        return f'timestamp({{{RUN}="{self.token}",__name__=~".*{NONCE}"}})'

    def name(self, role: str) -> str:
        return f"model-{self.token}-{role}"

    def group(self, name: str) -> Group:
        return Group(name=self.name(name), labels={_GROUP: self.name(name)}, port=_PORT)

    async def scripts(self) -> None:
        """The ConfigMap with the server."""
        text = (_FOLDER / _SCRIPT).read_text(encoding="utf-8")
        await self.box.create(asking.script_map(SCRIPTS, {_SCRIPT: text}), step="setup")

    async def pod(self, role: str, group: str, *, step: str, node: int = 0, listen: bool = True) -> bool:
        """Creates a server of a group on one of the nodes; where it is refused, records that."""
        nodes = self.box.attempt.facts["nodes"]
        where = nodes[node % len(nodes)]
        asked = {"port": _PORT, "run": self.token, "target": role, "listen": listen}
        pod = asking.pod(
            self.name(role),
            self.box.attempt.settings["probe_image"],
            script_configmap=SCRIPTS,
            script_key=_SCRIPT,
            args=[json.dumps(asked)],
            node=where["hostname"],
            tolerations=asking.tolerations(where["taints"]),
            cpu="20m",
        )
        pod["spec"]["containers"][0]["ports"] = [{"name": PORT_NAME, "containerPort": _PORT}]
        if listen:
            probe = {"httpGet": {"path": PATH, "port": PORT_NAME}, "periodSeconds": 1, "failureThreshold": 300}
            pod["spec"]["containers"][0]["readinessProbe"] = probe
        pod["metadata"]["labels"] = self.group(group).labels
        if group in self.registrations:
            pod["metadata"]["annotations"] = dict(self.registrations[group].annotations)
        sent = await self.box.create(pod, step=step, role=role)
        if not sent.ok:
            self.box.unable(step, sent.code, f"a pod that exposes metrics was refused: {sent.message}")
        return sent.ok

    async def show(self, role: str, step: str) -> bool:
        """Asks a pod directly for its metrics; whether it showed them."""
        target = f"pods/{self.name(role)}:{_PORT}/metrics"
        got = await self.box.http("GET", target, step=step, patience=30.0)
        if got.status == 200:
            self.shown[role] = exposed(got.body)
        return got.status == 200

    async def drive(self, role: str, until: int, waiting: int, step: str) -> bool:
        """Makes a pod serve until it has served so many requests, then asks it for its metrics."""
        target = f"pods/{self.name(role)}:{_PORT}/drive"
        params = {"until": str(until), "waiting": str(waiting)}
        got = await self.box.http("GET", target, step=step, params=params)
        return got.status == 200 and await self.show(role, step)

    async def register(self, group: str, step: str) -> bool:
        """Registers a group; where that is refused, records it."""
        registration = self.mechanism.register(self.group(group), self.collector)
        self.registrations[group] = registration
        for manifest in registration.objects:
            sent = await self.box.create(manifest, step=step, role=group)
            if not sent.ok:
                what = f"{manifest['kind']} {manifest['metadata']['name']}"
                self.box.unable(step, sent.code, f"{what} was refused: {sent.message}")
                return False
            self.made.append({"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], **_bare(sent.object)})
        return await self._annotate(group, registration.annotations, step)

    async def unregister(self, group: str, step: str) -> bool:
        """Takes a registration back."""
        mine = [o for o in self.made if o["metadata"]["name"] == self.name(group)]
        for obj in mine:
            await self.box.delete(obj, step=step)
        return await self._annotate(group, dict.fromkeys(self.registrations[group].annotations), step)

    async def _annotate(self, group: str, notes: dict[str, Any], step: str) -> bool:
        for pod in self.box.pods():
            if notes and (pod["metadata"].get("labels") or {}).get(_GROUP) == self.name(group):
                named = {"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]}
                sent = await self.box.patch(named, {"metadata": {"annotations": notes}}, step=step)
                if not sent.ok:
                    self.box.unable(step, sent.code, f"a pod could not be annotated: {sent.message}")
                    return False
        return True


def _bare(obj: Manifest) -> Manifest:
    meta = obj["metadata"]
    return {"metadata": {k: meta[k] for k in ("name", "namespace", "uid", "labels") if k in meta}}
