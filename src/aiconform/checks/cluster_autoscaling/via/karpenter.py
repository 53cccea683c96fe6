"""Karpenter: NodePool and NodeClaim of karpenter.sh/v1. Also EKS Auto Mode and AKS node auto-provisioning."""

import re
from typing import Any

from aiconform.checks.cluster_autoscaling.via import Manifest, Reading, Scene, said_by
from aiconform.model import Detection, Inventory, Permission

_GROUP, _API = "karpenter.sh", "karpenter.sh/v1"
_POOL_LABEL = "karpenter.sh/nodepool"
# It looks for empty nodes every 10 s, and looks again 15 s later before it acts (pkg/controllers/disruption).
_OWN_PACE = 25.0
_UNIT = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
# Reasons of NodeClaim conditions and words of events that tell of the provider's limits, not of Karpenter's fault.
_NO_STOCK = re.compile(r"InsufficientCapacity|insufficient capacity|exceed(ed)? limit|limits|quota", re.IGNORECASE)


class Karpenter:
    """The adapter; see the module."""

    product = "karpenter"
    configmaps: tuple[tuple[str, str], ...] = ()
    permissions = (
        Permission(
            group=_GROUP,
            resources=("nodepools", "nodeclaims"),
            verbs=("list", "watch"),
            scope="cluster",
            why="stated delays, limits and budgets, and machines on their way",
        ),
    )

    def detect(self, inventory: Inventory) -> Detection:
        if inventory.serves(_GROUP, "v1", "nodepools"):
            return Detection(usable=True, because=f"the API server serves nodepools of {_API}")
        return Detection(usable=False, because=f"the API server does not serve nodepools of {_API}")

    def watched(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        del served
        return ((_API, "nodepools"), (_API, "nodeclaims"))

    def read(self, scene: Scene) -> Reading:
        pools = scene.objects.get(f"nodepools.{_GROUP}", [])
        claims = scene.objects.get(f"nodeclaims.{_GROUP}", [])
        own = [e for e in scene.events if said_by(e, "karpenter")]
        failed = [_text(e) for e in own if e.get("reason") == "FailedScheduling"]
        stuck = [_condition(c) for c in claims if _condition(c)]
        pool = _pool_of(scene.node, pools)
        return Reading(
            signs=tuple(sorted({f"{e.get('reason')}: {_text(e)}" for e in own}))[:5]
            + tuple(f"NodeClaim {c['metadata']['name']}" for c in claims),
            blocked=tuple(sorted({t for t in (*failed, *stuck) if _NO_STOCK.search(t)})),
            refused=tuple(sorted({t for t in failed if not _NO_STOCK.search(t)})),
            coming=tuple(f"NodeClaim {c['metadata']['name']} has no node yet" for c in claims if not _has_node(c)),
            keeps=tuple(_keeps(scene.node, pool)),
            delay=_seconds(_disruption(pool).get("consolidateAfter", "")) + _OWN_PACE if pool else 0.0,
            tolerate=_taints(pools, "taints"),
            startup=_taints(pools, "startupTaints"),
        )


def _text(event: Manifest) -> str:
    return str(event.get("message", ""))


def _disruption(pool: Manifest) -> dict[str, Any]:
    return dict(pool["spec"].get("disruption") or {})


def _pool_of(node: Manifest, pools: list[Manifest]) -> Manifest | None:
    name = ((node.get("metadata") or {}).get("labels") or {}).get(_POOL_LABEL)
    return next((p for p in pools if p["metadata"]["name"] == name), None)


def _condition(claim: Manifest) -> str:
    """A condition that is False because of the provider, in words; "" if there is none."""
    for c in (claim.get("status") or {}).get("conditions") or []:
        if c.get("status") == "False" and _NO_STOCK.search(f"{c.get('reason')} {c.get('message')}"):
            return f"NodeClaim {claim['metadata']['name']}: {c.get('reason')} {c.get('message', '')}"
    return ""


def _has_node(claim: Manifest) -> bool:
    return bool((claim.get("status") or {}).get("nodeName")) or bool(claim["metadata"].get("deletionTimestamp"))


def _keeps(node: Manifest, pool: Manifest | None) -> list[str]:
    notes = (node.get("metadata") or {}).get("annotations") or {}
    said = []
    if notes.get("karpenter.sh/do-not-disrupt") == "true":
        said.append("the node has the annotation karpenter.sh/do-not-disrupt")
    if pool is None:
        return said
    name, rules = pool["metadata"]["name"], _disruption(pool)
    if rules.get("consolidateAfter") == "Never":
        said.append(f"NodePool {name} has consolidateAfter: Never")
    if pool["spec"].get("replicas") is not None:
        said.append(f"NodePool {name} has a fixed number of nodes (replicas)")
    for budget in rules.get("budgets") or []:
        reasons = budget.get("reasons") or ["Empty"]
        if str(budget.get("nodes")) in ("0", "0%") and "Empty" in reasons:
            said.append(f"NodePool {name} has a disruption budget of {budget.get('nodes')}")
    return said


def _seconds(duration: str) -> float:
    """Seconds of a Go duration ("1h30m"); 0 for "Never" and for nothing."""
    return sum(float(n) * _UNIT[u] for n, u in re.findall(r"([0-9.]+)(ms|h|m|s)", str(duration)))


def _taints(pools: list[Manifest], field: str) -> tuple[dict[str, Any], ...]:
    found = {
        (t.get("key", ""), t.get("value", ""), t.get("effect", "")): dict(t)
        for p in pools
        for t in ((p["spec"].get("template") or {}).get("spec") or {}).get(field) or []
    }
    return tuple(found[k] for k in sorted(found))


MECHANISM = Karpenter()
