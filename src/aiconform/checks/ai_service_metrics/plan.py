"""Which collectors are tried. Pure."""

from dataclasses import replace
from typing import Any

from aiconform.checks.ai_service_metrics.check import CHECK
from aiconform.checks.ai_service_metrics.via import CollectingMechanism, annotations, azure, gke, otel
from aiconform.checks.ai_service_metrics.via import prometheus_operator as operator
from aiconform.checks.ai_service_metrics.via import victoria_metrics as vm
from aiconform.model import Attempt, Detection, Inventory, Level, Options
from aiconform.planning import NO_NODE, Planner, claims, place, simulated

# What can be told by its own kinds; annotations are for where none of these is there.
_BY_KINDS: tuple[CollectingMechanism, ...] = (
    operator.MECHANISM,
    vm.MECHANISM,
    gke.MECHANISM,
    azure.MECHANISM,
    otel.MECHANISM,
)
_GROUPS = ("monitoring.coreos.com", "operator.victoriametrics.com", "opentelemetry.io", "networking.k8s.io")


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt for every collector's product that is found, or the one that the user names.

    --mechanism may name one of several collectors: PRODUCT:NAMESPACE/NAME.
    """
    p = Planner(check=CHECK, inventory=inventory, options=options, level=level)
    product, _, name = p.wanted.partition(":")
    everything: tuple[CollectingMechanism, ...] = (*_BY_KINDS, annotations.MECHANISM)
    known = [(m, m.detect(inventory)) for m in everything]
    if product:
        chosen = [(m, d) for m, d in known if m.product == product]
    else:
        chosen = [(m, d) for m, d in known[:-1] if d.usable] or known[-1:]
    return [_attempt(p, m, d, name) for m, d in chosen]


def _attempt(p: Planner, mechanism: CollectingMechanism, detection: Detection, name: str) -> Attempt:
    nodes = [n for n in p.gentlest() if not simulated(n)][:2]
    unable = None if detection.usable else ("mechanism-not-found", detection.because)
    facts: dict[str, Any] = {
        "mechanism": mechanism.product,
        "detected": detection.because,
        # Whoever names the mechanism says that it is how the platform collects metrics.
        "claimed": bool(p.wanted),
        "wanted": name,
        "served": sorted(f"{a.plural}.{a.group}/{a.version}" for a in p.inventory.apis if a.group in _GROUPS),
        "nodes": [place(n) for n in nodes],
    }
    made = p.attempt(mechanism.product, facts, unable=unable if nodes else unable or NO_NODE, shares=claims.room(nodes))
    asked = {"url": p.options.metrics_url, "token_file": p.options.metrics_token_file}
    return replace(made, settings=made.settings | {"metrics": asked})
