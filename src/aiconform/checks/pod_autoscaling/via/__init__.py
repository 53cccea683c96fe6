"""What an adapter for a way of scaling on custom metrics must offer. It makes manifests and reads answers.

It never calls the cluster and never judges: `observe` creates what it returns, asks the metrics API where it says, and
records what it reads.
"""

import importlib
import pkgutil
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol, cast

from aiconform.checks.pod_autoscaling.quantities import number
from aiconform.model import Detection, Inventory, Mechanism, Permission

Manifest = dict[str, Any]

METRIC, LABEL = "aiconform_load", "aiconform_target"
CUSTOM, EXTERNAL = "custom.metrics.k8s.io", "external.metrics.k8s.io"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be scaled, and how. `target`: the load of one replica; `label`: the value of the metric's own label.

    `served`: the metrics APIs, "group/version". `prometheus`: the URL of one inside the cluster, "" if none is known.
    """

    name: str
    namespace: str
    least: int
    most: int
    target: int
    label: str
    served: tuple[str, ...]
    prometheus: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Where the metrics API is asked for the load: a URL path and its query."""

    path: str
    query: dict[str, str] = field(default_factory=dict)


class LoadMechanism(Mechanism, Protocol):
    """An adapter.

    `proved`: on which version it was run for real, and where; or that it was not yet.
    `tried`: whether it is tried wherever it is found, or only if the user names it.
    `total`: whether one pod exports the whole load (else each replica exports its own).
    `scaler_first`: whether the metric can be read only when the scaler is there.
    `needs_prometheus`: whether it asks a Prometheus itself, so that an address must be known.
    `brings`: whether the suite brings the metrics API, which asks the pods themselves.
    `permissions`: what its own calls need, beside the check's.
    """

    product: str
    proved: str
    tried: Literal["where found", "if named"]
    total: bool
    scaler_first: bool
    needs_prometheus: bool
    brings: bool
    permissions: tuple[Permission, ...]

    def scaler(self, wish: Wish) -> Manifest:
        """The autoscaler of the Deployment `wish.name`."""

    def to_none(self) -> Manifest | None:
        """The merge patch that lets the autoscaler go to no replica; None where the metric goes with the last one."""

    def question(self, wish: Wish) -> Question:
        """How to read what the autoscaler is told."""

    def changed(self, wish: Wish, stored: Manifest, autoscaler: Manifest) -> list[str]:
        """What is not as it was wished in the stored scaler and in its HorizontalPodAutoscaler, in words."""


def autoscaler(wish: Wish, metric: Manifest) -> Manifest:
    """A HorizontalPodAutoscaler with this metric, and without the five minutes of patience before it scales down."""
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": wish.name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": wish.name},
            "minReplicas": wish.least,
            "maxReplicas": wish.most,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
            "metrics": [metric],
        },
    }


TO_NONE: Manifest = {"spec": {"minReplicas": 0}}
"""What lets a HorizontalPodAutoscaler go to no replica, where the API server takes that."""


def differences(wanted: Any, stored: Any, where: str = "") -> list[str]:
    """Where `stored` is not what was wanted; what the server added does not count."""
    if isinstance(wanted, dict) and isinstance(stored, dict):
        return [d for k, v in wanted.items() for d in differences(v, stored.get(k), f"{where}.{k}".lstrip("."))]
    if isinstance(wanted, list) and isinstance(stored, list) and len(wanted) == len(stored):
        return [d for i, v in enumerate(wanted) for d in differences(v, stored[i], f"{where}[{i}]")]
    if wanted == stored or (
        isinstance(wanted, str) and number(wanted) is not None and number(wanted) == number(stored)
    ):
        return []
    return [f"{where} is {stored!r} instead of {wanted!r}"]


def loads(body: Any) -> dict[str, str]:
    """The values of a MetricValueList or ExternalMetricValueList by object, as plain decimals; {} for anything else.

    Several series of an external metric are added, as the autoscaler does: "" is then the name.
    """
    found: dict[str, Decimal] = {}
    for item in (body.get("items") or []) if isinstance(body, dict) else []:
        name = str((item.get("describedObject") or {}).get("name", ""))
        value = number(item.get("value"))
        if value is not None:
            found[name] = found.get(name, Decimal(0)) + value
    return {name: f"{value.normalize():f}" for name, value in sorted(found.items())}


def custom(inventory: Inventory) -> tuple[str, ...]:
    """Versions of the custom metrics API, the one that the autoscaler prefers first."""
    return tuple(v for v in ("v1beta2", "v1beta1") if serves(inventory, f"{CUSTOM}/{v}"))


def serves(inventory: Inventory, group_version: str) -> bool:
    """Whether a group is registered. Its list of resources may well be empty before there is any metric."""
    group, _, version = group_version.partition("/")
    listed = any((a.group, a.version) == (group, version) for a in inventory.apis)
    return listed or group_version in inventory.facts.get("groups", ())


def no_autoscaling(inventory: Inventory) -> Detection | None:
    """Not usable, where the API server has no HorizontalPodAutoscaler of version 2."""
    if inventory.serves("autoscaling", "v2", "horizontalpodautoscalers"):
        return None
    return Detection(usable=False, because="the API server does not serve horizontalpodautoscalers of autoscaling/v2")


def mechanisms() -> tuple[LoadMechanism, ...]:
    """Every adapter in this folder, by module name."""
    found = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return tuple(cast(LoadMechanism, m.MECHANISM) for m in found if hasattr(m, "MECHANISM"))
