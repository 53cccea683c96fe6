"""Recordings made by hand, as `observe` would write them: for the tests of the judge."""

from collections.abc import Callable
from typing import Any

from aiconform.checks.gang_scheduling.check import CHECK
from aiconform.checks.gang_scheduling.judge import judge
from aiconform.model import FORMAT, Ending, Finding, Observation, Options, Outcome, Recording, Suite, Verdict

PASS, FAIL, UNKNOWN, NA = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE
NS, N = "ns", 4
SUITE = Suite(version="test")


class History:
    """Writes a recording line by line, as `observe` would, with a clock of its own."""

    def __init__(self) -> None:
        self.lines: list[Observation] = []
        self.t = 0.0
        self.made = 0
        self.pods: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, Any] = {"mechanism": "native", "atomicity": "placement", "policy_apis": []}

    def add(self, kind: str, subject: str, body: Any = None, step: str = "", seconds: float = 0.01) -> None:
        self.t += seconds
        self.lines.append(
            Observation(seq=len(self.lines) + 1, t=self.t, at="", step=step, kind=kind, subject=subject, body=body)
        )

    def fact(self, name: str, body: Any, step: str = "") -> None:
        self.add("fact", name, body, step)

    def _event(self, name: str, what: str, seconds: float = 0.01) -> None:
        pod = self.pods[name]
        body = {"type": what, "object": {k: dict(v) for k, v in pod.items()}}
        self.add("watch", f"pods/{NS}/{name}", body, seconds=seconds)

    def create(self, name: str, step: str, role: str) -> None:
        self.made += 1
        labels = {"aiconform.dev/step": step, "aiconform.dev/role": role}
        meta = {"name": name, "namespace": NS, "uid": f"uid-{self.made}", "labels": labels}
        self.pods[name] = {"metadata": meta, "spec": {}, "status": {"phase": "Pending"}}
        self._event(name, "ADDED")

    def bind(self, *names: str, apart: float = 0.05) -> None:
        for name in names:
            self.pods[name]["spec"]["nodeName"] = "node"
            self._event(name, "MODIFIED", apart)

    def run(self, *names: str, apart: float = 0.05) -> None:
        for name in names:
            self.pods[name]["status"] = {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}
            self._event(name, "MODIFIED", apart)

    def start(self, *names: str) -> None:
        self.bind(*names)
        self.run(*names)

    def finish(self, *names: str) -> None:
        for name in names:
            status = {"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": {}}}]}
            self.pods[name]["status"] = status
            self._event(name, "MODIFIED")

    def refuse(self, name: str, reason: str) -> None:
        self.pods[name]["status"] = {"phase": "Failed", "reason": reason, "message": "no"}
        self._event(name, "MODIFIED")

    def displace(self, name: str, reason: str) -> None:
        target = {"type": "DisruptionTarget", "status": "True", "reason": reason}
        self.pods[name]["status"] = {"phase": "Failed", "conditions": [target]}
        self._event(name, "MODIFIED")

    def delete(self, *names: str) -> None:
        for name in names:
            self._event(name, "DELETED")

    def room(self, step: str, when: str, units: int, cpu: int = 4000, held: int = 0) -> None:
        body = {"when": when, "units": units, "cpu": cpu, "held": {"units": held, "cpu": 10 * held}}
        self.fact("room", body, step)

    def recording(self, how: Any = "complete") -> Recording:
        return Recording(
            format=FORMAT,
            run="r",
            check=CHECK.requirement,
            via="native",
            suite=SUITE,
            settings=Options().settings_for(CHECK),
            facts=self.facts,
            observations=tuple(self.lines),
            ending=Ending(how=how, at="", t=self.t) if how else None,
            sha256="0",
        )


def gang(prefix: str) -> list[str]:
    return [f"{prefix}{i}" for i in range(N)]


Part = Callable[[History], None]


def nothing(h: History) -> None:
    del h


def opening(h: History) -> None:
    h.add("watch.start", f"pods/{NS}", {})
    h.fact("shape", {"size": N, "node": "node", "unlike": False, "units": N, "cpu": 10}, "setup")
    h.create("canary", "canary", "canary")
    h.start("canary")
    h.add("probe", f"pods/{NS}/canary/main", {"name": "canary", "met": ["canary"]}, "canary")


def together(h: History) -> None:
    h.room("together", "before", N)
    h.add("window.open", "together", {}, "together")
    for name in gang("a"):
        h.create(name, "together", "member")
    h.fact("created", {"namespace": NS, "refused": ""}, "together")
    h.start(*gang("a"))
    for name in gang("a"):
        met = [o for o in gang("a") if o != name]
        h.add("probe", f"pods/{NS}/{name}/main", {"name": name, "met": met}, "together")
    h.finish(*gang("a"))
    h.add("window.close", "together", {}, "together")
    h.delete(*gang("a"))
    h.room("together", "after", N)


def control(h: History, step: str = "control", prefix: str = "c", ran: int = N - 1) -> None:
    h.room(step, "before", N - 1)
    for name in gang(prefix):
        h.create(name, step, "plain")
    h.start(*gang(prefix)[:ran])
    h.delete(*gang(prefix))


def blocker(h: History, step: str = "blocker") -> None:
    h.create(step, step, "blocker")
    h.start(step)


def short(
    h: History,
    act: Part = nothing,
    *,
    step: str = "short",
    seconds: float = 90.0,
    after: int = N - 1,
    held: int = 0,
    signs: tuple[str, ...] = ("PodGroup says so",),
) -> None:
    units = N if step == "cpu_short" else N - 1
    h.room(step, "before", units)
    h.add("window.open", step, {}, step)
    for name in gang(step):
        h.create(name, step, "member")
    h.fact("created", {"namespace": NS, "refused": ""}, step)
    act(h)
    if step == "short":
        h.fact("signs", {"signs": list(signs)}, step)
    h.add("window.close", step, {}, step, seconds=seconds)
    h.room(step, "after", after if step == "short" else units, held=held)


def release(h: History, act: Part | None = None, seconds: float = 1.0) -> None:
    h.add("window.open", "release", {}, "release")
    h.delete("blocker")
    h.room("release", "before", N)
    (act or (lambda h: h.start(*gang("short"))))(h)
    h.add("window.close", "release", {}, "release", seconds=seconds)
    h.delete(*gang("short"))
    h.room("release", "after", N)


def cpu(h: History, act: Part = nothing, seconds: float = 90.0) -> None:
    blocker(h, "cpu_blocker")
    control(h, "cpu_control", "d")
    short(h, act, step="cpu_short", seconds=seconds)


def sound(**other: Part) -> History:
    """A sound platform's history, with some parts replaced."""
    parts: dict[str, Part] = {
        "opening": opening,
        "together": together,
        "blocker": blocker,
        "control": control,
        "short": short,
        "release": release,
        "cpu": cpu,
    }
    h = History()
    for part in (parts | other).values():
        part(h)
    return h


def judged(h: History, how: Any = "complete") -> Verdict:
    return judge(h.recording(how), SUITE)


def finding(verdict: Verdict, clause: str) -> Finding:
    return next(f for f in verdict.findings if f.clause == clause)


def code(verdict: Verdict, clause: str) -> tuple[Outcome, str]:
    found = finding(verdict, clause)
    return found.outcome, found.code
