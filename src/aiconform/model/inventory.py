"""What the survey saw of a cluster."""

from dataclasses import dataclass, field
from typing import Any

from aiconform.model.accelerator import Accelerator


@dataclass(frozen=True, kw_only=True)
class ApiResource:
    """One served resource, as discovery lists it. `group` is "" for the core API."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node, reduced to what planning and judging need. Quantities are strings as Kubernetes writes them.

    `provider` is the scheme of its providerID ("aws"), "" if it has none.
    """

    name: str
    uid: str
    ready: bool
    unschedulable: bool
    labels: dict[str, str]
    taints: tuple[dict[str, Any], ...]
    allocatable: dict[str, str]
    kubelet: str
    runtime: str
    kernel: str = ""
    os_image: str = ""
    architecture: str = ""
    provider: str = ""


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product that the survey found, with the signs that it found it by."""

    name: str
    version: str = ""
    signs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Something that the survey could not read, and why. A gap is never treated as emptiness.

    `refused`: the API server did not allow it, and `why` names verb and resource.
    """

    what: str
    why: str
    refused: bool = False


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Something that workloads ask for by its name: a StorageClass, a queue, a gateway, a metric.

    `resource` is the qualified plural ("storageclasses.storage.k8s.io"). `default`: taken where a workload names
    none. `facts` holds what tells two of them apart, by names of the table in `inventory/products.yaml`.
    """

    resource: str
    name: str
    namespace: str = ""
    default: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The result of a survey. `server_version` is the API server's gitVersion, for example "v1.37.1".

    `listed` names the resources whose `offers` are all here (or that are not served, so that there can be none);
    what is neither there nor in `listed` was not looked at, or could not be: `unread` says why.
    """

    server_version: str
    platform: str
    apis: tuple[ApiResource, ...]
    nodes: tuple[Node, ...]
    accelerators: tuple[Accelerator, ...]
    products: tuple[Product, ...] = ()
    gaps: tuple[Gap, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    offers: tuple[Offer, ...] = ()
    listed: tuple[str, ...] = ()
    # Apart from `gaps`: no check hangs on these, so that none may be blamed on them.
    unread: tuple[Gap, ...] = ()

    def serves(self, group: str, version: str, plural: str) -> bool:
        """Whether discovery lists this resource. Always ask with the group: plurals are ambiguous."""
        return any((a.group, a.version, a.plural) == (group, version, plural) for a in self.apis)

    def versions(self, group: str, plural: str) -> tuple[str, ...]:
        """Served versions of a resource, in the server's order of preference."""
        return tuple(a.version for a in self.apis if (a.group, a.plural) == (group, plural))

    def node(self, name: str) -> Node | None:
        return next((n for n in self.nodes if n.name == name), None)

    @property
    def minor(self) -> int:
        """The Kubernetes minor version: 37 for "v1.37.1". 0 if it cannot be read."""
        parts = self.server_version.lstrip("v").split(".")
        digits = "".join(c for c in (parts[1] if len(parts) > 1 else "") if c.isdigit())
        return int(digits or 0)
