"""Finds everything that carries the run label, and removes it in an order that lets finalizers do their work."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from aiconform.cluster import labels
from aiconform.cluster.api import Cluster, path, qualified
from aiconform.cluster.errors import ApiLost, ClusterError, Refused
from aiconform.cluster.transport import PATIENCE, QUIET
from aiconform.cluster.watch import Watch
from aiconform.model import ApiResource

# Groups that Kubernetes itself serves; anything else is a custom resource, whose controller may need the
# namespaced rest (Secrets, ServiceAccounts) until its finalizers have run.
_BUILT_IN = frozenset(
    {
        "", "apps", "batch", "autoscaling", "policy", "admissionregistration.k8s.io", "apiextensions.k8s.io",
        "apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io",
        "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io",
        "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
    }
)  # fmt: skip
_PARALLEL = 8
_CUSTOM = 3


@dataclass(frozen=True)
class Found:
    """One object with the run label. `subject` is "pods/ns/name" or "podgroups.group/ns/name"."""

    resource: ApiResource
    namespace: str
    name: str
    uid: str
    run: str
    annotations: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def api(self) -> str:
        return api_of(self.resource)

    @property
    def subject(self) -> str:
        kind = qualified(self.api, self.resource.plural)
        return "/".join(p for p in (kind, self.namespace, self.name) if p)


def api_of(resource: ApiResource) -> str:
    """apiVersion as in a manifest."""
    return f"{resource.group}/{resource.version}" if resource.group else resource.version


def stage(resource: ApiResource) -> int:
    """When a kind is deleted: owners of pods, admission hooks and APIs that pods serve 0, pods 1, claims 2,
    custom resources 3, other namespaced 4, cluster-scoped 5, namespaces 6.
    """
    if (resource.group, resource.plural) == ("", "namespaces"):
        return 6
    # An API without its server would keep every namespace of the cluster from ending.
    if resource.group in ("apps", "batch", "autoscaling", "admissionregistration.k8s.io", "apiregistration.k8s.io"):
        return 0
    if (resource.group, resource.plural) == ("", "pods"):
        return 1
    if resource.plural in ("resourceclaims", "persistentvolumeclaims"):
        return 2
    if not resource.namespaced:
        return 5
    return 4 if resource.group in _BUILT_IN else 3


async def find(cluster: Cluster, selector: str, *, namespaces: Iterable[str] = ()) -> tuple[list[Found], list[str]]:
    """Everything that matches a label selector, over all resources that can be listed and deleted.

    Asks for metadata only. Where listing the whole cluster is not allowed, the given namespaces are listed
    one by one. The second value names what could not be listed, and why.
    """
    limit = asyncio.Semaphore(_PARALLEL)
    known = list(namespaces)

    async def one(resource: ApiResource) -> tuple[list[Found], str]:
        async with limit:
            try:
                return await _list(cluster, resource, None, selector), ""
            except Refused as refused:
                if not resource.namespaced or not known:
                    return [], refused.message
            except ApiLost:
                raise
            except ClusterError as e:
                return [], f"{qualified(api_of(resource), resource.plural)}: {e.message}"
            try:
                parts = [await _list(cluster, resource, n, selector) for n in known]
            except Refused as refused:
                return [], refused.message
            return [f for part in parts for f in part], ""

    answers = await asyncio.gather(*(one(r) for r in deletable(await cluster.discover())))
    return [f for found, _ in answers for f in found], [why for _, why in answers if why]


def deletable(resources: Iterable[ApiResource]) -> list[ApiResource]:
    """One version of each resource that can be listed and deleted. Events pass by themselves."""
    out: dict[tuple[str, str], ApiResource] = {}
    for r in resources:
        if {"list", "delete"} <= set(r.verbs) and r.plural not in ("events", "endpoints"):
            out.setdefault((r.group, r.plural), r)
    return list(out.values())


async def _list(cluster: Cluster, r: ApiResource, namespace: str | None, selector: str) -> list[Found]:
    extensions: dict[str, Any] = {QUIET: True}
    if r.group not in _BUILT_IN:
        # An aggregated API whose server is down answers 503 for ever; it must not hold up the cleanup.
        extensions[PATIENCE] = 5.0
    items = await cluster.list(
        api_of(r), r.plural, namespace, labels=selector, metadata_only=True, extensions=extensions
    )
    out = []
    for item in items:
        meta = item["metadata"]
        run = (meta.get("labels") or {}).get(labels.RUN, "")
        out.append(
            Found(
                resource=r, namespace=meta.get("namespace", ""), name=meta["name"], uid=meta["uid"], run=run,
                annotations=meta.get("annotations") or {},
            )
        )  # fmt: skip
    return out


def removable(found: Iterable[Found]) -> tuple[list[Found], list[Found]]:
    """What may be deleted, and what may not: run label, and cluster-scoped or in a namespace of that run."""
    everything = list(found)
    homes = {(f.run, f.name) for f in everything if stage(f.resource) == 6}
    mine: list[Found] = []
    others: list[Found] = []
    for f in everything:
        fits = bool(f.run) and (not f.resource.namespaced or (f.run, f.namespace) in homes)
        (mine if fits else others).append(f)
    return mine, others


async def remove(
    cluster: Cluster, found: Iterable[Found], *, seconds: float, freed: Callable[[], Awaitable[None]] | None = None
) -> list[str]:
    """Deletes stage by stage, and waits after each until its objects are gone, `seconds` in all.

    Returns what went wrong, one sentence each. A stage that takes too long does not stop the next ones. `freed` is
    called as soon as these pods, their owners and claims are gone; never, if there is something else that makes pods.
    """
    over = time.monotonic() + seconds
    problems: list[str] = []
    ordered = sorted(found, key=lambda f: stage(f.resource))
    # A custom resource is deleted after pods, for the sake of its finalizers, and may make more of them until then.
    sure = all(stage(f.resource) != _CUSTOM for f in ordered)
    for number, group in groupby(ordered, key=lambda f: stage(f.resource)):
        if number > _CUSTOM and sure and freed is not None:
            sure = False
            await freed()
        batch = list(group)
        answers = await asyncio.gather(*(_delete(cluster, f) for f in batch))
        problems += [a for a in answers if a]
        sure &= await absent(cluster, batch, seconds=max(over - time.monotonic(), min(seconds, 5.0)))
    return problems


async def _delete(cluster: Cluster, f: Found) -> str:
    url = path(f.api, f.resource.plural, f.namespace or None, f.name)
    # The uid keeps a namesake, made by somebody else in the meantime, alive.
    body = {"propagationPolicy": "Background", "preconditions": {"uid": f.uid}}
    answer = await cluster.request("DELETE", url, body=body)
    if answer.ok or answer.status in (404, 409):
        return ""
    return f"{f.subject} could not be deleted: {answer.message}"


async def absent(cluster: Cluster, found: Iterable[Found], *, seconds: float) -> bool:
    """Waits by watch until all of these are gone; False if some are not within `seconds`."""
    changed = asyncio.Condition()
    wanted = {f.uid for f in found}
    places = {(f.api, f.resource.plural, f.namespace) for f in found}
    watches: list[Watch] = []
    try:
        for api, plural, namespace in sorted(places):
            watch = Watch(
                cluster, api, plural, namespace or None, changed=changed, labels=labels.RUN, metadata_only=True
            )
            try:
                await watch.start()
            except Refused:
                continue  # not allowed to look: the last list after the cleanup will tell
            watches.append(watch)
        try:
            async with asyncio.timeout(seconds), changed:
                while any(wanted & set(w.objects) for w in watches if w.lost is None):
                    await changed.wait()
        except TimeoutError:
            return False
        return all(w.lost is None for w in watches)
    finally:
        for watch in watches:
            await watch.stop()
