"""What is tried: each accelerator, in each form that a pod can ask for it, on one node. Pure."""

from dataclasses import asdict
from typing import Any

from aiconform.checks.secure_accelerator_access.check import CHECK
from aiconform.model import Accelerator, Attempt, Inventory, Level, Node, Options

# RuntimeClasses tried with the vendor's variable, at most; those that look like the vendor's come first.
MOST_CLASSES = 6
# A driver's unit count says nothing about how many we may take: enough for two holders and a look at reuse.
MOST_UNITS = 4


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt an accelerator and form; a single one that says why, if there is none to try."""
    wanted = [a for a in inventory.accelerators if _chosen(a, options)]
    if not wanted:
        return [_nothing(inventory, options, level)]
    return [_attempt(a, inventory, options, level) for a in wanted]


def _chosen(a: Accelerator, options: Options) -> bool:
    names = {a.id, a.resource, a.device_class, a.driver, a.vendor} - {""}
    return not options.accelerator or bool(names & set(options.accelerator))


def _nothing(inventory: Inventory, options: Options, level: Level) -> Attempt:
    gaps = "; ".join(f"{g.what}: {g.why}" for g in inventory.gaps)
    because = "no accelerator was found in ResourceSlices or node allocatable"
    if options.accelerator and inventory.accelerators:
        because = f"no accelerator is called {', '.join(options.accelerator)} here"
    elif gaps:
        because += f" (not everything could be read: {gaps})"
    return _made("none", (), {}, options, level, unable=("no-accelerator", because))


def _attempt(a: Accelerator, inventory: Inventory, options: Options, level: Level) -> Attempt:
    if a.form != "device-plugin" and not inventory.serves("resource.k8s.io", "v1", "resourceclaims"):
        because = "the cluster does not serve resource.k8s.io/v1, which claims need (Kubernetes 1.34)"
        return _made(a.id, (), {}, options, level, unable=("mechanism-not-found", because))
    node = choose_node(a, inventory, options)
    if node is None:
        because = f"no Ready, schedulable node that was selected advertises {a.id}"
        return _made(a.id, (), {}, options, level, unable=("no-accelerator", because))
    facts: dict[str, Any] = {
        "mechanism": "dra" if a.form == "dra" else "extended",
        "node": node.name,
        "hostname": node.labels.get("kubernetes.io/hostname", node.name),
        "taints": [dict(t) for t in node.taints],
        "kernel": node.kernel,
        "units": a.nodes[node.name],
        "most_units": a.nodes[node.name] if "extended" in options.allow else MOST_UNITS,
        "accelerator": asdict(a),
        "runtime_classes": runtime_classes(a, inventory),
    }
    return _made(a.id, (f"node/{node.name}",), facts, options, level)


def choose_node(a: Accelerator, inventory: Inventory, options: Options) -> Node | None:
    """The Ready, uncordoned, selected node with most units; by name among equals."""
    nodes = [
        n
        for n in inventory.nodes
        if a.nodes.get(n.name, 0) > 0
        and n.ready
        and not n.unschedulable
        and options.node_selector.items() <= n.labels.items()
    ]
    return min(nodes, key=lambda n: (-a.nodes[n.name], n.name), default=None)


def runtime_classes(a: Accelerator, inventory: Inventory) -> list[str]:
    """Names of RuntimeClasses to try with the vendor's variable."""
    handlers: dict[str, str] = inventory.facts.get("runtime_classes", {})

    def rank(name: str) -> tuple[bool, str]:
        return (a.vendor not in f"{name} {handlers[name]}", name)

    return sorted(handlers, key=rank)[:MOST_CLASSES]


def _made(
    via: str,
    holds: tuple[str, ...],
    facts: dict[str, Any],
    options: Options,
    level: Level,
    unable: tuple[str, str] | None = None,
) -> Attempt:
    return Attempt(
        id=f"{CHECK.requirement}.{via}",
        check=CHECK.requirement,
        via=via,
        level=level,
        holds=holds,
        settings=options.settings_for(CHECK),
        facts=facts,
        minutes=0.0 if unable else CHECK.minutes,
        disruption=CHECK.disruption,
        unable=unable,
    )
