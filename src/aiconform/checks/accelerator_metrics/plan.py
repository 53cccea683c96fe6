"""What is tried: each accelerator on one node, whatever its vendor. Pure."""

from dataclasses import asdict
from typing import Any

from aiconform.checks.accelerator_metrics.check import CHECK
from aiconform.checks.accelerator_metrics.via import Vendor, vendors
from aiconform.model import Accelerator, Attempt, Inventory, Level, Options
from aiconform.planning import Planner, claims, nowhere, on


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt an accelerator; a single one that says why, if there is none to try."""
    p = Planner(check=CHECK, inventory=inventory, options=options, level=level)
    wanted = _once(p.called(vendors=True))
    if not wanted:
        return [p.attempt("none", unable=p.no_accelerator())]
    return [_attempt(p, a) for a in wanted]


def _once(found: list[Accelerator]) -> list[Accelerator]:
    """Without further ways of asking for devices that a claim gets as well: they have the same metrics."""
    claimed = {a.driver for a in found if a.form == "dra"}
    return [a for a in found if a.form != "dra-extended" or a.driver not in claimed]


def _attempt(p: Planner, a: Accelerator) -> Attempt:
    nodes = p.richest(a, p.schedulable())
    if not nodes:
        return p.attempt(a.id, unable=nowhere(a))
    node = nodes[0]
    wanted, _, endpoint = p.wanted.partition(":")
    vendor = vendor_of(a, wanted)
    # Names may be those of somebody else (OpenTelemetry); what makes the load must fit the device.
    burner = vendor.burner or vendor_of(a).burner
    facts: dict[str, Any] = {
        "mechanism": vendor.product,
        "endpoint": endpoint,
        "families": [asdict(f) for f in known_families(vendor)],
        "ports": sorted({port for v in vendors() for port in v.ports}),
        "burner": asdict(burner) if burner else None,
        **on(node),
        "units": a.nodes[node.name],
        "nodes": len({name for other in p.inventory.accelerators for name in other.nodes}),
        "claims": max(p.inventory.versions("resource.k8s.io", "resourceclaims"), default="", key=_newest),
        "accelerator": asdict(a),
    }
    return p.attempt(a.id, facts, holds=claims.accelerators([node]))


def _newest(version: str) -> tuple[bool, str]:
    return ("beta" not in version, version)


def vendor_of(a: Accelerator, wanted: str = "") -> Vendor:
    """The adapter that the user named, else that of the accelerator's vendor, else the one for unknown ones."""
    known = {v.product: v for v in vendors()}
    return known.get(wanted) or known.get(a.vendor) or known["unrecognised"]


def known_families(vendor: Vendor) -> list[Any]:
    """The vendor's own families and those of no vendor; all that are known where the vendor has none of its own."""
    known = {v.product: v for v in vendors()}
    if vendor.families:
        return [*vendor.families, *(f for f in known["opentelemetry"].families if f not in vendor.families)]
    return [f for v in vendors() for f in v.families]
