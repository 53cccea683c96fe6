"""What an inventory says, and what it does not say, asked in the words of needs. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from aiconform.inventory.accelerators import Adapter, adapters, recognise
from aiconform.inventory.products import table
from aiconform.model import Accelerator, Inventory, Node, Offer

# Taints that come and go with the node's state, and say nothing about who may use it.
_PASSING = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")


def slug(text: str) -> str:
    """A product's name without its punctuation: labels and attributes write the same one differently."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


@dataclass(frozen=True)
class Offers:
    """One cluster as its inventory shows it."""

    inventory: Inventory

    @property
    def name(self) -> str:
        return f"{self.inventory.platform}, Kubernetes {self.inventory.server_version}"

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        return self.inventory.nodes

    @cached_property
    def blind(self) -> str:
        """Why it is not known which accelerators there are, "" if it is."""
        words = ("nodes", "resourceslices", "deviceclasses", "resource pool")
        gap = next((g for g in self.inventory.gaps if g.what.startswith(words)), None)
        return f"{gap.what} could not be read: {gap.why}" if gap else ""

    @cached_property
    def nodes_unread(self) -> str:
        """Why the nodes are not known, "" if they are."""
        gap = next((g for g in self.inventory.gaps if g.what == "nodes"), None)
        return f"the nodes could not be read: {gap.why}" if gap else ""

    @cached_property
    def makes_nodes(self) -> str:
        """The product that makes nodes when pods wait, "" if none was found."""
        return next((p.name for p in self.inventory.products if p.name in table()["node_makers"]), "")

    def named(self, resource: str) -> Sequence[Offer]:
        return self._by_resource.get(resource, ())

    @cached_property
    def _by_resource(self) -> dict[str, list[Offer]]:
        found: dict[str, list[Offer]] = {}
        for o in self.inventory.offers:
            found.setdefault(o.resource, []).append(o)
        return found

    def find(self, resource: str, name: str, namespace: str = "") -> Offer | None:
        """The offer of this name; in this namespace if one is given."""
        same = (o for o in self.named(resource) if o.name == name and (not namespace or o.namespace == namespace))
        return next(same, None)

    def knows(self, resource: str) -> bool:
        """Whether what is not among the offers of this resource is not there."""
        return resource in self.inventory.listed

    def unread(self, resource: str) -> str:
        """Why a resource is not known, for a sentence."""
        gap = next((g for g in self.inventory.unread if g.what == resource), None)
        return f"{resource} could not be read: {gap.why}" if gap else f"the inventory does not list {resource}"

    @cached_property
    def groups(self) -> frozenset[str]:
        return frozenset(a.group for a in self.inventory.apis)

    def by_resource(self, resource: str) -> tuple[Accelerator, ...]:
        return tuple(a for a in self.inventory.accelerators if a.form != "dra" and a.resource == resource)

    def by_class(self, device_class: str) -> tuple[Accelerator, ...]:
        return tuple(a for a in self.inventory.accelerators if a.form == "dra" and a.device_class == device_class)

    def called(self, name: str) -> tuple[Accelerator, ...]:
        """Accelerators of an id, resource or class, for a user who names one."""
        return tuple(
            a
            for a in self.inventory.accelerators
            if name == a.id or (a.form == "dra" and name == a.device_class) or (a.form != "dra" and name == a.resource)
        )

    def advertising(self, resource: str) -> tuple[Node, ...]:
        """Nodes with any unit of a resource in allocatable."""
        return tuple(n for n in self.nodes if n.allocatable.get(resource, "0") not in ("0", ""))

    def resource_version(self) -> str:
        """The best served version of resource.k8s.io that has claim templates, "" if there is none."""
        served = self.inventory.versions("resource.k8s.io", "resourceclaimtemplates")
        return next((v for v in ("v1", "v1beta2", "v1beta1") if v in served), "")


def taints(node: Node) -> list[Mapping[str, str]]:
    """Taints that keep pods away for good."""
    return [
        t
        for t in node.taints
        if t.get("effect") in ("NoSchedule", "NoExecute") and not str(t.get("key")).startswith(_PASSING)
    ]


def adapter_of(a: Accelerator) -> Adapter | None:
    return next((x for x in adapters() if x.vendor == a.vendor), None)


def adapter_of_class(device_class: str) -> Adapter | None:
    return next((x for x in adapters() if device_class in x.classes), None)


def adapter_of_resource(resource: str) -> Adapter | None:
    return recognise(resource=resource)


def part(a: Accelerator) -> str:
    """Which partition one unit is, "" for a whole device."""
    adapter = adapter_of(a)
    return adapter.part(a.resource if a.form == "device-plugin" else "", a.attributes, a.model) if adapter else ""


def parts(a: Accelerator) -> tuple[str, ...]:
    """Every partition that an accelerator's units can be, where they differ."""
    adapter = adapter_of(a)
    many = a.varying.get(adapter.part_attribute, ()) if adapter and a.form == "dra" else ()
    return tuple(map(str, many)) or (part(a),)


def label_of_model(key: str) -> bool:
    return any(key in x.model_labels for x in adapters())


def label_of_presence(key: str) -> bool:
    return any(key in x.presence_labels for x in adapters())


def models(accelerators: Iterable[Accelerator]) -> tuple[str, ...]:
    return tuple(sorted({a.model for a in accelerators if a.model}))
