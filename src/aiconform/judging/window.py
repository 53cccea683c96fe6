"""Windows: the stretch of a recording in which a step happened, and what can be said of it."""

from dataclasses import dataclass
from typing import Any

from aiconform.judging.findings import unknown
from aiconform.model import Finding, Observation, Recording


@dataclass(frozen=True)
class Window:
    """The time between `window.open` and `window.close` of one step.

    An absence in it counts only if `watched` says that somebody was looking all the time.
    """

    rec: Recording
    step: str
    opened: Observation | None
    closed: Observation | None

    @property
    def whole(self) -> bool:
        """Whether the window was opened and closed, so that its full length was spent looking."""
        return self.opened is not None and self.closed is not None

    @property
    def seconds(self) -> float:
        """How long it was open; 0.0 if it was never closed."""
        return self.closed.t - self.opened.t if self.opened and self.closed else 0.0

    def holds(self, seq: int) -> bool:
        """Whether an observation lies inside (a window that was never closed reaches to the end)."""
        if self.opened is None or seq < self.opened.seq:
            return False
        return self.closed is None or seq <= self.closed.seq

    def watched(self, subject: str) -> bool:
        """Whether one watch on `subject` (as in `watch.start`) ran without a gap over the whole window."""
        if self.opened is None or self.closed is None:
            return False
        running = False
        for o in self.rec.observations:
            if o.subject != subject or o.seq > self.closed.seq:
                continue
            inside = o.seq >= self.opened.seq
            if o.kind in ("watch.gap", "watch.end") and inside:
                return False
            if o.kind == "watch.end" or (o.kind == "watch.start" and not inside):
                running = o.kind == "watch.start"
        return running

    def cites(self) -> tuple[int, ...]:
        """The seq numbers of its two ends, to be cited for an absence."""
        return tuple(o.seq for o in (self.opened, self.closed) if o is not None)


def window(rec: Recording, step: str) -> Window:
    """The window of a step; if a step opened several, the last one that was opened."""
    opened = closed = None
    for o in rec.observations:
        if o.step == step and o.kind == "window.open":
            opened, closed = o, None
        elif o.step == step and o.kind == "window.close" and opened is not None:
            closed = o
    return Window(rec=rec, step=step, opened=opened, closed=closed)


def facts(rec: Recording, subject: str, step: str | None = None) -> tuple[Observation, ...]:
    """All `fact` observations of this name, in order."""
    return _pick(rec, "fact", step, lambda o: o.subject == subject)


def calls(rec: Recording, subject_start: str, step: str | None = None) -> tuple[Observation, ...]:
    """All `call` observations whose subject starts so, e.g. "POST pods/"."""
    return _pick(rec, "call", step, lambda o: o.subject.startswith(subject_start))


def probes(rec: Recording, step: str | None = None, pod: str = "") -> tuple[Observation, ...]:
    """All probe answers, optionally of one step and of pods whose "pods/ns/name..." contains `pod`."""
    return _pick(rec, "probe", step, lambda o: pod in o.subject)


def unable(rec: Recording, *steps: str) -> Finding | None:
    """UNKNOWN with the recorded code and reason if one of these steps could not be tried."""
    for o in rec.observations:
        if o.kind == "unable" and o.step in steps:
            return unknown(o.body["because"], code=o.body["code"], cites=(o.seq,))
    return None


def _pick(rec: Recording, kind: str, step: str | None, test: Any) -> tuple[Observation, ...]:
    return tuple(o for o in rec.observations if o.kind == kind and (step is None or o.step == step) and test(o))
