"""What `observe` works with: the pods of this check, and waiting for their answers. Decides nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import msgspec

from aiconform.checks.secure_accelerator_access.via import Access
from aiconform.cluster import asking, reasons
from aiconform.cluster.asking import Ask
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Accelerator, Attempt

Object = dict[str, Any]
SCRIPT = "devices.py"
PORTS = (7701, 7702)  # one per container of a pod; they share one network
BETWEEN = "/aiconform-between"
_PLACE = ("node", "hostname", "taints", "kernel")
# Reasons with which a runtime refuses to start a container; waiting longer changes nothing.
REFUSED_AT_START = ("CreateContainerError", "RunContainerError", "StartError", "ContainerCannotRun")


@dataclass
class Scene:
    """One attempt. `place` is its node {node, hostname, taints, kernel}; `own` and `other` are its namespaces;
    `numbers` what the first holder opened."""

    attempt: Attempt
    box: Sandbox
    access: Access
    accelerator: Accelerator
    place: Object
    own: str = ""
    other: str = ""
    mknod: bool = True
    free: int = 0
    numbers: list[list[int]] = field(default_factory=list)
    made: dict[str, Object] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, attempt: Attempt, box: Sandbox, access: Access) -> "Scene":
        accelerator = msgspec.convert(attempt.facts["accelerator"], Accelerator)
        return cls(attempt, box, access, accelerator, {k: attempt.facts[k] for k in _PLACE})

    @property
    def planned(self) -> list[Object]:
        """The nodes that the plan gives, the best first."""
        return [{k: p[k] for k in _PLACE} for p in (self.attempt.facts, *self.attempt.facts["others"])]

    async def choose(self) -> None:
        """Takes the first of the planned nodes where all that is needed is free, else the one with the most units."""
        free: dict[str, int] = {}
        offered = self.box.on_offer(p["node"] for p in self.planned)
        for place in (p for p in self.planned if p["node"] in offered):
            free[place["node"]] = await self.box.free_units(self.accelerator, place["node"])
            if free[place["node"]] > free[self.place["node"]]:
                self.place = place
            if free[place["node"]] >= self.attempt.facts["most_units"]:
                break
        self.box.fact("place", {k: self.place[k] for k in ("node", "kernel")})
        self.box.choose(self.place["node"])

    def container(
        self,
        name: str,
        *,
        ask: Ask | None = None,
        env: dict[str, str] | None = None,
        port: int = 0,
        tell: str = "",
        hear: str = "",
    ) -> Object:
        """A container that probes; with a `port` it stays and says there that it has answered."""
        config = self._config(port, tell, hear) | {"granted": ask is not None}
        c = asking.container(
            name, self.attempt.settings["probe_image"], script_configmap="probe", script_key=SCRIPT,
            args=[json.dumps(config, sort_keys=True)], ask=ask, env=env,
        )  # fmt: skip
        extra: Object = {"volumeMounts": [{"name": "between", "mountPath": BETWEEN}]}
        if self.mknod:
            # A default capability of most runtimes, allowed by Pod Security level baseline; said aloud, since
            # some leave it out and a tenant may add it.
            extra["securityContext"] = {"capabilities": {"add": ["MKNOD"]}}
        if port:
            extra["readinessProbe"] = {"tcpSocket": {"port": port}, "periodSeconds": 1, "failureThreshold": 300}
        return asking.merge(c, extra)

    def _config(self, port: int, tell: str, hear: str) -> Object:
        h = self.accelerator.hints
        return {
            "paths": list(h.device_paths) if h else [],
            "shared": list(h.shared_paths) if h else [],
            "drivers": list(h.drivers) if h else [],
            "identity_env": h.identity_env if h else "",
            "identity_command": list(h.identity_command) if h else [],
            "numbers": self.numbers,
            "listen": port,
            "tell": tell,
            "hear": hear,
        }

    def pod(self, name: str, containers: Sequence[Object], asks: Sequence[Ask] = (), **spec: Any) -> Object:
        """A pod of these containers on the chosen node, with exactly its taints as tolerations."""
        first, *others = containers
        made = asking.pod(
            name, "", node=self.place["hostname"], tolerations=asking.tolerations(self.place["taints"]),
            script_configmap="probe", more_containers=others,
            spec=asking.merge({"volumes": [{"name": "between", "emptyDir": {}}]}, *(a.pod for a in asks), spec),
        )  # fmt: skip
        made["spec"]["containers"][0] = first
        return made

    async def create(
        self, pod: Object, asks: Sequence[Ask] = (), *, step: str, role: str = "", namespace: str = ""
    ) -> bool:
        """Creates what is asked with, and the pod; where one is refused, records why."""
        for manifest in (*(o for a in asks for o in a.objects), pod):
            sent = await self.box.create(manifest, step=step, role=role, namespace=namespace or self.own)
            if not sent.ok:
                self.box.unable(step, sent.code, f"{manifest['kind']} {manifest['metadata']['name']}: {sent.message}")
                return False
            self.made[f"{manifest['kind']}/{manifest['metadata']['name']}"] = sent.object
        return True

    def now(self, pod: str) -> Object:
        """A pod as the watch shows it; {} if it is gone. Until the watch shows it, it is Pending."""
        found = self.box.pod(pod)
        if found is not None:
            self.seen.add(pod)
            return found
        return {} if pod in self.seen else {"status": {"phase": "Pending"}}

    async def all_answered(self, names: Sequence[str], deadline: str, what: str, *, staying: bool) -> bool:
        """Waits until every pod is ready (staying) or has ended; a pod that cannot start ends the wait for it."""
        test = ready_or_over if staying else over
        return await self.box.until(lambda: all(test(self.now(n)) for n in names), deadline, what)

    async def ask_probe(self, pod: str, *containers: str, step: str, namespace: str = "") -> list[Object]:
        """The answers of these containers, recorded."""
        asked = [await self.box.probe(pod, c, step=step, namespace=namespace or self.own) for c in containers]
        return [a for a in asked if a is not None]

    def not_ready(self, pod: str, step: str) -> bool:
        """Records why a pod that should stay is not ready; False if it is."""
        if ready(self.now(pod)):
            return False
        self.box.unable(step, self.box.code_for(pod), f"pod {pod} did not run: {self.box.why_not_running(pod)}")
        return True


def script() -> Object:
    """The ConfigMap with the probe."""
    text = resources.files(__package__).joinpath("manifests", SCRIPT).read_text(encoding="utf-8")
    return asking.script_map("probe", {SCRIPT: text})


def ready(pod: Object) -> bool:
    """Whether every container has said that it answered."""
    conditions = pod.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def ended(pod: Object) -> bool:
    """Whether all of its containers ran to their end, or it is gone. Its phase may say so much later, or never
    where a driver does not let go of a device."""
    status = pod.get("status", {})
    states = [c.get("state") or {} for c in status.get("containerStatuses") or []]
    over = bool(states) and all("terminated" in s for s in states)
    return not pod or over or status.get("phase") in ("Succeeded", "Failed")


def started(pod: Object) -> bool:
    """Whether a container of it runs or ran."""
    states = [c.get("state") or {} for c in reasons.statuses(pod)]
    return any("running" in s or "terminated" in s for s in states)


def _refused(pod: Object) -> bool:
    states = [s for c in reasons.statuses(pod) for s in (c.get("state") or {}).values()]
    return any(s.get("reason") in REFUSED_AT_START for s in states)


def _unschedulable(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(c["type"] == "PodScheduled" and c.get("reason") == "Unschedulable" for c in conditions)


def over(pod: Object) -> bool:
    """Whether waiting longer for an answer changes nothing."""
    return ended(pod) or _refused(pod) or _unschedulable(pod)


def ready_or_over(pod: Object) -> bool:
    """Whether it answered, or never will. One that cannot be scheduled now may be so later."""
    return ready(pod) or ended(pod)
