"""What happened in one attempt, reduced to what a picture or a table of times shows. Pure.

It draws; it does not judge. The judges put together their own histories (aiconform.judging), and the
two are kept apart on purpose: a fault in the picture must not be able to change a verdict.
"""

from dataclasses import dataclass, field
from typing import Any

from aiconform.model import Observation, Recording

STEP_LABEL = "aiconform.dev/step"
ROLE_LABEL = "aiconform.dev/role"


def part(value: Any, *path: str) -> dict[str, Any]:
    """The map at `path` in a recorded body; {} if there is none: a picture must never fail on strange data."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


@dataclass
class PodLane:
    """One pod (one uid), with the times (seconds) at which the watch first showed each change."""

    uid: str
    name: str
    namespace: str
    step: str = ""
    role: str = ""
    node: str = ""
    phase: str = ""
    created: float = 0.0
    bound: float | None = None
    started: float | None = None
    ended: float | None = None
    cites: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Span:
    """A stretch of time in seconds. `text` says what it is for; `closed` is False if no end was recorded."""

    name: str
    start: float
    end: float
    text: str = ""
    closed: bool = True


@dataclass
class StepLane:
    """One step of the check: from its first to its last observation, and what was cited outside of pods."""

    name: str
    start: float
    end: float
    pods: list[PodLane] = field(default_factory=list)
    cites: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class History:
    """An attempt's steps (in order of appearance) with their pods, its windows and the gaps in its watches.

    `end` is the attempt's length in seconds. `unseen` counts pods of others that were seen and left out.
    """

    steps: tuple[StepLane, ...]
    windows: tuple[Span, ...]
    gaps: tuple[Span, ...]
    end: float
    unseen: int
    by_seq: dict[int, Observation]


def history(rec: Recording, cited: frozenset[int] = frozenset()) -> History:
    """Puts the history together; `cited` are the seq numbers to be placed on their lanes."""
    end = max([o.t for o in rec.observations] + [rec.ending.t if rec.ending else 0.0], default=0.0)
    pods = _pods(rec)
    steps: dict[str, StepLane] = {}
    for o in rec.observations:
        lane = steps.setdefault(o.step, StepLane(o.step, o.t, o.t))
        lane.end = max(lane.end, o.t)
    newest = {p.name: p for p in pods.values()}
    by_seq = {o.seq: o for o in rec.observations}
    for seq in sorted(cited & by_seq.keys()):
        _place(by_seq[seq], pods, newest, steps)
    unseen = 0
    for pod in pods.values():
        if not (pod.step or pod.role or pod.cites):
            unseen += 1
            continue
        lane = steps.setdefault(pod.step, StepLane(pod.step, pod.created, pod.created))
        lane.pods.append(pod)
    return History(
        steps=tuple(s for s in steps.values() if s.pods or s.cites),
        windows=_windows(rec, end),
        gaps=_gaps(rec),
        end=end,
        unseen=unseen,
        by_seq=by_seq,
    )


def _place(o: Observation, pods: dict[str, PodLane], newest: dict[str, PodLane], steps: dict[str, StepLane]) -> None:
    """A cited observation belongs to its pod's lane; what a container said, to the newest pod of that name."""
    uid = _uid(o)
    pod = pods.get(uid) if uid else None
    if pod is None and o.kind in ("probe", "exec", "log"):
        parts = o.subject.split("/")
        pod = newest.get(parts[2]) if len(parts) > 2 else None
    (pod.cites if pod else steps[o.step].cites).append(o.seq)


def _uid(o: Observation) -> str:
    return str(part(_object(o), "metadata").get("uid", ""))


def _object(o: Observation) -> dict[str, Any]:
    """The pod of a watch observation, {} for anything else."""
    return part(o.body, "object") if o.kind == "watch" and o.subject.startswith("pods/") else {}


def _pods(rec: Recording) -> dict[str, PodLane]:
    pods: dict[str, PodLane] = {}
    for o in rec.observations:
        obj = _object(o)
        if obj:
            _take(pods, o, obj)
    return pods


def _take(pods: dict[str, PodLane], o: Observation, obj: dict[str, Any]) -> None:
    meta, status = part(obj, "metadata"), part(obj, "status")
    uid = str(meta.get("uid", ""))
    if uid not in pods:
        pods[uid] = PodLane(uid, str(meta.get("name", "")), str(meta.get("namespace", "")), created=o.t)
    pod = pods[uid]
    labels = part(meta, "labels")
    pod.step, pod.role = str(labels.get(STEP_LABEL, "")), str(labels.get(ROLE_LABEL, ""))
    pod.phase = str(status.get("phase", ""))
    if node := part(obj, "spec").get("nodeName"):
        pod.node = str(node)
        pod.bound = o.t if pod.bound is None else pod.bound
    containers = status.get("containerStatuses")
    states = [part(c, "state") for c in containers] if isinstance(containers, list) else []
    if pod.started is None and any("running" in s or "terminated" in s for s in states):
        pod.started = o.t
    if pod.ended is None and (pod.phase in ("Succeeded", "Failed") or o.body.get("type") == "DELETED"):
        pod.ended = o.t


def _windows(rec: Recording, end: float) -> tuple[Span, ...]:
    spans: list[Span] = []
    opened: dict[str, Observation] = {}
    for o in rec.observations:
        if o.kind == "window.open":
            opened[o.step] = o
        elif o.kind == "window.close" and o.step in opened:
            first = opened.pop(o.step)
            spans.append(Span(o.step, first.t, o.t, _why(first)))
    spans += [Span(step, first.t, end, _why(first), closed=False) for step, first in opened.items()]
    return tuple(sorted(spans, key=lambda s: (s.start, s.name)))


def _gaps(rec: Recording) -> tuple[Span, ...]:
    """Each gap from the last thing that its watch had shown to the moment at which the gap was noticed."""
    last: dict[str, float] = {}
    gaps = []
    for o in rec.observations:
        if o.kind == "watch.gap":
            gaps.append(Span(o.subject, last.get(o.subject, o.t), o.t, _why(o)))
        if o.kind in ("watch.start", "watch.gap"):
            last[o.subject] = o.t
        elif o.kind == "watch":
            last[o.subject.rpartition("/")[0]] = o.t
    return tuple(gaps)


def _why(o: Observation) -> str:
    return str(part(o.body).get("why", ""))
