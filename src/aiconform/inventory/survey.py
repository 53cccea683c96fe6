"""Looks at a cluster: versions, APIs, nodes, accelerators, products. Reads only, and lists with pages.

What cannot be read becomes a Gap with its reason; it is never taken for emptiness.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import yaml

from aiconform.cluster.api import Cluster, qualified
from aiconform.cluster.errors import Refused
from aiconform.inventory import find_accelerators
from aiconform.inventory.slices import devices, incomplete
from aiconform.model import Accelerator, ApiResource, Gap, Inventory, Node, Permission, Product

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
)

_DRA_VERSIONS = ("v1", "v1beta2", "v1beta1")


@dataclass
class _Notes:
    gaps: list[Gap] = field(default_factory=list)

    async def items(self, cluster: Cluster, api: str, plural: str) -> list[dict[str, Any]]:
        try:
            return await cluster.list(api, plural)
        except Refused as refused:
            self.gaps.append(Gap(what=qualified(api, plural), why=refused.message, refused=True))
            return []


async def survey(cluster: Cluster) -> Inventory:
    """The inventory. Raises ClusterError or ApiLost if the API server cannot be asked at all."""
    notes = _Notes()
    known = _data()
    apis = await cluster.discover()
    nodes = tuple(_node(n) for n in await notes.items(cluster, "v1", "nodes"))
    slices, classes = await _dra(cluster, apis, notes)
    runtimes = await notes.items(cluster, "node.k8s.io/v1", "runtimeclasses")
    for pool in incomplete(slices):
        why = "not every slice of its newest generation is published, so its devices are not counted"
        notes.gaps.append(Gap(what=f"resource pool {pool}", why=why))
    found = find_accelerators.by_claim(devices(slices, nodes), classes, known["not_accelerator_drivers"])
    served = {a.resource for a in found if a.form == "dra-extended"}
    plugin = find_accelerators.by_resource(nodes, [*known["not_accelerators"], *served])
    git_version = cluster.server_version
    return Inventory(
        server_version=git_version,
        platform=_platform(known["platforms"], git_version, nodes, apis) or _plain(cluster.context),
        apis=apis,
        nodes=nodes,
        accelerators=_sorted(find_accelerators.unique((*found, *plugin))),
        products=_products(known["products"], apis),
        gaps=tuple(notes.gaps),
        facts={"runtime_classes": {r["metadata"]["name"]: r["handler"] for r in runtimes}},
    )


def _sorted(accelerators: tuple[Accelerator, ...]) -> tuple[Accelerator, ...]:
    return tuple(sorted(accelerators, key=lambda a: a.id))


async def _dra(
    cluster: Cluster, apis: tuple[ApiResource, ...], notes: _Notes
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    served = {a.version for a in apis if (a.group, a.plural) == ("resource.k8s.io", "resourceslices")}
    version = next((v for v in _DRA_VERSIONS if v in served), "")
    if not version:
        return [], []
    api = f"resource.k8s.io/{version}"
    slices = await notes.items(cluster, api, "resourceslices")
    classes = await notes.items(cluster, api, "deviceclasses")
    return slices, classes


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


def _data() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("products.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return data
