"""The part of a sandbox that looks, waits and notes. `talking.py` adds pods, `sandbox.py` what changes things."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiconform.cluster import labels, reasons
from aiconform.cluster.api import Cluster
from aiconform.cluster.images import ImageRules
from aiconform.cluster.transport import SCOPE, Scope
from aiconform.cluster.turns import Turn
from aiconform.cluster.watch import Watch
from aiconform.evidence import Recorder
from aiconform.model import Attempt

Object = dict[str, Any]
Objects = list[Object]


class Reading:
    """State, reads, waits and notes of one attempt. See `Sandbox`."""

    def __init__(self, cluster: Cluster, attempt: Attempt, rec: Recorder, run: str) -> None:
        self.cluster = cluster
        self.attempt = attempt
        self.rec = rec
        self.run = run
        self.namespace = ""
        self.namespaces: list[str] = []
        self.images = ImageRules(**attempt.settings.get("images", {}))
        self.made: set[tuple[str, str]] = set()
        self.progress: Callable[[str, float | None], None] = lambda _text, _deadline: None
        # All is freed in the cleanup, when nothing is held any more: the namespace takes some more seconds to go.
        self.turn = Turn()
        self.labels = {
            labels.RUN: run,
            labels.CHECK: labels.value(attempt.check),
            labels.ATTEMPT: labels.value(attempt.id),
        }
        self.scope = Scope(run, attempt.id, rec)
        SCOPE.set(self.scope)
        self._changed = asyncio.Condition()
        self._watches: dict[tuple[str, str, str | None, str, str], Watch] = {}
        self._renewer: asyncio.Task[None] | None = None

    def seconds(self, name: str | float) -> float:
        """A deadline of the attempt's settings by its name; a number stays as it is."""
        return float(self.attempt.settings["deadlines"][name]) if isinstance(name, str) else float(name)

    def say(self, text: str, deadline: float | None = None) -> None:
        """Tells the user what is going on; `deadline` in seconds."""
        self.progress(text, deadline)

    async def take_turn(self) -> None:
        """Waits until what the attempt needs `late` is its own; how many seconds that took is recorded."""
        began = time.monotonic()
        self.say("waiting for what other attempts use")
        await self.turn.come()
        self.fact("turn", {"waited": round(time.monotonic() - began, 1)})

    def on_offer(self, nodes: Iterable[str]) -> list[str]:
        """Those of the planned nodes that the attempt may choose: no other attempt of the run uses them now."""
        taken = {_node_of(name) for name in self.attempt.spare if not self.turn.has(name)}
        return [n for n in nodes if n not in taken]

    def choose(self, node: str) -> None:
        """The attempt goes on with this node; what it held of the others is given back."""
        self.turn.free(name for name in self.attempt.holds if _node_of(name) not in ("", node))

    # -- reading ---------------------------------------------------------------------------------------------

    async def get(self, api: str, plural: str, name: str, namespace: str | None = None) -> Object | None:
        """The object, or None. `api` like "v1" or "scheduling.k8s.io/v1beta1". Refused if not allowed."""
        return await self.cluster.get(api, plural, name, await self._place(api, plural, namespace))

    async def follow(
        self, api: str, plural: str, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> None:
        """Watches a collection from now to the end, and records every event. Twice is once."""
        place = await self._place(api, plural, namespace)
        key = (api, plural, place, labels, fields)
        if key not in self._watches:
            watch = Watch(
                self.cluster, api, plural, place, changed=self._changed, rec=self.rec, labels=labels, fields=fields
            )
            await watch.start()
            self._watches[key] = watch

    def view(self, api: str, plural: str, namespace: str | None = None) -> Objects:
        """The live view of what `follow` watches; `namespace` narrows it."""
        found = [w for (a, p, *_), w in self._watches.items() if (a, p) == (api, plural)]
        objects = {uid: o for w in found for uid, o in w.objects.items()}.values()
        return [o for o in objects if namespace is None or o["metadata"].get("namespace") == namespace]

    def pods(self, *, step: str | None = None, role: str | None = None) -> Objects:
        """Our pods as the watch shows them now, oldest first; deleted ones are gone from it."""
        wanted = {labels.RUN: self.run, labels.STEP: step, labels.ROLE: role}
        found = [p for p in self.view("v1", "pods") if _carries(p, wanted)]
        return sorted(found, key=lambda p: (p["metadata"].get("creationTimestamp", ""), p["metadata"]["name"]))

    def pod(self, name: str) -> Object | None:
        """One pod of our namespaces, as the watch shows it now."""
        return next((p for p in self.view("v1", "pods") if p["metadata"]["name"] == name), None)

    def why_not_running(self, pod_name: str) -> str:
        """What the pod's status says about why it does not run."""
        pod = self.pod(pod_name)
        return reasons.why_not_running(pod) if pod else f"there is no pod {pod_name}"

    def code_for(self, pod_name: str) -> str:
        """One of image-unavailable, admission-denied, too-few-accelerators, deadline."""
        pod = self.pod(pod_name)
        return reasons.code_for(pod) if pod else "deadline"

    async def until(self, test: Callable[[], bool], deadline: str | float, what: str = "") -> bool:
        """Waits until `test()` is true; it is asked again at every watch event. False at the deadline.

        ApiLost or Refused if a watch broke for good: then nothing that did not happen can be believed.
        """
        seconds = self.seconds(deadline)
        self.say(what or (self.rec.step and f"{self.rec.step}: waiting") or "waiting", seconds)
        try:
            async with asyncio.timeout(seconds), self._changed:
                while not test():
                    self._still_watching()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _still_watching(self) -> None:
        for watch in self._watches.values():
            if watch.lost is not None:
                raise watch.lost

    # -- notes -----------------------------------------------------------------------------------------------

    def fact(self, name: str, value: Any, *, step: str = "") -> None:
        """Records something that the check measured."""
        self.rec.observe("fact", name, value, step or None)

    def unable(self, step: str, code: str, because: str) -> None:
        """Records that a step could not be tried, and why."""
        self.rec.observe("unable", step, {"code": code, "because": because}, step)

    def note(self, text: str, name: str = "note") -> None:
        """Records a remark for the reader."""
        self.rec.observe("note", name, {"text": text})

    # -- finding things --------------------------------------------------------------------------------------

    async def _place(self, api: str, plural: str, namespace: str | None) -> str | None:
        """The namespace to ask in: ours for namespaced resources unless one is given; None for "*"."""
        if namespace is not None:
            return None if namespace == "*" else namespace
        group, _, version = api.rpartition("/")
        for r in await self.cluster.discover():
            if (r.group, r.version, r.plural) == (group, version, plural):
                return (self.namespace or None) if r.namespaced else None
        return None

    def _home(self, pod: str) -> str:
        found = self.pod(pod)
        return found["metadata"]["namespace"] if found else self.namespace

    def _first_container(self, pod: str) -> str:
        found = self.pod(pod)
        return found["spec"]["containers"][0]["name"] if found else ""

    def _step_of(self, pod: str) -> str | None:
        found = self.pod(pod)
        return (found["metadata"].get("labels") or {}).get(labels.STEP) if found else None

    async def list(
        self, api: str, plural: str, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> Objects:
        """All objects of a kind in our namespace ("*": in all), page by page. Refused if not allowed."""
        place = await self._place(api, plural, namespace)
        return await self.cluster.list(api, plural, place, labels=labels, fields=fields)


def _node_of(claim: str) -> str:
    """The node that something held belongs to: "accelerators/NODE"; "" for what is the whole cluster's."""
    return claim.partition("/")[2]


def _carries(obj: Object, wanted: dict[str, str | None]) -> bool:
    has = obj["metadata"].get("labels") or {}
    return all(v is None or has.get(k) == v for k, v in wanted.items())
