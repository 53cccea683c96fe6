"""Which accelerator is made to scale, by which mechanism. Pure."""

from typing import Any

from aiconform.checks.cluster_autoscaling.check import CHECK
from aiconform.checks.cluster_autoscaling.via import by_preference
from aiconform.model import Accelerator, Attempt, Inventory, Level, Options
from aiconform.planning import FORMS, Planner, Unable, as_fact, called, claims, place


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt for every accelerator that was named, or for the most plausible one."""
    p = Planner(check=CHECK, inventory=inventory, options=options, level=level)
    found = by_preference(inventory)
    usable = [(m, d) for m, d in found if d.usable]
    if p.wanted == "none":
        return [_declared_none(p, [f"{m.product}: {d.because}" for m, d in usable])]
    # Where nothing is detected, the adapter for what runs out of sight takes a shorter look.
    silent = [(m, d) for m, d in found if m.product == "managed"]
    mechanism, detection = ([(m, d) for m, d in found if m.product == p.wanted] or usable or silent)[0]
    facts = {
        "mechanism": mechanism.product,
        "detected": {"usable": detection.usable, "because": detection.because},
        "declared_none": False,
        "served": _served(inventory),
        # Whoever names the mechanism says that there is one; whoever names the accelerator, that it scales.
        "claimed": {"mechanism": bool(p.wanted), "accelerator": bool(options.accelerator or p.wanted)},
    }
    via = mechanism.product
    if CHECK.disruption not in options.allow:
        why = "it adds a machine with an accelerator, which may cost money: allow it with --allow scales"
        return [p.attempt(via, facts, unable=("not-allowed", why))]
    accelerators, unable = _accelerators(p)
    if unable is not None:
        return [p.attempt(via, facts, unable=unable)]
    several = len(accelerators) > 1
    return [_attempt(p, f"{via}.{a.id}" if several else via, facts, a) for a in accelerators]


def _declared_none(p: Planner, against: list[str]) -> Attempt:
    facts = {
        "mechanism": "none",
        "declared_none": True,
        "served": _served(p.inventory),
        "against": against,
        "gaps": [f"{g.what}: {g.why}" for g in p.inventory.gaps if g.what == "nodes"],
    }
    return p.attempt("none", facts, minutes=0.2, reads=True)


def _served(inventory: Inventory) -> list[str]:
    kinds = ("nodepools", "nodeclaims", "machinedeployments", "provisioningrequests", "resourceslices")
    return sorted(f"{a.plural}.{a.group}/{a.version}" for a in inventory.apis if a.plural in kinds)


def _accelerators(p: Planner) -> tuple[list[Accelerator], Unable | None]:
    if p.options.accelerator:
        picked = [_named(name, p.inventory) for name in p.options.accelerator]
        missing = [n for n, a in zip(p.options.accelerator, picked, strict=True) if a is None]
        if missing:
            why = f"no accelerator is called {' or '.join(missing)} here; a resource name would have a '/' in it"
            return [], ("no-accelerator", why)
        return list({a.id: a for a in picked if a is not None}.values()), None
    if not p.inventory.accelerators:
        why = "no node has an accelerator now: name what new nodes will have, as in --accelerator VENDOR/RESOURCE"
        return [], ("no-accelerator", why)
    best = min(p.inventory.accelerators, key=lambda a: (a.shared, not a.recognised, FORMS.index(a.form), a.id))
    return [best], None


def _named(name: str, inventory: Inventory) -> Accelerator | None:
    for a in called(inventory.accelerators, (name,)):
        return a
    if "/" not in name:
        return None
    # No node has it yet: the group is at zero.
    slug = "".join(c if c.isalnum() else "-" for c in name.lower())
    return Accelerator(id=slug, vendor="unknown", form="device-plugin", resource=name, nodes={}, recognised=False)


def _attempt(p: Planner, via: str, facts: dict[str, Any], a: Accelerator) -> Attempt:
    usable = p.usable()
    plain = sorted(usable, key=lambda n: (n.name not in a.nodes, len(n.taints), n.name))[:1]
    nodes = [n for n in usable if a.nodes.get(n.name)]
    about = {
        "accelerator": as_fact(a),
        "nodes": [place(n) | {"units": a.nodes[n.name]} for n in nodes],
        "canary": place(plain[0]) if plain else None,
    }
    # Every free unit of this accelerator is taken, wherever it is: who gives one back takes away the shortage.
    # Nodes with other accelerators may be used meanwhile, by pods that name their node. Until the nodes were seen to
    # be at rest, nothing is taken.
    holds = (claims.ADDED_NODES, *claims.accelerators(nodes))
    return p.attempt(
        via,
        facts | about,
        asked=bool(p.options.accelerator),
        holds=holds,
        late=holds,
        shares=claims.room({n.name: n for n in (*nodes, *plain)}.values()),
    )
