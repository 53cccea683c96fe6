"""Lives of nodes, put together from watch observations; and what else the judges ask a recording."""

from dataclasses import dataclass, field
from typing import Any

from aiconform.judging import Moment, Pod, Window, facts, pods, unknown, window
from aiconform.model import Finding, Observation, Recording

_SPOT = {
    "karpenter.sh/capacity-type": "spot",
    "cloud.google.com/gke-spot": "true",
    "eks.amazonaws.com/capacityType": "SPOT",
    "kubernetes.azure.com/scalesetpriority": "spot",
}


# Taints by which controllers tell that a node is not ready, or that its machine is off: nobody has decided anything.
_NOT_DECIDED = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")


@dataclass
class Life:
    """One node (one uid). `advertised`: first seen with units of the accelerator in its allocatable, or in a
    ResourceSlice that names it. `last`: the last object seen."""

    uid: str
    name: str
    came: Moment
    ready: Moment | None = None
    advertised: Moment | None = None
    gone: Moment | None = None
    last: dict[str, Any] = field(default_factory=dict)

    @property
    def taints(self) -> list[dict[str, Any]]:
        return list((self.last.get("spec") or {}).get("taints") or [])

    @property
    def spot(self) -> bool:
        """Whether its provider may take it away at any time."""
        labels = self.last["metadata"].get("labels") or {}
        return any(labels.get(k) == v for k, v in _SPOT.items())

    @property
    def simulated(self) -> bool:
        """Whether it is one of KWOK's, which run no code."""
        kubelet = str(((self.last.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion", ""))
        notes = self.last["metadata"].get("annotations") or {}
        return "kwok.x-k8s.io/node" in notes or kubelet.startswith(("kwok", "fake"))


def lives(rec: Recording) -> dict[str, Life]:
    """Every node by uid, in order of first sight."""
    found: dict[str, Life] = {}
    slices: dict[str, Moment] = {}
    accelerator = rec.facts.get("accelerator") or {}
    for o in rec.observations:
        if o.kind != "watch" or not isinstance(o.body, dict):
            continue
        if o.subject.startswith("nodes/"):
            _take(found, o, accelerator)
        elif o.subject.startswith("resourceslices."):
            spec = o.body["object"].get("spec") or {}
            if spec.get("driver") == accelerator.get("driver") and spec.get("nodeName") and spec.get("devices"):
                slices.setdefault(spec["nodeName"], Moment(o.seq, o.t))
    for life in found.values():
        seen = slices.get(life.name)
        if accelerator.get("form") != "device-plugin" and seen and seen.seq > life.came.seq:
            life.advertised = life.advertised or seen
    return found


def _take(found: dict[str, Life], o: Observation, accelerator: dict[str, Any]) -> None:
    obj, now = o.body["object"], Moment(o.seq, o.t)
    meta, status = obj["metadata"], obj.get("status") or {}
    life = found.setdefault(meta["uid"], Life(meta["uid"], meta["name"], now))
    life.last = obj
    if o.body["type"] == "DELETED":
        life.gone = life.gone or now
        return
    if any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or []):
        life.ready = life.ready or now
    units = str((status.get("allocatable") or {}).get(accelerator.get("resource") or "-", "0"))
    if units.isdigit() and int(units) > 0:
        life.advertised = life.advertised or now


def broke_by_itself(rec: Recording, life: Life) -> int:
    """The observation in which a node was no longer Ready, if nobody had cordoned or tainted it before; 0 if none.

    Who removes a node on purpose keeps new pods away from it first; a machine that fails is not announced.
    """
    first: set[str] | None = None
    for o in rec.observations:
        if o.kind != "watch" or o.subject != f"nodes/{life.name}" or o.body["object"]["metadata"]["uid"] != life.uid:
            continue
        spec, status = o.body["object"].get("spec") or {}, o.body["object"].get("status") or {}
        taints = {t.get("key", "") for t in spec.get("taints") or []}
        ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or [])
        if ready and first is None:
            first = taints
        if first is None:
            continue
        if spec.get("unschedulable") or any(not t.startswith(_NOT_DECIDED) for t in taints - first):
            return 0
        if not ready:
            return o.seq
    return 0


def before(rec: Recording) -> frozenset[str] | None:
    """Uids of the nodes that were there before anything was asked for; None if that was not recorded."""
    seen = facts(rec, "before")
    return frozenset(seen[-1].body["nodes"]) if seen else None


def came(rec: Recording, step: str) -> list[Life]:
    """New nodes that were first seen inside the window of a step."""
    win, old = window(rec, step), before(rec)
    if old is None:
        return []
    return [life for life in lives(rec).values() if life.uid not in old and win.holds(life.came.seq)]


def waiting(rec: Recording) -> tuple[Pod, ...]:
    """The pods of the Deployment that asks for one more unit."""
    return pods(rec, step="grow", role="waiting")


def host(rec: Recording) -> Life | None:
    """The new node that a waiting pod ran on."""
    old = before(rec) or frozenset()
    for pod in waiting(rec):
        for life in lives(rec).values():
            if pod.running is None or life.name != pod.node or life.uid in old:
                continue
            if life.came.seq < pod.running.seq and not (life.gone and life.gone.seq < pod.running.seq):
                return life
    return None


def strangers(rec: Recording, win: Window) -> tuple[int, ...]:
    """Pods of others that began to wait after the nodes had settled, and waited in the window: a node may be theirs.

    Pods of DaemonSets come because a node came, and are never its reason.
    """
    settled = window(rec, "settled").closed
    first: dict[str, Observation] = {}
    at: dict[str, int] = {}
    for o in rec.observations:
        if o.kind != "watch" or not o.subject.startswith("pods/") or not isinstance(o.body, dict):
            continue
        obj = o.body["object"]
        owners = [r.get("kind") for r in obj["metadata"].get("ownerReferences") or []]
        if not obj.get("projection") or "DaemonSet" in owners:
            continue
        uid = obj["metadata"]["uid"]
        first.setdefault(uid, o)
        late = settled is not None and first[uid].seq > settled.seq
        waits = o.body["type"] != "DELETED" and not (obj.get("spec") or {}).get("nodeName")
        if late and waits and (win.closed is None or o.seq <= win.closed.seq):
            at.setdefault(uid, o.seq)
    return tuple(sorted(at.values()))


def visitors(rec: Recording, win: Window, node: str) -> tuple[int, ...]:
    """Pods of others that were given this node in the window, and may have ended since; those of DaemonSets apart."""
    seen = []
    for o in rec.observations:
        if o.kind != "watch" or not o.subject.startswith("pods/") or not isinstance(o.body, dict):
            continue
        obj = o.body["object"]
        owners = {r.get("kind") for r in obj["metadata"].get("ownerReferences") or []}
        there = obj.get("projection") and (obj.get("spec") or {}).get("nodeName") == node
        # A pod that has left the selection (it runs) is reported as deleted.
        if there and o.body["type"] != "DELETED" and win.holds(o.seq) and not owners & {"DaemonSet", "Node"}:
            seen.append(o.seq)
    return tuple(seen)


def restless(rec: Recording) -> Finding | None:
    """UNKNOWN if nodes came or went by themselves before anything was asked for: then they do so later, too."""
    win, seconds = window(rec, "settled"), rec.deadline("settled")
    moved = any(win.holds(m.seq) for life in lives(rec).values() for m in (life.came, life.gone) if m is not None)
    if win.whole and win.seconds >= 0.99 * seconds and not moved:
        return None
    because = f"nodes came or went before anything was asked for, within {max(win.seconds, seconds):.0f} s"
    return unknown(because, code="capacity-changed", cites=win.cites())


def reading(rec: Recording, step: str) -> dict[str, Any]:
    """The adapter's last reading of a step; {} if there is none."""
    seen = facts(rec, "reading", step)
    return dict(seen[-1].body) if seen else {}


def blind(win: Window, *subjects: str) -> Finding | None:
    """UNKNOWN unless these watches ran over the whole window."""
    for subject in subjects:
        if not win.watched(subject):
            because = f"{subject} were not watched without a gap while it mattered"
            return unknown(because, code="api-lost", cites=win.cites())
    return None


def untolerated(life: Life, tolerations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Taints of the node, as last seen, that keep the waiting pod away."""
    return [t for t in life.taints if t.get("effect") != "PreferNoSchedule" and not _tolerated(t, tolerations)]


def _tolerated(taint: dict[str, Any], tolerations: list[dict[str, Any]]) -> bool:
    return any(
        t.get("key") == taint.get("key")
        and t.get("effect") == taint.get("effect")
        and (t.get("operator") == "Exists" or t.get("value", "") == (taint.get("value") or ""))
        for t in tolerations
    )
