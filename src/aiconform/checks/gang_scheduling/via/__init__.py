"""What an adapter for a gang scheduling product must offer. Adapters build manifests and read objects.

They never call the cluster and never judge: `observe` creates what they return, in order, and records what
they read. One module per product; each exports MECHANISM. `defaults.py` holds what most of them share.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

from aiconform.model import Mechanism, Permission

Manifest = dict[str, Any]
Watched = tuple[tuple[str, str], ...]

# In what ways a pod asks for accelerators (model.Accelerator.form).
EXTENDED = ("device-plugin", "dra-extended")
EVERY_FORM = (*EXTENDED, "dra")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a gang is to run, and what is free there now.

    `resource` is what the accelerators are counted by: an extended resource, or a device class of DRA; "" for
    cpu only. `units` accelerators and `cpu` millicores are free for the gang. `detected` holds the facts of the
    adapter's own Detection, and `scheduler` if the user named one (PRODUCT:SCHEDULER).
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

    `proved`: on which version it was run for real, and where; or that it was not yet.
    `tried`: whether it is tried wherever it is found, or only if the user names it.
    `atomicity`: whether the mechanism reserves places on nodes or only counts a quota.
    `forms`: the ways of asking for accelerators that it can count.
    `unlike`: whether a gang may have members of different shapes.
    `ends`: whether members that have succeeded stay so (False: they are started again).
    `permissions`: what its own objects need, beside the check's permissions.
    `remedies`: clause -> a sentence on what an operator of this mechanism can do if the clause fails.
    """

    product: str
    proved: str
    tried: Literal["where found", "if named"]
    atomicity: Literal["placement", "quota"]
    forms: tuple[str, ...]
    unlike: bool
    ends: bool
    permissions: tuple[Permission, ...]
    remedies: Mapping[str, str]

    def watched(self, detected: dict[str, Any]) -> Watched:
        """(api version, plural) of the namespaced objects in which it tells what it does."""

    def prepare(self, place: Place) -> list[Manifest]:
        """Objects that must exist before any gang: queues, flavours. Often none."""

    def resize(self, place: Place) -> list[Manifest]:
        """Merge patches, each with apiVersion, kind and metadata, that make a quota equal to what is free."""

    def lone(self, place: Place, pod: Manifest) -> Manifest | None:
        """This pod, outside any gang, for the mechanism's own scheduler; None if it has none of its own."""

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        """All objects of a gang of these pods, in the order of creation. What has pods in it comes last."""

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        """A gang of `size` pods like this one, whose lost members a controller replaces."""

    def dropped(self, stored: Manifest) -> str:
        """What a stored member (or what makes members) lacks to be in its gang, in words; "" if nothing."""

    def unseen(self, name: str, objects: list[Manifest]) -> str:
        """What a gang that never started lacks, if the mechanism took no part in it at all; "" if it did.

        Only for mechanisms that make an object for each gang; the others cannot tell.
        """

    def stands_in(self, pod: Manifest) -> bool:
        """Whether this pod only holds a place for a member (a placeholder), and is no member itself."""

    def ends_with(self, place: Place, stored: list[Manifest]) -> list[Manifest]:
        """The mechanism's own objects that must go before these can: they hold finalizers. Mostly none."""

    def signs(self, name: str, objects: list[Manifest]) -> list[str]:
        """What the mechanism itself has said about the gang `name` in its objects, in words."""


def mechanisms() -> tuple[GangMechanism, ...]:
    """Every adapter in this folder, by module name."""
    found = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return tuple(cast(GangMechanism, m.MECHANISM) for m in found if hasattr(m, "MECHANISM"))


def pod_templates(manifest: Manifest) -> Iterator[Manifest]:
    """The pod itself, or every pod template inside a workload: dicts with `spec.containers`, to be changed or read."""
    if manifest.get("kind") == "Pod":
        yield manifest
    else:
        yield from _inside(manifest.get("spec"))


def _inside(part: Any) -> Iterator[Manifest]:
    if isinstance(part, list):
        for item in part:
            yield from _inside(item)
    elif isinstance(part, dict):
        if isinstance(part.get("spec"), dict) and "containers" in part["spec"]:
            yield part
        else:
            for value in part.values():
                yield from _inside(value)
