"""Which accelerator is made to scale, by which mechanism. Pure."""

from typing import Any

from aiconform.checks.cluster_autoscaling.check import CHECK
from aiconform.checks.cluster_autoscaling.via import by_preference
from aiconform.model import Accelerator, Attempt, Inventory, Level, Node, Options, decode, encode

# Plain extended resources come first: every autoscaler knows them, not every one knows claims.
_FORMS = ("device-plugin", "dra", "dra-extended")
Unable = tuple[str, str]


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt for every accelerator that was named, or for the most plausible one."""
    wanted = options.mechanism.get(CHECK.requirement, "")
    found = by_preference(inventory)
    usable = [(m, d) for m, d in found if d.usable]
    if wanted == "none":
        return [_declared_none(inventory, options, level, [f"{m.product}: {d.because}" for m, d in usable])]
    # Where nothing is detected, the adapter for what runs out of sight takes a shorter look.
    silent = [(m, d) for m, d in found if m.product == "managed"]
    mechanism, detection = ([(m, d) for m, d in found if m.product == wanted] or usable or silent)[0]
    facts = {
        "mechanism": mechanism.product,
        "detected": {"usable": detection.usable, "because": detection.because},
        "declared_none": False,
        "served": _served(inventory),
        # Whoever names the mechanism says that there is one; whoever names the accelerator, that it scales.
        "claimed": {"mechanism": bool(wanted), "accelerator": bool(options.accelerator or wanted)},
    }
    via = mechanism.product
    if CHECK.disruption not in options.allow:
        why = "it adds a machine with an accelerator, which may cost money: allow it with --allow scales"
        return [_attempt(via, options, level, facts, unable=("not-allowed", why))]
    accelerators, unable = _accelerators(inventory, options)
    if unable is not None:
        return [_attempt(via, options, level, facts, unable=unable)]
    several = len(accelerators) > 1
    return [
        _attempt(f"{via}.{a.id}" if several else via, options, level, facts | _about(a, inventory, options))
        for a in accelerators
    ]


def _attempt(
    via: str, options: Options, level: Level, facts: dict[str, Any], *, unable: Unable | None = None
) -> Attempt:
    return Attempt(
        id=f"{CHECK.requirement}.{via}",
        check=CHECK.requirement,
        via=via,
        level=level,
        # Nodes come and go, and every free accelerator is held: nothing else can be tried meanwhile.
        holds=() if unable or facts["declared_none"] else ("*",),
        settings=options.settings_for(CHECK),
        facts=facts,
        minutes=0.0 if unable else 0.2 if facts["declared_none"] else CHECK.minutes,
        disruption="reads" if facts["declared_none"] else CHECK.disruption,
        unable=unable,
    )


def _declared_none(inventory: Inventory, options: Options, level: Level, against: list[str]) -> Attempt:
    facts = {
        "mechanism": "none",
        "declared_none": True,
        "served": _served(inventory),
        "against": against,
        "gaps": [f"{g.what}: {g.why}" for g in inventory.gaps if g.what == "nodes"],
    }
    return _attempt("none", options, level, facts)


def _served(inventory: Inventory) -> list[str]:
    kinds = ("nodepools", "nodeclaims", "machinedeployments", "provisioningrequests", "resourceslices")
    return sorted(f"{a.plural}.{a.group}/{a.version}" for a in inventory.apis if a.plural in kinds)


def _accelerators(inventory: Inventory, options: Options) -> tuple[list[Accelerator], Unable | None]:
    if options.accelerator:
        picked = [_named(name, inventory) for name in options.accelerator]
        missing = [n for n, a in zip(options.accelerator, picked, strict=True) if a is None]
        if missing:
            why = f"no accelerator is called {' or '.join(missing)} here; a resource name would have a '/' in it"
            return [], ("no-accelerator", why)
        return list({a.id: a for a in picked if a is not None}.values()), None
    if not inventory.accelerators:
        why = "no node has an accelerator now: name what new nodes will have, as in --accelerator VENDOR/RESOURCE"
        return [], ("no-accelerator", why)
    best = min(inventory.accelerators, key=lambda a: (a.shared, not a.recognised, _FORMS.index(a.form), a.id))
    return [best], None


def _named(name: str, inventory: Inventory) -> Accelerator | None:
    for a in inventory.accelerators:
        if name in {a.id, a.resource, a.device_class, a.driver} - {""}:
            return a
    if "/" not in name:
        return None
    # No node has it yet: the group is at zero.
    slug = "".join(c if c.isalnum() else "-" for c in name.lower())
    return Accelerator(id=slug, vendor="unknown", form="device-plugin", resource=name, nodes={}, recognised=False)


def _about(a: Accelerator, inventory: Inventory, options: Options) -> dict[str, Any]:
    usable = [n for n in inventory.nodes if _usable(n, options)]
    plain = sorted(usable, key=lambda n: (n.name not in a.nodes, len(n.taints), n.name))
    return {
        "accelerator": decode(encode(a), dict[str, Any]),
        "nodes": [_node(n) | {"units": a.nodes[n.name]} for n in usable if a.nodes.get(n.name)],
        "canary": _node(plain[0]) if plain else None,
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "hostname": node.labels.get("kubernetes.io/hostname", node.name),
        "taints": list(node.taints),
    }


def _usable(node: Node, options: Options) -> bool:
    return (
        node.ready
        and not node.unschedulable
        and node.labels.get("kubernetes.io/os", "linux") == "linux"
        and all(node.labels.get(k) == v for k, v in options.node_selector.items())
    )
