"""Where an attempt happens: the node, its devices, and the pods and claims that are made there.

Facts: `place` {namespace, node, api}; `devices` {when, node, driver, devices} (see devices.py);
`asked` {role, cel, attributes?, capacity?, count?, words}; `not-published` {what};
without an accelerator `published` {drivers: {driver: number of devices}}.
"""

from dataclasses import dataclass, field
from typing import Any

from aiconform.checks.dra_support import devices as known
from aiconform.checks.dra_support.via import DraApi, Manifest
from aiconform.cluster import asking
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Attempt

Object = dict[str, Any]
WAITING = ("no-match", "no-attribute", "no-capacity", "too-many", "control")
_REPORTED = {
    "exec": {"command": ["python3", "-c", "open('/dev/shm/aiconform-ready')"]},
    "periodSeconds": 1,
    "timeoutSeconds": 10,
    "failureThreshold": 300,
}


def bound(pod: Object | None) -> bool:
    """Whether the scheduler gave it a node."""
    return bool(pod and pod["spec"].get("nodeName"))


@dataclass
class Scene:
    """`devices` are those that reach the node, as they were at first; empty if none is to be allocated."""

    attempt: Attempt
    box: Sandbox
    via: DraApi
    node: Object
    devices: list[Object] = field(default_factory=list)

    @classmethod
    async def choose(cls, attempt: Attempt, box: Sandbox, via: DraApi) -> "Scene":
        """The first candidate node with a free device; without accelerators, the first one."""
        candidates = attempt.facts["nodes"]
        first = cls(attempt, box, via, candidates[0])
        if not attempt.facts["accelerator"]:
            await first._record_published()
            if attempt.facts["incomplete"]:
                which = ", ".join(attempt.facts["incomplete"])
                box.unable("claim", "pool-incomplete", f"not every ResourceSlice of {which} is published")
            return first
        said = []
        for node in candidates:
            scene = cls(attempt, box, via, node)
            scene.devices = await scene.count("before")
            if known.free(scene.devices):
                return scene
            said.append(f"{node['name']} has {len(scene.devices)} devices of {scene.driver}, none of them free")
        box.unable("claim", "too-few-accelerators", "; ".join(said))
        return first

    @property
    def accelerator(self) -> Object:
        return dict(self.attempt.facts["accelerator"] or {})

    @property
    def driver(self) -> str:
        return str(self.accelerator["driver"])

    @property
    def device_class(self) -> str:
        return str(self.accelerator["device_class"])

    async def count(self, when: str) -> list[Object]:
        """The node's devices now, recorded; [] where nothing is to be allocated."""
        if not self.accelerator:
            return []
        box = self.box
        slices = await box.list(self.via.api, "resourceslices", fields=f"spec.driver={self.driver}")
        claims = await box.list(self.via.api, "resourceclaims", "*")
        node = await box.get("v1", "nodes", self.node["name"])
        found = known.on_node(slices, claims, self.driver, node, self.via.device) if node else []
        known.taint(found, self.driver, await box.taint_rules())
        body = {"when": when, "node": self.node["name"], "driver": self.driver, "devices": found}
        box.fact("devices", body)
        return found

    async def _record_published(self) -> None:
        """Which drivers publish devices that are not tried, for the reader."""
        found: dict[str, int] = {}
        for s in await self.box.list(self.via.api, "resourceslices"):
            found[s["spec"]["driver"]] = found.get(s["spec"]["driver"], 0) + len(s["spec"].get("devices") or [])
        self.box.fact("published", {"drivers": found}, step="setup")

    # -- making things ---------------------------------------------------------------------------------------

    def pod(self, name: str, *, template: str = "", claim: str = "") -> Manifest:
        """The probe pod on our node, with a claim from a template, with a claim by name, or without one."""
        ask = asking.Ask(container={"startupProbe": _REPORTED})
        if template or claim:
            source = {"resourceClaimTemplateName": template} if template else {"resourceClaimName": claim}
            ask = asking.Ask(
                pod={"resourceClaims": [{"name": "device", **source}]},
                container={"startupProbe": _REPORTED, "resources": {"claims": [{"name": "device"}]}},
            )
        hints = self.accelerator.get("hints") or {}
        return asking.pod(
            name,
            self.attempt.settings["probe_image"],
            script_configmap="look",
            script_key="look.py",
            args=[hints.get("identity_env") or "-", *(hints.get("device_paths") or ())],
            node=self.node["hostname"],
            tolerations=asking.tolerations(self.node["taints"]),
            ask=ask,
        )

    async def take(self, manifest: Manifest, step: str, role: str) -> bool:
        """Creates it; a refusal is recorded as unable(role)."""
        sent = await self.box.create(manifest, step=step, role=role)
        if not sent.ok:
            self.box.unable(role, sent.code, f"{manifest['kind']} {manifest['metadata']['name']}: {sent.message}")
        return sent.ok

    async def ask(self, step: str, role: str, request: Object, about: Object, *, template: bool = False) -> bool:
        """A claim (or template) and a pod that uses it; `about` says what was asked for."""
        make = self.via.template if template else self.via.claim
        self.box.fact("asked", {"role": role, **about}, step=step)
        if not await self.take(make(role, request), step, role):
            return False
        used = {"template": role} if template else {"claim": role}
        return await self.take(self.pod(role, **used), step, role)

    async def ask_for_what_is_not_there(self) -> None:
        """Requests by a value that no device has, for more capacity, and for too many devices."""
        if not self.devices:
            return
        for role, what, found in (
            ("no-attribute", "attributes", known.nobody(self.driver, self.devices)),
            ("no-capacity", "capacity", known.too_much(self.driver, self.devices)),
        ):
            if found is None:
                self.box.fact("not-published", {"what": what}, step="waiting")
                continue
            request = self.via.request(self.device_class, cel=found[0])
            await self.ask("waiting", role, request, {"cel": found[0], what: found[1]})
        many = known.too_many(self.driver, self.devices)
        if any(d["shared"] for d in self.devices) or many is None:
            why = "several claims may share a device" if many else "the devices cannot be told apart"
            self.box.fact("not-countable", {"because": why}, step="waiting")
            return
        request = self.via.request(self.device_class, count=many[0], cel=many[1])
        await self.ask("waiting", "too-many", request, {"cel": many[1], "count": many[0], "words": many[2]})

    # -- looking ---------------------------------------------------------------------------------------------

    def ready(self, name: str) -> bool:
        """Whether its probe has reported."""
        conditions = ((self.box.pod(name) or {}).get("status") or {}).get("conditions") or []
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def ended(self, name: str) -> bool:
        """Whether it is over; a pod that the watch has not shown yet is not."""
        return ((self.box.pod(name) or {}).get("status") or {}).get("phase") in ("Failed", "Succeeded")

    def claim_of(self, name: str) -> Object | None:
        """The claim of a pod, by its status or by its spec; None as long as there is none."""
        pod = self.box.pod(name) or {"spec": {}}
        wanted = {r.get("resourceClaimName") for r in pod["spec"].get("resourceClaims") or []}
        wanted |= {s.get("resourceClaimName") for s in (pod.get("status") or {}).get("resourceClaimStatuses") or []}
        claims = self.box.view(self.via.api, "resourceclaims", self.box.namespace)
        return next((c for c in claims if c["metadata"]["name"] in wanted - {None}), None)

    def given(self, name: str) -> list[Object]:
        """The results of the allocation of a pod's claim."""
        status = (self.claim_of(name) or {}).get("status") or {}
        return list(((status.get("allocation") or {}).get("devices") or {}).get("results") or [])

    # -- removing --------------------------------------------------------------------------------------------

    async def remove(self, *names: str) -> None:
        """Deletes pods, and the claims that bear their names, and waits until they are gone."""
        going = []
        for name in names:
            pod = self.box.pod(name)
            if pod is not None:
                going.append({"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]})
        for claim in self.box.view(self.via.api, "resourceclaims", self.box.namespace):
            if claim["metadata"]["name"] in names:
                going.append({"apiVersion": self.via.api, "kind": "ResourceClaim", "metadata": claim["metadata"]})
        for obj in going:
            await self.box.delete(obj)
        await self.box.gone(going, "gone")
