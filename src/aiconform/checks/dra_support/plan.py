"""What is tried: the API alone, or the API and one device of each known driver. Pure."""

from dataclasses import asdict
from typing import Any

from aiconform.checks.dra_support.check import CHECK
from aiconform.model import Accelerator, Attempt, Gap, Inventory, Level, Node, Options

GROUP = "resource.k8s.io"
_VERSIONS = ("v1", "v1beta2", "v1beta1")
# The one checklist that accepts beta versions: v1 came with Kubernetes 1.34.
_BETA_CHECKLIST = 33
_CANDIDATES = 3
_POOL = "resource pool "


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt for each driver with a complete pool; without any, one at the API alone."""
    version, required = _version(inventory, options)
    base = {"mechanism": version, "required": required}
    nodes = [n for n in inventory.nodes if _usable(n, options)]
    unread = _unread(inventory.gaps)
    if unread is not None:
        return [_attempt("api", base, options, level, unable=unread)]
    if not nodes:
        return [_attempt("api", base, options, level, unable=("no-node", "no Linux node is Ready and schedulable"))]
    served = inventory.serves(GROUP, version, "resourceclaims")
    drivers = [a for a in inventory.accelerators if a.form == "dra"] if served else []
    wanted = [a for a in drivers if _chosen(a, options)]
    if options.accelerator and drivers and not wanted:
        why = f"no accelerator that is asked for by claims is called {', '.join(options.accelerator)} here"
        return [_attempt("api", base, options, level, unable=("no-accelerator", why))]
    if not wanted:
        facts = {
            **base,
            "accelerator": None,
            "nodes": [_node(n) for n in sorted(nodes, key=lambda n: (len(n.taints), n.name))[:_CANDIDATES]],
            "incomplete": sorted(g.what.removeprefix(_POOL) for g in inventory.gaps if g.what.startswith(_POOL)),
        }
        return [_attempt("api", facts, options, level)]
    return [_with_devices(a, nodes, base, options, level) for a in wanted]


def _version(inventory: Inventory, options: Options) -> tuple[str, str]:
    """(the version to speak, "v1" or "any": what the checklist asks for)."""
    name = options.checklist.removeprefix("v").removeprefix("1.")
    minor = int(name) if name.isdigit() else inventory.minor
    forced = options.mechanism.get(CHECK.requirement, "")
    best = next((v for v in _VERSIONS if inventory.serves(GROUP, v, "resourceclaims")), _VERSIONS[0])
    return forced or best, "any" if minor <= _BETA_CHECKLIST else "v1"


def _unread(gaps: tuple[Gap, ...]) -> tuple[str, str] | None:
    """Why it is not known whether there are devices; None if it is. A gap is never taken for emptiness."""
    for gap in gaps:
        if gap.what.split(".")[0] in ("nodes", "resourceslices", "deviceclasses"):
            return "rbac-denied", f"whether there are devices could not be read: {gap.what}: {gap.why}"
    return None


def _usable(node: Node, options: Options) -> bool:
    return (
        node.ready
        and not node.unschedulable
        and node.labels.get("kubernetes.io/os", "linux") == "linux"
        and options.node_selector.items() <= node.labels.items()
    )


def _chosen(a: Accelerator, options: Options) -> bool:
    """A driver that nobody knows is tried only if the user names it: its devices need not be accelerators."""
    names = {a.id, a.device_class, a.driver, a.vendor} - {"", "unknown"}
    return bool(names & set(options.accelerator)) if options.accelerator else a.recognised


def _with_devices(a: Accelerator, nodes: list[Node], base: dict[str, Any], options: Options, level: Level) -> Attempt:
    there = sorted((n for n in nodes if a.nodes.get(n.name)), key=lambda n: (-a.nodes[n.name], n.name))
    if not there:
        why = f"no node that is Ready, schedulable and selected has devices of {a.driver}"
        return _attempt(a.id, base, options, level, unable=("no-accelerator", why))
    facts = {**base, "accelerator": asdict(a), "nodes": [_node(n) for n in there[:_CANDIDATES]]}
    return _attempt(a.id, facts, options, level)


def _node(n: Node) -> dict[str, Any]:
    return {
        "name": n.name,
        "hostname": n.labels.get("kubernetes.io/hostname", n.name),
        "taints": [dict(t) for t in n.taints],
    }


def _attempt(
    via: str, facts: dict[str, Any], options: Options, level: Level, unable: tuple[str, str] | None = None
) -> Attempt:
    holds = tuple(f"node/{n['name']}" for n in facts.get("nodes", ())) if facts.get("accelerator") else ()
    return Attempt(
        id=f"{CHECK.requirement}.{via}",
        check=CHECK.requirement,
        via=via,
        level=level,
        holds=holds,
        settings=options.settings_for(CHECK),
        facts=facts,
        minutes=0.0 if unable else (CHECK.minutes if facts.get("accelerator") else 1.5),
        disruption=CHECK.disruption,
        unable=unable,
    )
