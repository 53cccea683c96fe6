"""What every reader is given: the objects, both clusters, and what the user maps by hand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any

import yaml

from aiconform.porting.manifests import Object, mapping
from aiconform.porting.offers import Offers
from aiconform.porting.pods import Pod, pods
from aiconform.porting.textedit import Path


@cache
def kinds() -> dict[str, Any]:
    """The table `kinds.yaml`."""
    text = resources.files(__package__).joinpath("kinds.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return data


@dataclass(frozen=True)
class Scene:
    """`maps` is what the user wrote as --map FROM=TO. `notes` collects what decides nothing."""

    objects: tuple[Object, ...]
    target: Offers
    source: Offers | None = None
    maps: Mapping[str, str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    # Namespace -> the claim templates that are made in it: their specs as JSON -> their names.
    templates: dict[str, dict[str, str]] = field(default_factory=dict)

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        return tuple(p for o in self.objects for p in pods(o))

    def brings(self, kind: str, name: str, namespace: str = "") -> bool:
        """Whether the manifests hold this object. Without a namespace on either side, the name is enough."""
        return any(not namespace or o.namespace in ("", namespace) for o in self.called(kind, name))

    def called(self, kind: str, name: str) -> list[Object]:
        """The manifests' objects of this kind and name, in any namespace."""
        return self.by_name(kind).get(name, [])

    def by_name(self, kind: str) -> Mapping[str, list[Object]]:
        """The manifests' objects of a kind, by their names."""
        return self._by_kind.get(kind, {})

    @cached_property
    def _by_kind(self) -> dict[str, dict[str, list[Object]]]:
        # Thousands of objects name each other: looking through all of them each time takes minutes.
        found: dict[str, dict[str, list[Object]]] = {}
        for o in self.objects:
            found.setdefault(o.kind, {}).setdefault(o.name, []).append(o)
        return found

    def note(self, text: str) -> None:
        self.notes[text] = None

    @cached_property
    def crds(self) -> frozenset[tuple[str, str]]:
        """(group, kind) of the CustomResourceDefinitions in the manifests."""
        found = [mapping(o.data.get("spec")) for o in self.objects if o.kind == "CustomResourceDefinition"]
        return frozenset((str(s.get("group")), str(mapping(s.get("names")).get("kind"))) for s in found)


def each(data: Any, where: str) -> Iterator[tuple[Path, Any]]:
    """(path, value) of everything at a dotted path, in which "*" is every item of a list or value of a mapping."""
    found: list[tuple[Path, Any]] = [((), data)]
    for name in where.split("."):
        found = [((*path, step), value) for path, d in found for step, value in _steps(d, name)]
    yield from (f for f in found if f[1] is not None)


def _steps(data: Any, name: str) -> list[tuple[str | int, Any]]:
    if name != "*":
        return [(name, data[name])] if isinstance(data, dict) and name in data else []
    if isinstance(data, list):
        return list(enumerate(data))
    return list(data.items()) if isinstance(data, dict) else []


def requirement(group: str) -> str:
    """The row of the checklist that an API group belongs to, "" if none does."""
    rows: dict[str, str] = kinds()["rows"]
    return next((row for end, row in rows.items() if group == end or group.endswith(f".{end}")), "")
