"""What an adapter for an implementation of Gateway API must offer. Adapters build manifests and read conditions.

They never call the cluster and never judge.
"""

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from aiconform.model import Detection, Inventory, Mechanism

Manifest = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a route. `headers`: name -> exact value. `backends`: (Service, weight); `namespace` of all of them
    ("" for the route's own)."""

    backends: tuple[tuple[str, int], ...]
    headers: dict[str, str] = field(default_factory=dict)
    namespace: str = ""


class GatewayMechanism(Mechanism, Protocol):
    """An adapter. `proved`: on which implementations it was run for real. `named_in_cluster`: users choose by the name
    of a class, not by `product`."""

    product: str
    named_in_cluster: bool
    proved: str

    def detect(self, inventory: Inventory) -> Detection:
        """Whether the kinds are served."""

    def spared(self, name: str, controller: str) -> str:
        """Why a class is tried only if the user names it; "" for one that is tried where it is found."""

    def gateway(self, name: str, gateway_class: str, port: int) -> Manifest:
        """A Gateway with one HTTP listener for routes of its own namespace."""

    def route(self, name: str, gateway: str, host: str, rules: tuple[Rule, ...]) -> Manifest:
        """A route of the Gateway for one host."""

    def rules(self, rules: tuple[Rule, ...]) -> list[Manifest]:
        """The rules as a patch of a route takes them."""

    def grant(self, name: str, route_namespace: str, service: str, version: str) -> Manifest:
        """Allows routes of a namespace to refer to a Service of the namespace that this is created in."""


def mechanisms() -> tuple[GatewayMechanism, ...]:
    """Every adapter in this folder, by module name."""
    found = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return tuple(cast(GatewayMechanism, m.MECHANISM) for m in found if hasattr(m, "MECHANISM"))
