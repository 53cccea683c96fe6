"""What every stage needs: the operator's description, its objects filled in, and the live view of what it makes."""

import copy
import time
from dataclasses import dataclass, field
from typing import Any

import yaml

from aiconform.cluster import asking, manifests
from aiconform.cluster.sandbox import Sandbox, Sent
from aiconform.model import Operator
from aiconform.model.operator import PARAMETERS, used

Manifest = dict[str, Any]
LIVES = ["python3", "-c", "import time; time.sleep(7200)"]
ENDS = ["python3", "-c", "pass"]
# What the API server says of a webhook that it could not ask.
NO_ANSWER = "failed calling webhook"
# A webhook whose pods are just moving answers again within some tries of the API server.
_PAUSE = 2.0
NOWHERE = {"aiconform.dev/no-such-node": "true"}


@dataclass
class Site:
    """One attempt at one operator. `hooks` are the admission webhooks that may see its
    resources, `places` the (namespace, label selector) of its own pods: see own.py. `needed` is what
    was created beside resources."""

    box: Sandbox
    operator: Operator
    hooks: list[Manifest] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)
    needed: list[Manifest] = field(default_factory=list)

    # -- objects ---------------------------------------------------------------------------------------------

    def fill(self, manifest: Manifest, name: str, *, command: list[str] | None = None, nowhere: bool = False) -> Any:
        """A manifest or patch with its parameters. `nowhere`: its pods fit on no node."""
        facts, box = self.box.attempt.facts, self.box
        values = {
            "name": name,
            "namespace": box.namespace,
            "run": box.run,
            "image": box.attempt.settings["probe_image"],
            "command": command or LIVES,
            "node_selector": facts["node_selector"] | (NOWHERE if nowhere else {}),
            "tolerations": asking.tolerations(facts["taints"]),
        }
        wanted = used(manifest) & set(PARAMETERS)
        # A patch is no object; fill takes only those.
        whole = {"apiVersion": "v1", "kind": "List", "content": manifest}
        text = yaml.safe_dump(whole)
        return manifests.fill(text, **{k: v for k, v in values.items() if k in wanted})[0]["content"]

    def valid(self, name: str, **how: Any) -> Manifest:
        """The sound resource under this name."""
        filled: Manifest = self.fill(self.operator.valid, name, **how)
        return filled

    def base(self, kind: str, name: str) -> Manifest:
        """What a change of the description is meant for: the resource, or the `prepare` object of this kind."""
        found = next((p for p in self.operator.prepare if p["kind"] == kind), self.operator.valid)
        filled: Manifest = self.fill(found, name)
        return filled

    async def send(self, name: str, *, step: str, **how: Any) -> Sent:
        """Creates what the resource needs, then the resource; the first refusal, or the last answer."""
        sent = await self.prepare(name, step=step, **how)
        if sent is not None and not sent.ok:
            return sent
        return await self.insist(self.valid(name, **how), step=step, role="resource")

    async def prepare(self, name: str, *, step: str, **how: Any) -> Sent | None:
        """Creates the `prepare` objects; the first refusal, the last answer, or None if there are none."""
        sent = None
        for manifest in self.operator.prepare:
            sent = await self.insist(self.fill(manifest, name, **how), step=step, role="prepare")
            if not sent.ok:
                return sent
            self.needed.append({**sent.object, "apiVersion": manifest["apiVersion"], "kind": manifest["kind"]})
        return sent

    async def insist(self, manifest: Manifest, *, step: str, role: str, dry_run: bool = False) -> Sent:
        """Creates an object, again and again while a webhook gives no answer; at most for the deadline `webhook`."""
        since = time.monotonic()
        while True:
            sent = await self.box.create(manifest, step=step, role=role, dry_run=dry_run)
            if NO_ANSWER not in sent.message or time.monotonic() - since > self.box.seconds("webhook"):
                return sent
            await self.box.hold("pause", _PAUSE, "a webhook did not answer: it is asked again")

    # -- the live view ---------------------------------------------------------------------------------------

    def resource(self, name: str) -> Manifest:
        """The resource as the watch shows it now; {} if it is not there."""
        facts = self.box.attempt.facts["resource"]
        found = self.box.view(facts["api"], facts["plural"], self.box.namespace)
        return next((o for o in found if o["metadata"]["name"] == name), {})

    def children(self, name: str, plural: str) -> list[Manifest]:
        """What the resource owns directly, of one kind, and is not on its way out."""
        uid = (self.resource(name).get("metadata") or {}).get("uid", "")
        kinds = [k for k in self.operator.makes if k.plural == plural]
        found = [o for k in kinds for o in self.box.view(k.api, k.plural, self.box.namespace)]
        return [o for o in found if uid and uid in owners(o) and not o["metadata"].get("deletionTimestamp")]

    def pods(self, name: str) -> list[Manifest]:
        """The pods whose chain of owners leads to the resource."""
        uid = (self.resource(name).get("metadata") or {}).get("uid", "")
        return [p for p in self.box.view("v1", "pods", self.box.namespace) if uid and self._leads(p, uid)]

    def _leads(self, obj: Manifest, uid: str, depth: int = 8) -> bool:
        if uid in owners(obj):
            return True
        return depth > 0 and any(self._leads(o, uid, depth - 1) for o in self._between() if _uid(o) in owners(obj))

    def _between(self) -> list[Manifest]:
        kinds = {(k.api, k.plural) for k in (*self.operator.makes, *self.operator.between)} | {("v1", "pods")}
        return [o for api, plural in kinds for o in self.box.view(api, plural, self.box.namespace)]

    def running(self, name: str) -> int:
        """How many of its pods run."""
        return sum(runs(p) for p in self.pods(name))


def owners(obj: Manifest) -> set[str]:
    """Uids of an object's owners."""
    return {r.get("uid", "") for r in obj["metadata"].get("ownerReferences") or []}


def _uid(obj: Manifest) -> str:
    return str(obj["metadata"]["uid"])


def runs(pod: Manifest) -> bool:
    """Whether a pod is bound, and all of its containers run."""
    states = (pod.get("status") or {}).get("containerStatuses") or []
    going = not pod["metadata"].get("deletionTimestamp")
    return going and bool(states) and all("running" in (s.get("state") or {}) for s in states)


def changed(manifest: Manifest, change: Manifest) -> Manifest:
    """A JSON merge patch (RFC 7396), applied."""
    out = copy.deepcopy(manifest)
    for key, value in change.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict):
            out[key] = changed(out[key] if isinstance(out.get(key), dict) else {}, value)
        else:
            out[key] = copy.deepcopy(value)
    return out


def as_labelled(change: Any, stored: Any) -> Any:
    """A change in which pod templates have the labels that the stored ones got when they were created.

    A merge patch replaces lists as a whole: without this it would take the run's labels away, which is one more change
    than the description asks for, and which some operators refuse.
    """
    if isinstance(change, list) and isinstance(stored, list):
        return [as_labelled(c, s) for c, s in zip(change, stored, strict=False)] + change[len(stored) :]
    if not isinstance(change, dict) or not isinstance(stored, dict):
        return change
    out = {k: as_labelled(v, stored.get(k)) for k, v in change.items()}
    labels = (stored.get("metadata") or {}).get("labels")
    if labels and "containers" in (change.get("spec") or {}):
        given = change.get("metadata") or {}
        out["metadata"] = {**given, "labels": {**labels, **(given.get("labels") or {})}}
    return out
