"""What is known of each vendor: how its exporters speak, and what puts a load on its devices.

Facts marked † come from documentation or from other people's code and were not tried on hardware.
"""

import importlib
import pkgutil
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from aiconform.checks.accelerator_metrics.families import Family
from aiconform.model import Detection, Inventory


@dataclass(frozen=True, kw_only=True)
class Burner:
    """A script that allocates memory of the granted device and computes on it. See manifests/.

    `bytes`: how much it allocates at most. `settings` is passed on to it, `env` to its container. `cpu`, `memory`:
    what its pod asks for.
    """

    script: str
    bytes: int
    settings: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    cpu: str = "100m"
    memory: str = "128Mi"


class Vendor(Protocol):
    """One vendor. Pure: data only.

    `ports`: where its exporters listen if nobody changed that. `burner` is None where nothing can put a load on its
    devices.
    """

    product: str
    proved: str
    families: tuple[Family, ...]
    ports: tuple[int, ...]
    burner: Burner | None

    def detect(self, inventory: Inventory) -> Detection:
        """Whether accelerators of this vendor are here."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A vendor as data."""

    product: str
    proved: str
    families: tuple[Family, ...] = ()
    ports: tuple[int, ...] = ()
    burner: Burner | None = None

    def detect(self, inventory: Inventory) -> Detection:
        found = sorted(a.id for a in inventory.accelerators if a.vendor == self.product)
        because = f"accelerators: {', '.join(found)}" if found else f"no accelerator of {self.product} was found"
        return Detection(usable=bool(found), because=because)


NO_BURNER = "families from documentation; no burner yet, so utilisation and memory are not tried"


@cache
def vendors() -> tuple[Vendor, ...]:
    """Every vendor of this folder, by module names."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}").MECHANISM for name in names)
