"""Looks at a cluster: versions, APIs, nodes, accelerators, products. Reads only, and lists with pages.

What cannot be read becomes a Gap with its reason; it is never taken for emptiness.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Protocol

import yaml

from aiconform.cluster.errors import Refused
from aiconform.inventory import find_accelerators
from aiconform.inventory.slices import devices, incomplete
from aiconform.model import Accelerator, ApiResource, Gap, Inventory, Node, Permission, Product

# What a survey asks for. A survey without one of these goes on, with a gap.
PERMISSIONS = (
    Permission(
        group="", resources=("nodes",), verbs=("list",), scope="cluster", why="accelerators and taints"
    ),
    Permission(
        group="resource.k8s.io",
        resources=("resourceslices", "deviceclasses"),
        verbs=("list",),
        scope="cluster",
        why="devices of Dynamic Resource Allocation",
    ),
    Permission(
        group="node.k8s.io", resources=("runtimeclasses",), verbs=("list",), scope="cluster", why="runtimes"
    ),
)

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
_DRA_VERSIONS = ("v1", "v1beta2", "v1beta1")


class Reader(Protocol):
    """What the survey needs of a cluster."""

    context: str

    async def read(self, path: str, *, accept: str = "application/json") -> dict[str, Any]:
        """One GET; raises Refused or ApiLost."""

    async def read_pages(self, path: str, *, limit: int = 500) -> list[dict[str, Any]]:
        """All items of a list, page by page."""


@dataclass
class _Notes:
    gaps: list[Gap] = field(default_factory=list)

    async def items(self, cluster: Reader, what: str, path: str) -> list[dict[str, Any]]:
        try:
            return await cluster.read_pages(path)
        except Refused as refused:
            self.gaps.append(Gap(what=what, why=str(refused)))
            return []


async def survey(cluster: Reader) -> Inventory:
    """The inventory. Raises ClusterError or ApiLost if the API server cannot be asked at all."""
    notes = _Notes()
    known = _data()
    version = await cluster.read("/version")
    apis = await _discover(cluster)
    nodes = tuple(_node(n) for n in await notes.items(cluster, "nodes", "/api/v1/nodes"))
    slices, classes = await _dra(cluster, apis, notes)
    runtimes = await notes.items(cluster, "runtimeclasses", "/apis/node.k8s.io/v1/runtimeclasses")
    for pool in incomplete(slices):
        why = "not every slice of its newest generation is published, so its devices are not counted"
        notes.gaps.append(Gap(what=f"resource pool {pool}", why=why))
    found = find_accelerators.by_claim(devices(slices, nodes), classes, known["not_accelerator_drivers"])
    served = {a.resource for a in found if a.form == "dra-extended"}
    plugin = find_accelerators.by_resource(nodes, [*known["not_accelerators"], *served])
    git_version = str(version["gitVersion"])
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


async def _discover(cluster: Reader) -> tuple[ApiResource, ...]:
    found: list[ApiResource] = []
    for path in ("/api", "/apis"):
        for group in (await cluster.read(path, accept=_DISCOVERY)).get("items", []):
            name = group.get("metadata", {}).get("name", "")
            for version in group.get("versions", []):
                found += [_resource(name, version["version"], r) for r in version.get("resources", [])]
    return tuple(found)


def _resource(group: str, version: str, r: Mapping[str, Any]) -> ApiResource:
    return ApiResource(
        group=group,
        version=version,
        plural=r["resource"],
        kind=(r.get("responseKind") or {}).get("kind", ""),
        namespaced=r.get("scope") == "Namespaced",
        verbs=tuple(r.get("verbs", [])),
    )


async def _dra(
    cluster: Reader, apis: tuple[ApiResource, ...], notes: _Notes
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    served = {a.version for a in apis if (a.group, a.plural) == ("resource.k8s.io", "resourceslices")}
    version = next((v for v in _DRA_VERSIONS if v in served), "")
    if not version:
        return [], []
    base = f"/apis/resource.k8s.io/{version}"
    slices = await notes.items(cluster, "resourceslices.resource.k8s.io", f"{base}/resourceslices")
    classes = await notes.items(cluster, "deviceclasses.resource.k8s.io", f"{base}/deviceclasses")
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


def _platform(
    table: list[dict[str, Any]], version: str, nodes: tuple[Node, ...], apis: tuple[ApiResource, ...]
) -> str:
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
