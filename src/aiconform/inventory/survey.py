"""Looks at a cluster: versions, APIs, nodes, accelerators, products. Reads only, and lists with pages.

What cannot be read becomes a Gap with its reason; it is never taken for emptiness.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiconform.cluster.api import Cluster, qualified, whole
from aiconform.cluster.discovery import groups
from aiconform.cluster.errors import Refused
from aiconform.inventory import find_accelerators, offers
from aiconform.inventory.products import table
from aiconform.inventory.slices import devices, incomplete
from aiconform.model import Accelerator, ApiResource, Gap, Inventory, Node, Permission, Product
from aiconform.model.uncollected import uncollected

# What a survey asks for. A survey without one of these goes on, with a gap.
PERMISSIONS = (
    Permission(group="", resources=("nodes",), verbs=("list",), scope="cluster", why="accelerators and taints"),
    Permission(
        group="resource.k8s.io",
        resources=("resourceslices", "deviceclasses"),
        verbs=("list",),
        scope="cluster",
        why="devices of Dynamic Resource Allocation",
    ),
    Permission(group="node.k8s.io", resources=("runtimeclasses",), verbs=("list",), scope="cluster", why="runtimes"),
    Permission(
        group="gateway.networking.k8s.io",
        resources=("gatewayclasses",),
        verbs=("list",),
        scope="cluster",
        why="implementations of Gateway API",
    ),
    *offers.permissions(),
)

_DRA_VERSIONS = ("v1", "v1beta2", "v1beta1")


@dataclass
class _Notes:
    gaps: list[Gap] = field(default_factory=list)

    async def items(
        self, cluster: Cluster, api: str, plural: str, keep: Callable[[dict[str, Any]], dict[str, Any]] = whole
    ) -> list[dict[str, Any]]:
        try:
            return await cluster.list(api, plural, keep=keep)
        except Refused as refused:
            self.gaps.append(Gap(what=qualified(api, plural), why=refused.message, refused=True))
            return []


async def survey(cluster: Cluster) -> Inventory:
    """The inventory. Raises ClusterError or ApiLost if the API server cannot be asked at all."""
    with uncollected():
        return await _survey(cluster)


async def _survey(cluster: Cluster) -> Inventory:
    notes = _Notes()
    known = table()
    apis = await cluster.discover()
    # Side by side: the API server encodes one list while another one is read here.
    nodes, (slices, classes), runtimes, gateways, served_groups = await asyncio.gather(
        _nodes(cluster, notes),
        _dra(cluster, apis, notes),
        notes.items(cluster, "node.k8s.io/v1", "runtimeclasses"),
        _gateway_classes(cluster, apis, notes),
        groups(cluster),
    )
    notes.gaps.sort(key=lambda g: g.what)
    unread = {g.what for g in notes.gaps}
    known_objects = {"deviceclasses.resource.k8s.io": classes, "runtimeclasses.node.k8s.io": runtimes}
    named = await offers.look(cluster, apis, {k: v for k, v in known_objects.items() if k not in unread})
    for pool in incomplete(slices):
        why = "not every slice of its newest generation is published, so its devices are not counted"
        notes.gaps.append(Gap(what=f"resource pool {pool}", why=why))
    found = find_accelerators.by_claim(devices(slices, nodes), classes, known["not_accelerator_drivers"])
    # A resource of the same name in a node's allocatable is a device plugin's: what DRA serves is not listed there.
    plugin = find_accelerators.by_resource(nodes, known["not_accelerators"])
    git_version = cluster.server_version
    return Inventory(
        server_version=git_version,
        platform=_platform(known["platforms"], git_version, nodes, apis) or _plain(cluster.context),
        apis=apis,
        nodes=nodes,
        accelerators=_sorted(find_accelerators.unique((*found, *plugin))),
        products=_products(known["products"], apis),
        gaps=tuple(notes.gaps),
        facts={
            "runtime_classes": {r["metadata"]["name"]: r["handler"] for r in runtimes},
            "gateway_classes": gateways,
            # Aggregated APIs may have no resource at all until there is something to serve.
            "groups": served_groups,
        },
        offers=tuple(named.offers),
        listed=tuple(named.listed),
        unread=tuple(named.unread),
    )


def _sorted(accelerators: tuple[Accelerator, ...]) -> tuple[Accelerator, ...]:
    return tuple(sorted(accelerators, key=lambda a: a.id))


async def _nodes(cluster: Cluster, notes: _Notes) -> tuple[Node, ...]:
    return tuple(_node(n) for n in await notes.items(cluster, "v1", "nodes", _read_of_a_node))


def _read_of_a_node(node: dict[str, Any]) -> dict[str, Any]:
    """Thousands of nodes fit in memory without their lists of images and of managed fields."""
    status = {k: v for k, v in (node.get("status") or {}).items() if k != "images"}
    meta = {k: v for k, v in node["metadata"].items() if k != "managedFields"}
    return {**node, "metadata": meta, "status": status}


async def _dra(
    cluster: Cluster, apis: tuple[ApiResource, ...], notes: _Notes
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    served = {a.version for a in apis if (a.group, a.plural) == ("resource.k8s.io", "resourceslices")}
    version = next((v for v in _DRA_VERSIONS if v in served), "")
    if not version:
        return [], []
    api = f"resource.k8s.io/{version}"
    slices, classes = await asyncio.gather(
        notes.items(cluster, api, "resourceslices"), notes.items(cluster, api, "deviceclasses")
    )
    return slices, classes


async def _gateway_classes(cluster: Cluster, apis: tuple[ApiResource, ...], notes: _Notes) -> list[dict[str, Any]]:
    """Name, controller, whether the controller accepted the class as it is now, and the features that it declares."""
    group, version, plural = "gateway.networking.k8s.io", "v1", "gatewayclasses"
    if not any((a.group, a.version, a.plural) == (group, version, plural) for a in apis):
        return []
    found = []
    for c in await notes.items(cluster, f"{group}/{version}", plural):
        status = c.get("status") or {}
        said: dict[str, Any] = next((s for s in status.get("conditions") or [] if s.get("type") == "Accepted"), {})
        current = said.get("observedGeneration", 0) == c["metadata"].get("generation", 0)
        features = [f["name"] if isinstance(f, dict) else str(f) for f in status.get("supportedFeatures") or []]
        found.append(
            {
                "name": c["metadata"]["name"],
                "controller": c["spec"]["controllerName"],
                "accepted": current and said.get("status") == "True",
                "because": f"{said.get('reason', '')}: {said.get('message', '')}".strip(": "),
                "features": sorted(features),
            }
        )
    return sorted(found, key=lambda c: str(c["name"]))


def _node(n: Mapping[str, Any]) -> Node:
    meta, spec, status = n["metadata"], n.get("spec", {}), n.get("status", {})
    info = status.get("nodeInfo", {})
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
    return Node(
        name=meta["name"],
        uid=meta["uid"],
        ready=ready,
        unschedulable=bool(spec.get("unschedulable")),
        labels=meta.get("labels") or {},
        taints=tuple(spec.get("taints") or ()),
        allocatable={k: str(v) for k, v in (status.get("allocatable") or {}).items()},
        kubelet=info.get("kubeletVersion", ""),
        runtime=info.get("containerRuntimeVersion", ""),
        kernel=info.get("kernelVersion", ""),
        os_image=info.get("osImage", ""),
        architecture=info.get("architecture", ""),
        provider=spec.get("providerID", "").partition("://")[0],
    )


def _products(table: list[dict[str, Any]], apis: tuple[ApiResource, ...]) -> tuple[Product, ...]:
    served: dict[str, set[str]] = {}
    for a in apis:
        for name in (a.group, f"{a.group}/{a.plural}"):
            served.setdefault(name, set()).add(a.version)
    found = []
    for row in table:
        signs = [sign for sign in row["apis"] if sign in served]
        if signs:
            versions = ", ".join(sorted(set().union(*(served[s] for s in signs))))
            found.append(Product(name=row["name"], version=versions, signs=tuple(signs)))
    return tuple(found)


def _platform(table: list[dict[str, Any]], version: str, nodes: tuple[Node, ...], apis: tuple[ApiResource, ...]) -> str:
    groups = {a.group for a in apis}
    for row in table:
        provider = any(n.provider and n.provider == row.get("provider") for n in nodes)
        if provider or row.get("version", "\0") in version or groups & set(row.get("apis", ())):
            return str(row["name"])
    return ""


def _plain(context: str) -> str:
    kept = "".join(c if c.isalnum() or c in "-." else "-" for c in context.lower())
    return kept.strip("-.")[-60:] or "cluster"
