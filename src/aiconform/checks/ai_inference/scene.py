"""What every stage of the observation needs: objects of the check, the client, and the Gateway's conditions."""

import asyncio
import json
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiconform.checks.ai_inference import orders
from aiconform.checks.ai_inference.via import GatewayMechanism, Manifest, Rule
from aiconform.cluster import asking
from aiconform.cluster.sandbox import Sandbox, Sent
from aiconform.model import Attempt

API = "gateway.networking.k8s.io/v1"
SCRIPTS = "scripts"
_FOLDER = Path(__file__).parent / "manifests"
_NAME = "aiconform.dev/name"


@dataclass
class Scene:
    """One attempt. `other`: the second namespace. `gateway`: the Gateway as it was stored. `ways`: where to send to,
    the best first; once one was found, it is the only one.
    `outside`: requests are sent from where aiconform runs. `first`: the first sample's requests."""

    box: Sandbox
    mechanism: GatewayMechanism
    attempt: Attempt
    nonce: str = field(default_factory=lambda: secrets.token_hex(4))
    other: str = ""
    gateway: Manifest = field(default_factory=dict)
    routes: dict[str, Manifest] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    ways: list[dict[str, Any]] = field(default_factory=list)
    outside: bool = False
    first: list[Any] = field(default_factory=list)

    # -- what is made ----------------------------------------------------------------------------------------

    async def scripts(self) -> Sent:
        """The scripts, in both namespaces."""
        texts = {n: (_FOLDER / n).read_text(encoding="utf-8") for n in ("client.py", "echo.py")}
        for namespace in (self.box.namespace, self.other):
            sent = await self.box.create(asking.script_map(SCRIPTS, texts), step="setup", namespace=namespace)
            if not sent.ok:
                break
        return sent

    def _pod(self, name: str, script: str, args: list[str], spec: Manifest | None = None) -> Manifest:
        facts = self.attempt.facts
        return asking.pod(
            name,
            self.attempt.settings["probe_image"],
            script_configmap=SCRIPTS,
            script_key=script,
            args=args,
            node=facts["hostname"],
            tolerations=asking.tolerations(facts["taints"]),
            spec=spec,
        )

    async def backend(self, name: str, namespace: str) -> Sent:
        """A backend with a Service in front of it; the refusal, if one of them is refused."""
        pod = self._pod(f"backend-{name}", "echo.py", [name], {"restartPolicy": "Always"})
        pod["metadata"]["labels"] = {_NAME: name}
        sent = await self.box.create(pod, step="canary", role="backend", namespace=namespace)
        if not sent.ok:
            return sent
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": {_NAME: name}, "ports": ports},
        }
        sent = await self.box.create(service, step="canary", role="backend", namespace=namespace)
        if sent.ok:
            self.addresses[name] = sent.object["spec"]["clusterIP"]
        return sent

    async def route(self, name: str, *rules: Rule) -> Sent:
        manifest = self.mechanism.route(
            name, self.gateway["metadata"]["name"], orders.host(name, self.nonce), tuple(rules)
        )
        sent = await self.box.create(manifest, step="gateway", role="route")
        if sent.ok:
            self.routes[name] = {"apiVersion": API, "kind": "HTTPRoute"} | sent.object
        return sent

    # -- requests --------------------------------------------------------------------------------------------

    async def ask(
        self, step: str, name: str, batches: list[dict[str, Any]], *, seconds: float, find: Any = None
    ) -> dict[str, Any] | None:
        """Lets the client do its work, within `seconds`; its answer, which is recorded as `probe`. None and a recorded
        reason if there is none."""
        order = {"ways": self.ways, "batches": batches} | ({"find": find} if find else {})
        text = json.dumps(order, ensure_ascii=False)
        if self.outside:
            return await self._from_here(step, name, text, seconds)
        sent = await self.box.create(self._pod(name, "client.py", [text]), step=step, role="client")
        if not sent.ok:
            self.box.unable(step, sent.code, f"the client pod was refused: {sent.message}")
            return None
        if not await self.box.until(lambda: started(self.box.pod(name)), "canary", f"{step}: the client starts"):
            why = f"the client pod did not start: {self.box.why_not_running(name)}"
            self.box.unable(step, self.box.code_for(name), why)
            return None
        self.box.say(f"{step}: requests", seconds)
        answer = await self.box.probe(name, step=step, wait=seconds)
        if not isinstance(answer, dict):
            self.box.unable(step, "probe-failed", f"the client did not answer within {seconds:.0f} s")
            return None
        return answer

    async def _from_here(self, step: str, name: str, order: str, seconds: float) -> dict[str, Any] | None:
        """The same script, run beside aiconform."""
        self.box.say(f"{step}: requests from here", seconds)
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(_FOLDER / "client.py"), order, stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(seconds):
                out, _ = await process.communicate()
            answer: dict[str, Any] = json.loads(out)
        except (TimeoutError, ValueError):
            self.box.unable(step, "probe-failed", f"the client beside aiconform did not answer within {seconds:.0f} s")
            return None
        finally:
            if process.returncode is None:
                process.kill()
        self.box.rec.observe("probe", f"here/{name}", answer, step)
        return answer

    # -- what the controller says ----------------------------------------------------------------------------

    def seen(self, made: Manifest) -> Manifest:
        """A Gateway or route as the watch shows it now; as it was stored, until the watch shows that or later."""
        plural = "gateways" if made["kind"] == "Gateway" else "httproutes"
        own = made["metadata"]
        now = (o for o in self.box.view(API, plural) if o["metadata"]["uid"] == own["uid"])
        return next((o for o in now if o["metadata"].get("generation", 0) >= own.get("generation", 0)), made)

    def programmed(self) -> bool:
        now = self.seen(self.gateway)
        return says(now, (now.get("status") or {}).get("conditions"), "Programmed") == "True"

    def port_taken(self) -> bool:
        """Whether the class says that its listener cannot have this port."""
        now = self.seen(self.gateway)
        listeners = (now.get("status") or {}).get("listeners") or []
        return any(
            c.get("reason") == "PortUnavailable" and current(now, c)
            for listener in listeners
            for c in listener.get("conditions") or []
        )

    def answered(self, name: str) -> bool:
        """Whether the controller has said of a route, as it is now, both whether it is accepted and resolved."""
        now = self.seen(self.routes[name])
        parents = (now.get("status") or {}).get("parents") or []
        return any(all(says(now, p.get("conditions"), t) for t in ("Accepted", "ResolvedRefs")) for p in parents)


def current(obj: Manifest, condition: Manifest) -> bool:
    return bool(condition.get("observedGeneration", 0) == obj["metadata"].get("generation"))


def says(obj: Manifest, conditions: Any, kind: str) -> str:
    """The status of a condition that is about the object as it is now; "" if there is none."""
    return next((c["status"] for c in conditions or [] if c["type"] == kind and current(obj, c)), "")


def started(pod: Manifest | None) -> bool:
    states = [c.get("state") or {} for c in ((pod or {}).get("status") or {}).get("containerStatuses") or []]
    return any("running" in s or "terminated" in s for s in states)
