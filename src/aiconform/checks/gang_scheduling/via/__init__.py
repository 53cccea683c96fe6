"""What an adapter for a gang scheduling product must offer. Adapters build manifests and read objects.

They never call the cluster and never judge: `observe` creates what they return, in order, and records what
they read. One module per product; each exports MECHANISM.
"""

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

from aiconform.model import Mechanism

Manifest = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a gang is to run, and what is free there now.

    `resource` is what the accelerators are counted by: an extended resource, or a device class of DRA; "" for
    cpu only. `units` accelerators and `cpu` millicores are free for the gang. `detected` holds the facts of the
    adapter's own Detection.
    """

    run: str
    namespace: str
    node: str
    hostname: str
    taints: tuple[dict[str, Any], ...]
    resource: str
    units: int
    cpu: int
    detected: dict[str, Any] = field(default_factory=dict)


class GangMechanism(Mechanism, Protocol):
    """An adapter.

    `atomicity`: whether the mechanism reserves places on nodes or only counts a quota.
    `watched`: (api version, plural) of the namespaced objects in which it tells what it does.
    """

    product: str
    atomicity: Literal["placement", "quota"]
    watched: tuple[tuple[str, str], ...]

    def prepare(self, place: Place) -> list[Manifest]:
        """Objects that must exist before any gang: queues, flavours. Often none."""

    def resize(self, place: Place) -> list[Manifest]:
        """Merge patches, each with apiVersion, kind and metadata, that make a quota equal to what is free."""

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        """All objects of a gang of these pods, in the order of creation. What has pods in it comes last."""

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        """A gang of `size` pods like this one, whose lost members a controller replaces."""

    def dropped(self, pod: Manifest) -> str:
        """What a stored member lacks to belong to its gang, in words; "" if it belongs."""

    def stands_in(self, pod: Manifest) -> bool:
        """Whether this pod only holds a place for a member (a placeholder), and is no member itself."""

    def signs(self, name: str, objects: list[Manifest]) -> list[str]:
        """What the mechanism itself has said about the gang `name` in its objects, in words."""


def mechanisms() -> tuple[GangMechanism, ...]:
    """Every adapter in this folder, by module name."""
    found = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return tuple(cast(GangMechanism, m.MECHANISM) for m in found if hasattr(m, "MECHANISM"))
