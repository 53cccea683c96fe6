"""What `observe` works with: the pods of this check, the sources, and what the burner says. Decides nothing."""

import asyncio
import json
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import msgspec

from aiconform.checks.accelerator_metrics.families import Family, families
from aiconform.checks.accelerator_metrics.sight import Sight
from aiconform.checks.accelerator_metrics.via import Burner
from aiconform.cluster import asking
from aiconform.cluster.asking import Ask
from aiconform.cluster.errors import ApiLost
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Accelerator, Attempt

Object = dict[str, Any]
HOLDER, CANARY = "holder", "canary"
# The share of the deadline `answer` for which a call is tried again that was lost, or that a server was not ready for.
_INSIST = 0.3


@dataclass
class Scene:
    """One attempt. `sources` are what is scraped, as in the fact of that name."""

    attempt: Attempt
    box: Sandbox
    accelerator: Accelerator
    families: tuple[Family, ...]
    burner: Burner | None
    sight: Sight
    sources: list[Object] = field(default_factory=list)
    sent: dict[str, Object] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, attempt: Attempt, box: Sandbox) -> "Scene":
        facts = attempt.facts
        burner = msgspec.convert(facts["burner"], Burner) if facts["burner"] else None
        accelerator = msgspec.convert(facts["accelerator"], Accelerator)
        known = families(facts["families"])
        return cls(attempt, box, accelerator, known, burner, Sight(known, burner.bytes if burner else 0))

    @property
    def node(self) -> str:
        return str(self.attempt.facts["node"])

    @property
    def behind(self) -> float:
        """Seconds by which what is read may lag behind, beyond what an exporter may: a store's look-back."""
        return self.box.seconds("lookback") if any(s["kind"] == "store" for s in self.sources) else 0.0

    async def scrape(self, step: str) -> None:
        """One answer of every source, recorded. A source that cannot be reached now gives none.

        One lost connection says nothing of the source, nor do all of them until other calls have given up, too.
        """
        for source in self.sources:
            try:
                async with asyncio.timeout(self.box.seconds("answer")):
                    got = await self.box.http(
                        "GET", source["target"], step=step, namespace=source["namespace"],
                        params=source["params"] or None, patience=insist(self.box),
                    )  # fmt: skip
            except TimeoutError:
                self.box.note(f"{source['name']} did not answer in time", name="scrape")
            except ApiLost as lost:
                self.box.note(f"{source['name']} was not read: {lost}", name="scrape")
            else:
                self.sight.look(step, source, got.status, got.headers, got.body)

    def pod(self, name: str, config: Object, ask: Ask | None = None) -> Object:
        """A pod that runs the vendor's load script on the chosen node, with exactly its taints as tolerations."""
        facts = self.attempt.facts
        assert self.burner is not None
        hints = self.accelerator.hints
        told = {"identity_env": hints.identity_env if hints else ""}
        return asking.pod(
            name, self.attempt.settings["probe_image"], node=facts["hostname"],
            tolerations=asking.tolerations(facts["taints"]), script_configmap="load", script_key=self.burner.script,
            args=[json.dumps({**self.burner.settings, **told, **config}, sort_keys=True)], ask=ask,
            cpu=self.burner.cpu, memory=self.burner.memory, env=self.burner.env,
        )  # fmt: skip

    def script(self) -> Object:
        """The ConfigMap with the load script."""
        assert self.burner is not None
        file = resources.files(__package__).joinpath("manifests", self.burner.script)
        return asking.script_map("load", {self.burner.script: file.read_text(encoding="utf-8")})

    async def create(self, *objects: Object, step: str, role: str = "") -> bool:
        """Creates these objects; where one is refused, records why."""
        for manifest in objects:
            name = manifest["metadata"]["name"]
            sent = await self.box.create(manifest, step=step, role=role)
            if not sent.ok:
                self.box.unable(step, sent.code, f"{manifest['kind']} {name}: {sent.message}")
                return False
            self.sent[name] = sent.object
        return True

    def runs(self, name: str) -> bool:
        """Whether its container runs."""
        return any("running" in s for s in self._states(name))

    def ended(self, name: str) -> bool:
        """Whether its container ran to its end, or the pod is gone."""
        phase = self._status(name).get("phase")
        gone = name in self.seen and self.box.pod(name) is None
        return gone or phase in ("Succeeded", "Failed") or any("terminated" in s for s in self._states(name))

    def _states(self, name: str) -> list[Object]:
        return [c.get("state") or {} for c in self._status(name).get("containerStatuses") or []]

    def _status(self, name: str) -> Object:
        found = self.box.pod(name)
        if found is None:
            return {}
        # Before the watch has shown it once, a pod that is not there is not gone.
        self.seen.add(name)
        return dict(found.get("status") or {})


def insist(box: Sandbox) -> float:
    """Seconds for which a call to a source may be tried again."""
    return _INSIST * box.seconds("answer")
