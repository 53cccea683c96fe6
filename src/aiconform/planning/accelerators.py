"""Accelerators to choose from, and the nodes that have them."""

from collections.abc import Collection, Iterable
from typing import Any

from aiconform.model import Accelerator, Node, decode, encode
from aiconform.planning.claims import NO_LOAD, Load, used

# How a pod asks; plain extended resources come first: every platform's controllers and policies know them.
FORMS = ("device-plugin", "dra", "dra-extended")


def called(accelerators: Iterable[Accelerator], names: Collection[str], *, vendors: bool = False) -> list[Accelerator]:
    """Those that have one of these names: id, resource, class or driver (or vendor). All, if there are no names."""
    wanted = set(names)
    return [a for a in accelerators if not wanted or wanted & _names(a, vendors)]


def _names(a: Accelerator, vendors: bool) -> set[str]:
    return {a.id, a.resource, a.device_class, a.driver, a.vendor if vendors else ""} - {"", "unknown"}


def nowhere(a: Accelerator) -> tuple[str, str]:
    """Why an accelerator is not tried: it is on no node that may be used."""
    return "no-accelerator", f"no node that is Ready, schedulable and selected advertises {a.id}"


def richest(a: Accelerator, nodes: Iterable[Node], load: Load = NO_LOAD) -> list[Node]:
    """Those of the nodes that have units of it, the most units first, then the least used, then by name."""
    there = [n for n in nodes if a.nodes.get(n.name, 0) > 0]
    return sorted(there, key=lambda n: (-a.nodes[n.name], used(n, load), n.name))


def as_fact(a: Accelerator) -> dict[str, Any]:
    """It, as the JSON values that a recording keeps."""
    return decode(encode(a), dict[str, Any])
