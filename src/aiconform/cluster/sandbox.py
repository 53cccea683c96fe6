"""What a check's observe gets: namespaces of its own, objects that are recorded, waits that are watches."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from aiconform.cluster import counters, images, labels, reasons, units
from aiconform.cluster.api import PATCHES, Answer, path, qualified
from aiconform.cluster.ending import close_sandbox
from aiconform.cluster.errors import ApiLost, ClusterError, Refused
from aiconform.cluster.talking import Talking
from aiconform.cluster.transport import QUIET
from aiconform.cluster.watch import Watch
from aiconform.model import Accelerator

PSA = "pod-security.kubernetes.io/enforce"
_RENEW_SECONDS = 30.0

Object = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """What came of a write. `object` is what the server stored ({} if it refused).

    `code` is "" if it was taken, else one of rbac-denied, admission-denied, not-served, refused.
    """

    ok: bool
    status: int
    object: Object
    reason: str
    message: str

    @property
    def code(self) -> str:
        return "" if self.ok else reasons.refusal_code(self.status, self.message)


class Sandbox(Talking):
    """One attempt's place in the cluster.

    Everything it creates carries the run's labels and lies in a namespace that it made, or is cluster-scoped.
    `close` removes all of it. Make it inside the task that runs the attempt: calls of that task are
    recorded in its recording. A namespace of None means the sandbox's own (`.namespace`) for namespaced
    resources; "*" means all namespaces.
    """

    async def make_namespace(self, *, labels: dict[str, str] | None = None, hint: str = "") -> str:
        """A new random namespace with Pod Security level "baseline" (unless `labels` say otherwise).

        Its pods are watched from its birth. Returns when pods can be created (the default ServiceAccount is
        there). The first one made becomes `.namespace`. Refused (code rbac-denied or admission-denied) if the
        cluster does not allow it.
        """
        middle = "-".join(p for p in (self.attempt.check.replace("_", "-"), hint) if p)[:40].strip("-")
        name = f"aiconform-{middle}-{secrets.token_hex(3)}"
        self.namespaces.append(name)
        self.rec.own_namespaces.add(name)
        meta = {"name": name, "labels": {PSA: "baseline"} | (labels or {}), "annotations": self._signs()}
        sent = await self._post({"apiVersion": "v1", "kind": "Namespace", "metadata": meta}, "", "", None, False)
        if not sent.ok:
            self.namespaces.remove(name)
            raise Refused("create", "namespaces", sent.message, sent.code)
        self.namespace = self.namespace or name
        if self._renewer is None:
            self._renewer = asyncio.create_task(self._renew(), name=f"alive {self.attempt.id}")
        await self.follow("v1", "pods", name)
        await self._ready_for_pods(name)
        if self.images.pull_secret:
            await self._copy_pull_secret(name)
        return name

    async def _copy_pull_secret(self, namespace: str) -> None:
        """Puts the user's pull secret beside the pods. Not recorded, and gone with the namespace."""
        home, _, name = self.images.pull_secret.partition("/")
        found = await self.cluster.request("GET", path("v1", "secrets", home, name), quiet=True)
        if found.status == 404:
            raise ClusterError(f"there is no Secret {self.images.pull_secret}; see --pull-secret", "image-unavailable")
        if not found.ok:
            code = reasons.refusal_code(found.status, found.message)
            raise Refused("get", f"secrets {self.images.pull_secret}", found.message, code)
        try:
            copy = labels.labelled(images.copy_of(found.body, namespace), self.labels)
        except images.BadImage as error:
            raise ClusterError(f"{self.images.pull_secret}: {error}", "image-unavailable") from None
        sent = await self.cluster.request("POST", path("v1", "secrets", namespace), body=copy, quiet=True)
        if not sent.ok:
            raise Refused("create", "secrets", sent.message, reasons.refusal_code(sent.status, sent.message))

    async def _ready_for_pods(self, namespace: str) -> None:
        accounts = Watch(
            self.cluster, "v1", "serviceaccounts", namespace, changed=self._changed, metadata_only=True,
            fields="metadata.name=default",
        )  # fmt: skip
        await accounts.start()
        try:
            if not await self.until(lambda: bool(accounts.objects), 60.0, "a namespace to work in"):
                raise ClusterError(
                    f"namespace {namespace} got no default ServiceAccount within 60 s; "
                    "check the cluster's controller-manager", "deadline",
                )  # fmt: skip
        finally:
            await accounts.stop()

    async def create(
        self,
        manifest: Object,
        *,
        step: str,
        role: str = "",
        namespace: str | None = None,
        dry_run: bool = False,
    ) -> Sent:
        """Creates an object, labelled with run, attempt, check, step and role (its templates too).

        A refusal is not raised: look at `.ok`, `.code` and `.message`. What was sent and what was stored are
        both recorded. ApiLost if the server cannot be reached; ValueError for a namespace that is not ours.
        """
        return await self._post(manifest, step, role, namespace, dry_run)

    async def _post(self, manifest: Object, step: str, role: str, namespace: str | None, dry_run: bool) -> Sent:
        marks = {labels.STEP: step, labels.ROLE: role}
        marked = self.labels | {k: labels.value(v) for k, v in marks.items() if v}
        obj = images.apply(labels.labelled(manifest, marked), self.images)
        api, kind, meta = obj["apiVersion"], obj["kind"], obj["metadata"]
        try:
            resource = await self.cluster.resource(api, kind)
        except ClusterError as e:
            if e.code != "not-served":
                raise
            return Sent(False, 404, {}, "NotFound", e.message)
        if resource.namespaced:
            meta["namespace"] = namespace or meta.get("namespace") or self.namespace
            if meta["namespace"] not in self.namespaces:
                raise ValueError(f"{kind} {meta.get('name')}: {meta['namespace']!r} is no namespace of this sandbox")
        else:
            meta["annotations"] = self._signs() | (meta.get("annotations") or {})
        if not dry_run:
            self.made.add((api, resource.plural))
        url = path(api, resource.plural, meta.get("namespace"))
        params = {"dryRun": "All"} if dry_run else {}
        try:
            return _sent(await self.cluster.request("POST", url, params=params, body=obj, step=step or None))
        except ApiLost as lost:
            # The answer was lost, perhaps not the request: what the server has decides.
            if lost.unsent or "name" not in meta:
                raise
            there = await self.get(api, resource.plural, meta["name"], meta.get("namespace"))
            if there is None or (there["metadata"].get("labels") or {}).get(labels.RUN) != self.run:
                raise
            return Sent(True, 201, there, "", "")

    async def patch(self, obj: Object, body: Any, *, step: str = "", type: str = "merge", sub: str = "") -> Sent:
        """Patches an object (any dict with apiVersion, kind, metadata); `sub` names a subresource.

        `type`: merge, strategic, json or apply. A refusal is not raised.
        """
        resource = await self.cluster.resource(obj["apiVersion"], obj["kind"])
        meta = obj["metadata"]
        url = path(obj["apiVersion"], resource.plural, meta.get("namespace"), meta["name"], sub)
        params = {"fieldManager": "aiconform", "force": "true"} if type == "apply" else {}
        answer = await self.cluster.request(
            "PATCH", url, params=params, body=body, content_type=PATCHES[type], step=step or None
        )
        return _sent(answer)

    async def delete(self, obj: Object, *, step: str = "", grace: int | None = None) -> None:
        """Deletes one of our own objects; gone already is fine. Returns at once: see `gone`.

        ValueError for an object that is not of this sandbox; Refused if deleting is not allowed.
        """
        resource = await self.cluster.resource(obj["apiVersion"], obj["kind"])
        meta = obj["metadata"]
        namespace = meta.get("namespace", "")
        ours = (meta.get("labels") or {}).get(labels.RUN) == self.run
        if not (namespace in self.namespaces if resource.namespaced else ours):
            raise ValueError(f"{obj['kind']} {namespace}/{meta['name']} was not made by this sandbox")
        body: Object = {"propagationPolicy": "Background"}
        body |= {"preconditions": {"uid": meta["uid"]}} if meta.get("uid") else {}
        body |= {"gracePeriodSeconds": grace} if grace is not None else {}
        url = path(obj["apiVersion"], resource.plural, namespace or None, meta["name"])
        answer = await self.cluster.request("DELETE", url, body=body, step=step or None)
        if not answer.ok and answer.status not in (404, 409):
            name = qualified(obj["apiVersion"], resource.plural)
            raise Refused("delete", name, answer.message, reasons.refusal_code(answer.status, answer.message))

    async def gone(self, objs: list[Object], deadline: str | float) -> bool:
        """Waits by watch until all of these objects are gone (by uid); False at the deadline."""
        watches: list[tuple[Watch, bool]] = []
        wanted = {o["metadata"]["uid"] for o in objs}
        places: set[tuple[str, str, str | None]] = set()
        for o in objs:
            resource = await self.cluster.resource(o["apiVersion"], o["kind"])
            places.add((o["apiVersion"], resource.plural, o["metadata"].get("namespace")))
        try:
            for api, plural, namespace in sorted(places, key=str):
                known = self._watches.get((api, plural, namespace, "", ""))
                watch = known or Watch(self.cluster, api, plural, namespace, changed=self._changed, metadata_only=True)
                watches.append((watch, known is None))
                if known is None:
                    await watch.start()
            return await self.until(lambda: not any(wanted & set(w.objects) for w, _ in watches), deadline)
        finally:
            for watch, own in watches:
                if own:
                    await watch.stop()

    async def hold(self, step: str, seconds: str | float, why: str, stop: Callable[[], bool] | None = None) -> None:
        """Looks for a whole length of time, inside a window; ends early if `stop()` becomes true.

        For absences: nothing that happens in this time is missed, or the recording shows a gap.
        """
        async with self.window(step, why):
            await self.until(stop or (lambda: False), seconds, what=why)

    @contextlib.asynccontextmanager
    async def window(self, step: str, why: str) -> AsyncIterator[None]:
        """A window of a step. Before it is closed every watch shows that it has caught up with the server.

        If the body raises, the window stays open, so that no absence can be read out of it.
        """
        self.rec.observe("window.open", step, {"why": why}, step)
        yield
        watches = [w for w in self._watches.values() if w.lost is None]
        await asyncio.gather(*(w.confirm() for w in watches))
        self.rec.observe("window.close", step, {}, step)

    async def take_up(self, api: str, plural: str) -> None:
        """Takes the watches on a kind up again, by new requests: a connection can be dead without a sign."""
        for (of, kind, *_), watch in self._watches.items():
            if (of, kind) == (api, plural):
                await watch.confirm()

    async def free_units(self, accelerator: Accelerator, node: str) -> int:
        """Units of an accelerator on a node that nobody holds. Recorded as the fact `free/<node>`.

        Device plugin: allocatable minus the requests of the node's pods that have not ended. DRA: untainted
        devices of the class in complete pools, as many as can be given at one time beside what claims hold.
        Refused where pods, claims or taint rules cannot be listed.
        """
        if accelerator.form == "device-plugin":
            numbers = await self._plugin_units(accelerator.resource, node)
        else:
            numbers = await self._dra_units(accelerator, node)
        free = max(numbers["advertised"] - numbers["held"], 0)
        self.rec.observe("fact", f"free/{node}", {"accelerator": accelerator.id, "free": free} | numbers)
        return free

    async def _plugin_units(self, resource: str, node: str) -> dict[str, int]:
        obj = await self.get("v1", "nodes", node)
        pods = await self.list("v1", "pods", "*", fields=f"spec.nodeName={node}")
        allocatable = ((obj or {}).get("status") or {}).get("allocatable") or {}
        return {"advertised": int(allocatable.get(resource, 0)), "held": units.bound_requests(pods, resource)}

    async def _dra_units(self, a: Accelerator, node: str) -> dict[str, int]:
        api = await self.cluster.served("resource.k8s.io", "resourceslices")
        if not api:
            raise ClusterError("the API server does not serve resourceslices.resource.k8s.io", "not-served")
        obj = await self.get("v1", "nodes", node)
        if obj is None:
            return {"advertised": 0, "held": 0}
        slices = await self.list(api, "resourceslices")
        there = units.advertised(slices, a.driver, obj, a.selector)
        there -= units.out_of_use(await self.taint_rules(), a.driver, there)
        held = units.allocated(await self.list(api, "resourceclaims", "*"), a.driver)
        parts = counters.partitions(slices, a.driver, there)
        numbers = {"advertised": len(there), "held": len(there) - counters.together(slices, a.driver, there, held)}
        # Which parts of a device are given next decides how many more there can be, so that it may be another number.
        return numbers | ({"partitions": parts} if parts else {})

    async def taint_rules(self) -> list[Object]:
        """Rules by which an administrator takes devices out of use (KEP-5055), where they are served."""
        api = await self.cluster.served("resource.k8s.io", "devicetaintrules")
        return await self.list(api, "devicetaintrules") if api else []

    async def close(self, seconds: float = 300.0) -> tuple[str, ...]:
        """Removes everything, waits until it is gone, and returns what is still there ("pods/ns/name").

        Never raises for what the cluster does: what cannot be removed or seen is reported and recorded.
        """
        return await close_sandbox(self, seconds)

    def _signs(self) -> dict[str, str]:
        return {labels.OWNER: labels.owner(), labels.ALIVE_UNTIL: labels.alive_until(self.cluster.now())}

    async def _renew(self) -> None:
        """Says every half a minute that this run is alive, for a `clean` from another machine."""
        while True:
            # Not a wait for the cluster: the sign must be given at this pace, whatever happens.
            await asyncio.sleep(_RENEW_SECONDS)
            body = {"metadata": {"annotations": {labels.ALIVE_UNTIL: labels.alive_until(self.cluster.now())}}}
            for name in self.namespaces[:1]:
                with contextlib.suppress(ApiLost):
                    await self.cluster.request(
                        "PATCH", path("v1", "namespaces", None, name), body=body,
                        content_type=PATCHES["merge"], extensions={QUIET: True},
                    )  # fmt: skip


def _sent(answer: Answer) -> Sent:
    obj = answer.body if answer.ok and isinstance(answer.body, dict) else {}
    return Sent(answer.ok, answer.status, obj, answer.reason, answer.message)
