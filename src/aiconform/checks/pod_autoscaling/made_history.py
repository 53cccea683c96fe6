"""Recordings made by hand, as `observe` would write them: for the tests of the judge."""

from typing import Any

from aiconform.checks.pod_autoscaling.check import CHECK
from aiconform.model import FORMAT, Ending, Observation, Options, Recording, Suite

NS, OTHER = "own", "other"
SUITE = Suite(version="test")


class History:
    """Writes a recording line by line, with a clock of its own. `total`: one pod exports the whole load."""

    def __init__(self, *, total: bool = False) -> None:
        self.lines: list[Observation] = []
        self.t = 0.0
        self.total = total
        self.step = ""
        self.gaps: list[str] = []
        self.hints: Any = {"device_paths": ["/dev/a*"]}
        self.shared = False
        self.count = 1

    def add(self, kind: str, subject: str, body: Any = None, *, step: str | None = None, seconds: float = 0.1) -> None:
        self.t += seconds
        where = self.step if step is None else step
        self.lines.append(
            Observation(seq=len(self.lines) + 1, t=self.t, at="", step=where, kind=kind, subject=subject, body=body)
        )

    def replicas(self, count: int) -> None:
        """The Deployment is asked to have this many."""
        self.count = count
        meta = {"name": "load", "namespace": NS, "uid": "d", "labels": {"aiconform.dev/role": "replica"}}
        obj = {"metadata": meta, "spec": {"replicas": count}}
        self.add("watch", f"deployments.apps/{NS}/load", {"type": "MODIFIED", "object": obj}, step="first")

    def pod(self, name: str, *, node: str = "n", running: bool = True, waiting: str = "", gone: bool = False) -> None:
        labels = {"aiconform.dev/role": "replica", "aiconform.dev/step": "first"}
        state = {"running": {}} if running else {"waiting": {"reason": waiting}}
        status: dict[str, Any] = {"phase": "Running" if running else "Pending", "containerStatuses": [{"state": state}]}
        if not node:
            status = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]}
        obj = {
            "metadata": {"name": name, "namespace": NS, "uid": name, "labels": labels},
            "spec": {"nodeName": node} if node else {},
            "status": status,
        }
        kind = "DELETED" if gone else "ADDED"
        self.add("watch", f"pods/{NS}/{name}", {"type": kind, "object": obj}, step="first")

    def device(self, pod: str, step: str, *minors: int) -> None:
        opened = [{"path": f"/dev/a{m}", "major": 4, "minor": m} for m in minors]
        body = {"probe": "load/1", "opened": opened, "failed": {}}
        self.add("probe", f"pods/{NS}/{pod}/probe", body, step=step)

    def free(self, units: int) -> None:
        self.add("fact", "free/n", {"free": units}, step="first")

    def condition(self, kind: str, status: str, reason: str = "") -> None:
        conditions = [{"type": kind, "status": status, "reason": reason, "message": "words"}]
        obj = {"metadata": {"name": "load", "namespace": NS}, "status": {"conditions": conditions}}
        name = f"horizontalpodautoscalers.autoscaling/{NS}/load"
        self.add("watch", name, {"type": "MODIFIED", "object": obj})

    def command(self, *values: int | None) -> None:
        """Loads, replica by replica."""
        known = {f"p{i}": str(v) for i, v in enumerate(values) if v is not None}
        if self.total:
            known = {"dial": str(sum(v for v in values if v is not None))} if known else {}
        self.add("fact", "commanded", {"values": known, "total": self.total})

    def page(self, *values: int) -> None:
        """The pod's own page of metrics."""
        text = "".join(f'aiconform_load{{aiconform_target="x"}} {v}\n' for v in values)
        self.add("http", "GET pods/p0:8080/metrics", {"status": 200, "headers": {}, "body": text})

    def metric(self, *values: int, where: str = "own", status: int = 200, seconds: float = 0.1) -> None:
        """What the metrics API says."""
        known = {("" if self.total else f"p{i}"): str(v) for i, v in enumerate(values)}
        body = {"where": where, "status": status, "values": known, "message": "" if status == 200 else "words"}
        self.add("fact", "metric", body, seconds=seconds)

    def open(self, step: str) -> None:
        self.step = step
        self.add("window.open", step, {"why": "because"})

    def close(self, step: str, seconds: float = 0.1) -> None:
        self.add("window.close", step, {}, seconds=seconds)

    def recording(self, how: Any = "complete", **facts: Any) -> Recording:
        accelerator = {"id": "a", "recognised": bool(self.hints), "hints": self.hints, "shared": self.shared}
        return Recording(
            format=FORMAT,
            run="r",
            check=CHECK.requirement,
            via="pods-metric",
            suite=SUITE,
            settings=Options().settings_for(CHECK),
            facts={"mechanism": "pods-metric", "accelerator": accelerator, **facts},
            observations=tuple(self.lines),
            ending=Ending(how=how, at="", t=self.t) if how else None,
            sha256="0",
        )


def opening(h: History) -> None:
    """Everything before the metric: one replica with a device, of four units."""
    h.add("watch.start", f"deployments.apps/{NS}", {})
    h.step = "first"
    h.free(4)
    h.replicas(1)
    h.pod("p0")
    h.device("p0", "first", 1)


def shown(h: History, step: str, value: int) -> None:
    h.open(step)
    h.command(value)
    h.page(value)
    h.metric(value)
    h.close(step)


def hold(h: History) -> None:
    h.step = "hold"
    h.command(50)
    h.metric(50)
    h.open("hold")
    h.condition("ScalingActive", "True", "ValidMetricFound")
    h.close("hold", 60)


def apart(h: History) -> None:
    h.open("apart")
    h.metric(1000, where="other")
    h.add("fact", "shown_elsewhere", {"value": 1000, "seen": True})
    h.close("apart", 45)


def scale(h: History, step: str, loads: tuple[int, ...], numbers: tuple[int, ...]) -> None:
    """Loads are set and shown; the Deployment goes through these numbers, and stays."""
    h.open(step)
    h.command(*loads)
    h.metric(*loads)
    h.add("fact", "asked_for", {"from": numbers[0], "to": numbers[-1], "shown": True})
    for number in numbers[1:]:
        h.replicas(number)
    h.close(step, 30)


def replica(h: History) -> None:
    h.open("replica")
    h.pod("p1")
    h.device("p1", "replica", 2)
    h.close("replica")


def gone(h: History) -> None:
    h.open("withdraw")
    h.command(None)
    h.metric(status=404)
    h.add("fact", "withdrawn", {"values": {}})
    h.close("withdraw")
    h.open("gone")
    h.condition("ScalingActive", "False", "FailedGetPodsMetric")
    h.close("gone", 60)
    h.command(90)
    h.metric(90)


def none(h: History, *, ok: bool = True, code: str = "") -> None:
    """No load, where the autoscaler may go to no replica."""
    if not h.total:
        return
    h.step = "none"
    h.add("fact", "none_allowed", {"ok": ok, "code": code, "message": "words"})
    if ok:
        scale(h, "none", (0,), (1, 0))


def wake(h: History, *minors: int) -> None:
    """A load again."""
    if h.total and h.count == 0:
        scale(h, "wake", (30,), (0, 1))
        h.open("woken")
        h.pod("p9")
        h.device("p9", "woken", *(minors or (2,)))
        h.close("woken")


def sound(*, total: bool = False, **instead: Any) -> History:
    """A whole sound history; `instead` has functions that stand in for its parts."""
    h = History(total=total)
    parts: dict[str, Any] = {
        "opening": opening,
        "visible": lambda h: shown(h, "visible", 33),
        "follow": lambda h: shown(h, "follow", 24),
        "hold": hold,
        "apart": apart,
        "up": lambda h: scale(h, "up", (90,), (1, 2)),
        "replica": replica,
        "gone": gone,
        "between": lambda h: scale(h, "between", (90, 50), (2, 3)),
        "down": lambda h: scale(h, "down", (3, 3, 3), (3, 1)),
        "none": none,
        "wake": wake,
    }
    for name, part in {**parts, **instead}.items():
        assert name in parts
        part(h)
    return h
