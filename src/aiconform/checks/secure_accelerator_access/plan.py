"""What is tried: each accelerator, in each form that a pod can ask for it, on one node of a few. Pure."""

from dataclasses import asdict
from typing import Any

from aiconform.checks.secure_accelerator_access.check import CHECK
from aiconform.model import Accelerator, Attempt, Inventory, Level, Options
from aiconform.planning import Planner, claims, nowhere, on, simulated

# RuntimeClasses tried with the vendor's variable, at most; those that look like the vendor's come first.
MOST_CLASSES = 6
# A driver's unit count says nothing about how many we may take: enough for two holders and a look at reuse.
MOST_UNITS = 4
_CANDIDATES = 3


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt an accelerator and form; a single one that says why, if there is none to try."""
    p = Planner(check=CHECK, inventory=inventory, options=options, level=level)
    wanted = p.called(vendors=True)
    if not wanted:
        return [p.attempt("none", unable=p.no_accelerator())]
    return [_attempt(p, a) for a in wanted]


def _attempt(p: Planner, a: Accelerator) -> Attempt:
    if a.form != "device-plugin" and not p.inventory.serves("resource.k8s.io", "v1", "resourceclaims"):
        because = "the cluster does not serve resource.k8s.io/v1, which claims need (Kubernetes 1.34)"
        return p.attempt(a.id, unable=("mechanism-not-found", because))
    nodes = sorted(p.richest(a, p.usable()), key=simulated)[:_CANDIDATES]
    if not nodes:
        return p.attempt(a.id, unable=nowhere(a))
    node, *others = nodes
    facts: dict[str, Any] = {
        "mechanism": "dra" if a.form == "dra" else "extended",
        **on(node),
        "kernel": node.kernel,
        # For the case that others use all units of that one.
        "others": [on(n) | {"kernel": n.kernel} for n in others],
        "units": a.nodes[node.name],
        "most_units": a.nodes[node.name] if "extended" in p.options.allow else MOST_UNITS,
        "accelerator": asdict(a),
        "runtime_classes": runtime_classes(a, p.inventory)[:MOST_CLASSES],
        "more_runtime_classes": runtime_classes(a, p.inventory)[MOST_CLASSES:],
    }
    return p.attempt(a.id, facts, holds=claims.accelerators(nodes), spare=claims.accelerators(others))


def runtime_classes(a: Accelerator, inventory: Inventory) -> list[str]:
    """Names of RuntimeClasses to try with the vendor's variable, the most telling first."""
    handlers: dict[str, str] = inventory.facts.get("runtime_classes", {})

    def rank(name: str) -> tuple[bool, str]:
        return (a.vendor not in f"{name} {handlers[name]}", name)

    return sorted(handlers, key=rank)
