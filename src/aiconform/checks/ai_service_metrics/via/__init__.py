"""What an adapter for a metrics collector must offer. It returns manifests and readings; it never calls the cluster.

A collector is one instance that the platform runs (a Prometheus resource, a managed agent). The adapter reads out of
the product's own objects what that instance demands of a target, and makes a registration that meets it.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from aiconform.model import Detection, Inventory, Mechanism, Permission

Manifest = dict[str, Any]
Objects = dict[str, list[Manifest]]
""" "plural.group" (plural alone in the core group) -> the objects of the whole cluster."""

PORT_NAME = "metrics"
PATH = "/metrics"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the Prometheus API is answered: "services/NAME:PORT", as the API server's proxy writes it, and the path
    before "/api/v1".
    """

    namespace: str
    target: str
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a store says of itself: its configuration (YAML), and whether others may write samples into it."""

    config: str
    takes: bool = True


@dataclass(frozen=True, kw_only=True)
class Collector:
    """One collector of the platform, and what it demands.

    `problem`: why the suite cannot register a target with it ("" if it can). `namespace_labels`, `labels`: what the
    target's namespace and its registration must carry. `way`: what the registration is. `places`: where it answers
    queries. `account`: (namespace, name) of the ServiceAccount that must be able to see pods, where that is known.
    `sure`: whether its own configuration says that such a registration is enough. `interval`: seconds between two
    scrapes, 0.0 where that is not known. `elsewhere`: why its metrics may not be in the stores that were found, "" if
    they must be; it counts no more where the user names a store, or where `places` of an adapter that searches answer.
    """

    name: str
    way: Literal["service", "pod", "service-annotations", "pod-annotations"] = "service"
    problem: str = ""
    namespace_labels: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    account: tuple[str, str] | None = None
    sure: bool = True
    interval: float = 0.0
    elsewhere: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Pods that are registered together: those with these labels. They serve /metrics at the port `metrics`."""

    name: str
    labels: dict[str, str]
    port: int


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What tells the collector of a group: objects that are created, annotations that its pods get."""

    objects: list[Manifest] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)


class CollectingMechanism(Mechanism, Protocol):
    """An adapter. `proved` says for the docs on which version it was run, or that it was not.

    `searches`: whether Services that look like a Prometheus API are asked where the collector names none.
    """

    product: str
    proved: str
    searches: bool
    permissions: tuple[Permission, ...]

    def detect(self, inventory: Inventory) -> Detection: ...

    def kinds(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """(api version, plural) of the objects that `collectors` reads; `served` lists "plural.group/version"."""

    def collectors(self, objects: Objects, shown: tuple[Shown, ...]) -> tuple[Collector, ...]:
        """The collectors, the one to try first; `shown`: what searched stores say of themselves."""

    def register(self, group: Group, collector: Collector) -> Registration:
        """What registers a group with the collector."""


ASK_FOR_ACCOUNT = Permission(
    group="authorization.k8s.io",
    resources=("subjectaccessreviews",),
    verbs=("create",),
    scope="cluster",
    why="whether the collector's account may see pods of a new namespace",
)
"""What adapters need that name the `account` of their collectors."""
MAKE_A_SERVICE = (
    Permission(group="", resources=("services",), verbs=("create", "delete"), why="part of a registration"),
    Permission(
        group="discovery.k8s.io",
        resources=("endpointslices",),
        verbs=("list", "delete"),
        why="they carry their Service's labels, so cleaning up finds them",
    ),
)
"""What adapters need that register by a Service."""
NOWHERE_WRITTEN = "nothing in the cluster says where it keeps its metrics"
"""What collectors say as `elsewhere` whose own objects name no store."""


def served_version(inventory: Inventory, group: str, *plurals: str) -> str:
    """The preferred served version of the first of these resources that is served; "" if none is."""
    return next((v for p in plurals for v in inventory.versions(group, p)[:1]), "")


def seconds(duration: str) -> float:
    """Seconds of a duration as Prometheus writes it ("1m30s"); 0.0 for anything else."""
    unit = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(n) * unit[u] for n, u in re.findall(r"(\d+)(ms|h|m|s)", duration))
