"""Which mechanism is tried, with which accelerator, on which nodes. Pure."""

from typing import Any

from aiconform.checks.pod_autoscaling import via
from aiconform.checks.pod_autoscaling.check import CHECK
from aiconform.checks.pod_autoscaling.via import LoadMechanism, mechanisms
from aiconform.model import Accelerator, Attempt, Detection, Inventory, Level, Node, Options
from aiconform.planning import FORMS, Planner, Unable, as_fact, claims, nowhere, place, richest

MOST_NODES = 4
_MONITORS = (
    ("monitoring.coreos.com", "podmonitors"),
    ("operator.victoriametrics.com", "vmpodscrapes"),
    ("monitoring.googleapis.com", "podmonitorings"),
)


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt for every mechanism that was detected; one that says why, if there is none.

    `--mechanism pod_autoscaling=keda:URL` also says where KEDA finds a Prometheus.
    """
    p = Planner(check=CHECK, inventory=inventory, options=options, level=level)
    wanted, _, url = p.wanted.partition(":")
    # The shortest first: it is the one that is tried where one has to do.
    known = sorted(mechanisms(), key=_more)
    if wanted and wanted not in {m.product for m in known}:
        have = ", ".join(m.product for m in known)
        why = f"there is no adapter for {wanted}: choose one of {have} with --mechanism"
        return [p.attempt(wanted, unable=("mechanism-not-found", why))]
    chosen = [m for m in known if m.product == wanted or (not wanted and m.tried == "where found")]
    detected = [(m, m.detect(inventory)) for m in chosen]
    usable = [(m, d) for m, d in detected if d.usable or (wanted and _forced(m, inventory))]
    if not usable:
        why = "no way of scaling on custom metrics was found: "
        why += "; ".join(f"{m.product}: {d.because}" for m, d in detected)
        return [p.attempt(wanted or "none", unable=("mechanism-not-found", why))]
    return [_tried(p, m, d, url) for m, d in usable]


def _forced(mechanism: LoadMechanism, inventory: Inventory) -> bool:
    """Whoever names external metrics may have them beside KEDA's kinds."""
    return mechanism.product == "external-metric" and via.serves(inventory, f"{via.EXTERNAL}/v1beta1")


def _tried(p: Planner, mechanism: LoadMechanism, found: Detection, url: str) -> Attempt:
    where, unable = _where(p)
    groups = {f"{a.group}/{a.version}" for a in p.inventory.apis} | set(p.inventory.facts.get("groups", ()))
    facts = {
        "mechanism": mechanism.product,
        "detected": {"because": found.because, "version": found.version},
        "served": sorted(g for g in groups if g.partition("/")[0] in (via.CUSTOM, via.EXTERNAL)),
        "prometheus": url,
        "claims": max(p.inventory.versions("resource.k8s.io", "resourceclaims"), default="", key=_newest),
        "monitors": [f"{plural}.{g}/{v}" for g, plural in _MONITORS for v in p.inventory.versions(g, plural)[:1]],
        **where,
    }
    return p.attempt(
        mechanism.product,
        facts,
        unable=unable,
        holds=claims.accelerators(where.get("nodes", ())),
        minutes=CHECK.minutes + _more(mechanism),
    )


def _newest(version: str) -> tuple[bool, str]:
    return ("beta" not in version, version)


def _more(mechanism: LoadMechanism) -> int:
    """Minutes that it takes beyond the others: to no replica and back."""
    return int(mechanism.to_none() is not None)


def _where(p: Planner) -> tuple[dict[str, Any], Unable | None]:
    """The accelerator that fits best, and its nodes; or why there are none."""
    picked = p.called()
    if not picked:
        nothing = ("no-accelerator", "no node advertises an accelerator")
        return {}, p.none_called() if p.options.accelerator else nothing
    usable = p.usable()
    load = p.load
    best = min(picked, key=lambda a: _rank(a, usable, load))
    nodes = richest(best, usable, load)
    if not nodes:
        return {}, nowhere(best)
    enough = best.nodes[nodes[0].name] >= CHECK.accelerators[1]
    return {"accelerator": as_fact(best), "nodes": [place(n) for n in nodes[: 1 if enough else MOST_NODES]]}, None


def _rank(a: Accelerator, usable: list[Node], load: claims.Load) -> tuple[bool, bool, bool, float, int, str]:
    """The least wins: enough units, whole devices, a known vendor, the least used, the plainest form."""
    there = richest(a, usable, load)
    few = sum(a.nodes[n.name] for n in there) < CHECK.accelerators[1]
    used = claims.used(there[0], load) if there else 0.0
    return few, a.shared, not a.recognised, used, FORMS.index(a.form), a.id
