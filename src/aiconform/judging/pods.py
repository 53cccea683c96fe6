"""Pod histories, put together from watch observations."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from aiconform.model import Observation, Recording

STEP_LABEL = "aiconform.dev/step"
ROLE_LABEL = "aiconform.dev/role"


@dataclass(frozen=True)
class Moment:
    """When something was first seen: by arrival, never by a node's clock."""

    seq: int
    t: float


@dataclass
class Pod:
    """What the watch showed of one pod (one uid), in order of arrival.

    `bound`: first seen with a node. `started`: first seen with a container that runs or ran. `running`: first
    seen with every container running. `ended`: first seen terminal or deleted, whatever came first.
    `deleted`: its DELETED event. `last`: the last object seen.
    """

    name: str
    namespace: str
    uid: str
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    created: Moment | None = None
    bound: Moment | None = None
    started: Moment | None = None
    running: Moment | None = None
    ended: Moment | None = None
    deleted: Moment | None = None
    node: str = ""
    phase: str = ""
    last: dict[str, Any] = field(default_factory=dict)

    @property
    def step(self) -> str:
        return self.labels.get(STEP_LABEL, "")

    @property
    def role(self) -> str:
        return self.labels.get(ROLE_LABEL, "")

    @property
    def succeeded(self) -> bool:
        return self.phase == "Succeeded"

    def why_waiting(self) -> str:
        """The scheduler's last message about it, "" if there is none."""
        for c in self.last.get("status", {}).get("conditions", []):
            if c.get("type") == "PodScheduled" and c.get("status") == "False":
                return f"{c.get('reason', '')}: {c.get('message', '')}".strip(": ")
        return ""


def pods(
    rec: Recording, *, step: str | None = None, role: str | None = None, namespace: str | None = None
) -> tuple[Pod, ...]:
    """Histories of the pods that carry these labels, in order of first arrival."""
    seen: dict[str, Pod] = {}
    for o in rec.observations:
        if o.kind == "watch" and o.subject.startswith("pods/") and isinstance(o.body, dict):
            _take(seen, o)
    return tuple(
        p
        for p in seen.values()
        if (step is None or p.step == step)
        and (role is None or p.role == role)
        and (namespace is None or p.namespace == namespace)
    )


def _take(seen: dict[str, Pod], o: Observation) -> None:
    obj = o.body["object"]
    meta = obj["metadata"]
    pod = seen.setdefault(meta["uid"], Pod(meta["name"], meta.get("namespace", ""), meta["uid"]))
    now = Moment(o.seq, o.t)
    status = obj.get("status", {})
    pod.created = pod.created or now
    pod.labels, pod.annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    pod.last, pod.phase = obj, status.get("phase", "")
    if obj.get("spec", {}).get("nodeName"):
        pod.node = obj["spec"]["nodeName"]
        pod.bound = pod.bound or now
    states = [c.get("state") or {} for c in status.get("containerStatuses") or []]
    if any("running" in s or "terminated" in s for s in states):
        pod.started = pod.started or now
    if states and all("running" in s for s in states):
        pod.running = pod.running or now
    if o.body["type"] == "DELETED":
        pod.deleted = pod.deleted or now
    if pod.phase in ("Succeeded", "Failed") or o.body["type"] == "DELETED":
        pod.ended = pod.ended or now


def most_at_once(
    members: Iterable[Pod], since: Literal["bound", "started", "running"] = "bound"
) -> tuple[int, tuple[int, ...]]:
    """The greatest number of pods that were bound (started, running) at one time, and what shows it.

    This, and no phase, event or snapshot, decides whether a gang was started in part: a mechanism that
    starts and evicts again shows 4, 0, 4, 0 to a sampler.
    """
    edges: list[tuple[int, int, str]] = []
    for p in members:
        start: Moment | None = getattr(p, since)
        if start is not None:
            edges.append((start.seq, 1, p.uid))
            if p.ended is not None and p.ended.seq > start.seq:
                edges.append((p.ended.seq, -1, p.uid))
    most = 0
    here: dict[str, int] = {}
    cites: tuple[int, ...] = ()
    for seq, change, uid in sorted(edges):
        if change > 0:
            here[uid] = seq
        else:
            here.pop(uid, None)
        if len(here) > most:
            most, cites = len(here), tuple(sorted(here.values()))
    return most, cites


def all_at_once(members: tuple[Pod, ...], since: Literal["bound", "started", "running"] = "running") -> bool:
    """Whether there was one instant at which every one of these pods was running (bound, started)."""
    return bool(members) and most_at_once(members, since)[0] == len(members)
