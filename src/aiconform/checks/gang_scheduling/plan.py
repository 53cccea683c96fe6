"""Which mechanism is tried, on which node, with which accelerators. Pure."""

from typing import Any

from aiconform.checks.gang_scheduling.check import CHECK
from aiconform.checks.gang_scheduling.via import GangMechanism, mechanisms
from aiconform.model import Accelerator, Attempt, Detection, Inventory, Level, Node, Options, decode, encode

# A gang of more than this many members proves nothing more, and holds more of other people's accelerators.
_LARGEST = 4
_CANDIDATES = 3
_FORMS = ("device-plugin", "dra", "dra-extended")
# Other policy APIs that can forbid pod-to-pod traffic; told by their plural, whoever makes them.
_POLICIES = "networkpolicies"


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt for every mechanism that was detected; one that says why, if there is none."""
    wanted, _, scheduler = options.mechanism.get(CHECK.requirement, "").partition(":")
    known = mechanisms()
    if wanted and wanted not in {m.product for m in known}:
        have = ", ".join(m.product for m in known)
        why = f"there is no adapter for {wanted}: choose one of {have} with --mechanism"
        return [_attempt(wanted, options, level, unable=("mechanism-not-found", why))]
    chosen = [m for m in known if m.product == wanted or (not wanted and m.tried == "where found")]
    detected = [(m, m.detect(inventory)) for m in chosen]
    if not any(d.usable for _, d in detected):
        why = "no gang scheduling mechanism was found: " + "; ".join(f"{m.product}: {d.because}" for m, d in detected)
        via = chosen[0].product if len(chosen) == 1 else "none"
        return [_attempt(via, options, level, unable=("mechanism-not-found", why))]
    return [_tried(m, d, inventory, options, level, scheduler) for m, d in detected if d.usable]


def _tried(
    mechanism: GangMechanism, found: Detection, inventory: Inventory, options: Options, level: Level, scheduler: str
) -> Attempt:
    """The attempt for a mechanism that was found. `scheduler` is its scheduler's name, if the user gave one."""
    where, unable = _where(inventory, options, mechanism)
    detected = {**found.facts, "because": found.because, "version": found.version, "scheduler": scheduler}
    facts = {**where, **_about(mechanism, inventory), "detected": detected}
    return _attempt(mechanism.product, options, level, unable=unable, facts=facts)


def _attempt(
    via: str,
    options: Options,
    level: Level,
    *,
    unable: tuple[str, str] | None = None,
    facts: dict[str, Any] | None = None,
) -> Attempt:
    facts = facts or {}
    return Attempt(
        id=f"{CHECK.requirement}.{via}",
        check=CHECK.requirement,
        via=via,
        level=level,
        holds=tuple(f"node/{n['name']}" for n in facts.get("nodes", ())),
        settings=options.settings_for(CHECK),
        facts=facts,
        minutes=0.0 if unable else CHECK.minutes + (10 if "extended" in options.allow else 0),
        disruption=CHECK.disruption,
        unable=unable,
    )


def _about(mechanism: GangMechanism, inventory: Inventory) -> dict[str, Any]:
    others = sorted(
        {f"{a.plural}.{a.group}" for a in inventory.apis if a.plural.endswith(_POLICIES)}
        - {f"{_POLICIES}.networking.k8s.io"}
    )
    return {"mechanism": mechanism.product, "atomicity": mechanism.atomicity, "policy_apis": others}


def _where(
    inventory: Inventory, options: Options, mechanism: GangMechanism
) -> tuple[dict[str, Any], tuple[str, str] | None]:
    """The accelerator (None: cpu only) and the candidate nodes, the best first; or why there are none."""
    usable = [n for n in inventory.nodes if _usable(n, options)]
    picked = [a for a in inventory.accelerators if _named(a, options)]
    if options.accelerator and not picked:
        why = f"no accelerator is called {' or '.join(options.accelerator)} here"
        return {}, ("no-accelerator", why)
    if not inventory.accelerators:
        return _cpu_only(inventory, usable)
    picked, forms = [a for a in picked if a.form in mechanism.forms], sorted({a.form for a in picked})
    if not picked:
        why = f"the accelerators here are asked for by {', '.join(forms)}, which {mechanism.product} does not count"
        return {}, ("unrecognised-accelerator", why)
    best = max(picked, key=lambda a: _rank(a, usable))
    nodes = sorted((n for n in usable if best.nodes.get(n.name)), key=lambda n: _preference(best.nodes[n.name], n))
    if not nodes:
        why = f"no node that is Ready, schedulable and selected advertises {best.id}"
        return {}, ("no-accelerator", why)
    return _facts(best, nodes), None


def _cpu_only(inventory: Inventory, usable: list[Node]) -> tuple[dict[str, Any], tuple[str, str] | None]:
    for gap in inventory.gaps:
        if any(word in f"{gap.what} {gap.why}" for word in ("resourceslices", "deviceclasses", "nodes")):
            why = f"whether there are accelerators could not be read: {gap.what}: {gap.why}"
            return {}, ("rbac-denied" if "orbidden" in gap.why else "api-lost", why)
    if not usable:
        return {}, ("no-node", "no Linux node is Ready, schedulable and selected")
    return _facts(None, sorted(usable, key=lambda n: (len(n.taints), n.name))), None


def _facts(accelerator: Accelerator | None, nodes: list[Node]) -> dict[str, Any]:
    return {
        "accelerator": decode(encode(accelerator), dict[str, Any]) if accelerator else None,
        "cpu_only": accelerator is None,
        "largest": _LARGEST,
        "nodes": [
            {
                "name": n.name,
                "hostname": n.labels.get("kubernetes.io/hostname", n.name),
                "taints": list(n.taints),
                "allocatable": n.allocatable,
            }
            for n in nodes[:_CANDIDATES]
        ],
    }


def _usable(node: Node, options: Options) -> bool:
    return (
        node.ready
        and not node.unschedulable
        and node.labels.get("kubernetes.io/os", "linux") == "linux"
        and all(node.labels.get(k) == v for k, v in options.node_selector.items())
    )


def _named(accelerator: Accelerator, options: Options) -> bool:
    names = {accelerator.id, accelerator.resource, accelerator.device_class, accelerator.driver} - {""}
    return not options.accelerator or bool(names & set(options.accelerator))


def _rank(a: Accelerator, usable: list[Node]) -> tuple[int, bool, bool, int, str]:
    """The greatest wins: enough units for a whole gang, whole devices, a known vendor, the plainest form."""
    units = max((a.nodes.get(n.name, 0) for n in usable), default=0)
    return min(units, _LARGEST), not a.shared, a.recognised, -_FORMS.index(a.form), a.id


def _preference(units: int, node: Node) -> tuple[int, int, str]:
    """The least wins: a full gang fits, with as few units as possible beside it for the blocker to hold."""
    return -min(units, _LARGEST), units, node.name
