"""What an adapter for an autoscaler must offer. It explains; it decides nothing and never calls the cluster.

The check watches nodes and pods itself. An adapter only says which of the product's objects are worth watching,
and reads out of them, and out of the events on the check's pods, why something has (not) happened.
"""

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from aiconform.model import Detection, Inventory, Mechanism, Permission

Manifest = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What an adapter may look at.

    `objects`: "plural.group" -> objects that `watched` named. `events`: core events on the check's pods. `readings`:
    "namespace/name" -> ConfigMap that `configmaps` named, where it is there. `node`: the added node, or {}.
    """

    objects: dict[str, list[Manifest]] = field(default_factory=dict)
    events: list[Manifest] = field(default_factory=list)
    readings: dict[str, Manifest] = field(default_factory=dict)
    node: Manifest = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the product says, in words.

    `signs`: that it is at work. `blocked`: why it cannot add now, and it is nobody's fault: quota, limit, stock-out.
    `refused`: that none of its groups fits. `coming`: machines on their way. `keeps`: what in its own settings keeps
    `node`. `delay`: seconds that it says it waits before it removes an idle node (0: it does not say). `tolerate`:
    taints that its new nodes have for good; `startup`: taints that somebody takes away when the node is ready.
    """

    signs: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    coming: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    delay: float = 0.0
    tolerate: tuple[dict[str, Any], ...] = ()
    startup: tuple[dict[str, Any], ...] = ()


class ScalingMechanism(Mechanism, Protocol):
    """An adapter. `configmaps`: (namespace, name) in which it reports its state."""

    product: str
    configmaps: tuple[tuple[str, str], ...]
    permissions: tuple[Permission, ...]

    def watched(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """(api version, plural) of its objects; `served` lists "plural.group/version" of the cluster."""

    def read(self, scene: Scene) -> Reading:
        """What it says now."""


# Annotations that forbid the disruption of a pod; each is harmless where its product is not.
PROTECT = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}


def said_by(event: Manifest, *names: str) -> bool:
    """Whether an event comes from a component of one of these names."""
    source = (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
    return source in names


def mechanisms() -> tuple[ScalingMechanism, ...]:
    """Every adapter in this folder, by module name."""
    found = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return tuple(cast(ScalingMechanism, m.MECHANISM) for m in found if hasattr(m, "MECHANISM"))


def by_preference(inventory: Inventory) -> list[tuple[ScalingMechanism, Detection]]:
    """All adapters with what they found; the one to believe first. Own kinds tell more than a platform's name."""
    order = ("karpenter", "cluster_api", "cluster_autoscaler", "managed")
    known = {m.product: m for m in mechanisms()}
    names = [n for n in order if n in known] + sorted(set(known) - set(order) - {"none"})
    return [(known[n], known[n].detect(inventory)) for n in names]
