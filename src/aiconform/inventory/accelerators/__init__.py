"""What is known about each vendor's accelerators, as data: one small module a vendor, found by scanning.

Each module exports `ADAPTER`. Nothing outside this folder (and the product table) names a vendor.

Facts marked † come from memory of a vendor's documentation and were not tried on its hardware.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from aiconform.model import ProbeHints

# A DeviceClass without `extendedResourceName` is still asked for by this prefix and its own name (KEP-5004).
IMPLICIT_PREFIX = "deviceclass.resource.kubernetes.io/"


def _no_model(_labels: Mapping[str, str]) -> str:
    return ""


def _whole(_resource: str, _attributes: Mapping[str, Any], _model: str) -> str:
    return ""


def _never_shared(_resource: str, _labels: Mapping[str, str]) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One vendor.

    `resources`: glob patterns of extended resource names. `drivers`: DRA driver names. `classes`: the
    DeviceClasses that the vendor's own chart makes. `shared(resource, node labels)`: whether one unit is a
    share of a device. `model(node labels)`: the product's name, "" if the labels do not say. `model_labels`: where
    it stands. `presence_labels`: labels that say only that a node has such a device. `part(resource, attributes,
    model)`: which partition of a device one unit is, "" for a whole one; `part_attribute`: where a device says so.
    """

    vendor: str
    resources: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    hints: ProbeHints
    shared: Callable[[str, Mapping[str, str]], bool] = _never_shared
    model: Callable[[Mapping[str, str]], str] = _no_model
    model_labels: tuple[str, ...] = ()
    presence_labels: tuple[str, ...] = ()
    part: Callable[[str, Mapping[str, Any], str], str] = _whole
    part_attribute: str = ""

    def knows(self, resource: str = "", driver: str = "") -> bool:
        """Whether this vendor's adapter covers an extended resource or a DRA driver."""
        if driver and driver in self.drivers:
            return True
        if resource.startswith(IMPLICIT_PREFIX):
            return resource.removeprefix(IMPLICIT_PREFIX) in self.classes
        return bool(resource) and any(fnmatchcase(resource, pattern) for pattern in self.resources)


def first_label(labels: Mapping[str, str], *names: str) -> str:
    """The value of the first of these labels that a node has."""
    return next((labels[n] for n in names if labels.get(n)), "")


@cache
def adapters() -> tuple[Adapter, ...]:
    """Every adapter of this folder, in order of module names."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}").ADAPTER for name in names)


@cache
def recognise(resource: str = "", driver: str = "") -> Adapter | None:
    """The adapter for an extended resource or a DRA driver; None if no vendor's adapter covers it."""
    return next((a for a in adapters() if a.knows(resource, driver)), None)
