"""Histories of a platform that is sound, or differs in one place, for tests."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from aiconform.checks.ai_service_metrics.check import CHECK
from aiconform.checks.ai_service_metrics.judge import judge
from aiconform.checks.ai_service_metrics.samples import exposed
from aiconform.judging.metrics import Sample
from aiconform.model import FORMAT, Ending, Finding, Observation, Outcome, Recording, Suite, Verdict

QUERY, TIMES = '{aiconform_run="r"}', "timestamp(nonces)"
NONCES = {"first": 111111111, "kept": 222222222, "second": 333333333, "stranger": 444444444}
NS = "ns"
Change = Callable[[list[Sample]], Iterable[Sample]]


def page(role: str, served: int = 0) -> str:
    """What a pod shows; as manifests/server.py writes it, in small."""
    own = f'aiconform_run="r",aiconform_target="{role}"'
    return (
        f"aiconform_nonce{{{own}}} {NONCES[role]}\n"
        f'aiconform:request_success_total{{{own},finished_reason="stop"}} {served}\n'
        f'aiconform:e2e_request_latency_seconds_bucket{{{own},le="1.0"}} {served // 2}\n'
        f'aiconform:e2e_request_latency_seconds_bucket{{{own},le="+Inf"}} {served}\n'
        f"aiconform:e2e_request_latency_seconds_sum{{{own}}} {served * 0.5}\n"
    )


def stored(role: str, served: int = 0) -> list[Sample]:
    """The same as a sound store has it."""
    named = {"namespace": NS, "pod": f"model-{role}", "instance": f"{address(role)}:8000"}
    return [replace(s, labels={**s.labels, **named}) for s in exposed(page(role, served))]


def address(role: str) -> str:
    return f"10.0.0.{len(role)}"


def same(samples: list[Sample]) -> Iterable[Sample]:
    return samples


def nothing(samples: list[Sample]) -> Iterable[Sample]:
    del samples
    return []


@dataclass
class Story:
    """One history. Each step asks the store once; `changes`: step -> what the platform makes of the sound answer.

    `lasts`: step -> seconds that the suite waits in it. `up`: role -> value. `ages`: role -> age in seconds of its
    newest sample at the end.
    """

    changes: dict[str, Change] = field(default_factory=dict)
    lasts: dict[str, float] = field(default_factory=dict)
    up: dict[str, float] = field(default_factory=lambda: {"first": 1.0, "closed": 0.0})
    ages: dict[str, float] = field(default_factory=lambda: {"kept": 0.0})
    facts: dict[str, Any] = field(default_factory=dict)
    collector: dict[str, Any] = field(default_factory=lambda: {"name": "c", "way": "pod", "sure": True})
    policies: list[str] = field(default_factory=list)
    may: bool | None = True
    scraped: float = 5.0
    wider: list[Sample] = field(default_factory=list)
    before: list[Sample] = field(default_factory=list)
    showing_at_the_end: bool = True
    seen: list[Observation] = field(default_factory=list)
    t: float = 0.0

    def add(self, kind: str, subject: str, body: Any, step: str) -> None:
        n = len(self.seen) + 1
        self.seen.append(Observation(seq=n, t=self.t, at="", step=step, kind=kind, subject=subject, body=body))

    def answer(self, step: str, samples: Iterable[Sample], query: str = QUERY, status: int = 200) -> None:
        result = [{"metric": s.labels | {"__name__": s.name}, "value": [self.t, str(s.value)]} for s in samples]
        text = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})
        subject = f"GET services/prometheus:9090/api/v1/query?{urlencode({'query': query})}"
        self.add("http", subject, {"status": status, "headers": {}, "body": text}, step)

    def shows(self, step: str, role: str, served: int = 0) -> None:
        body = {"status": 200, "headers": {}, "body": page(role, served)}
        self.add("http", f"GET pods/model-{role}:8000/metrics", body, step)

    def window(self, step: str, *answers: list[Sample]) -> None:
        """A window in which the store answers at its beginning and at its end."""
        self.add("window.open", step, {"why": ""}, step)
        change = self.changes.get(step, same)
        for samples in answers:
            self.answer(step, change(samples))
        self.t += self.lasts.get(step, 5.0)
        for samples in answers:
            self.answer(step, change(samples))
        self.add("window.close", step, {}, step)

    def tell(self) -> Recording:
        """The whole of it."""
        names = {r: f"model-{r}" for r in ("first", "kept", "second", "closed", "stranger")}
        self.add("fact", "collectors", [self.collector], "setup")
        self.add("fact", "collector", self.collector, "setup")
        self.add("fact", "names", {"query": QUERY, "times": TIMES, "pods": names}, "setup")
        self.add("fact", "network_policies", self.policies, "setup")
        self.add("fact", "account", {"account": "a", "may": self.may}, "setup")
        for role, name in names.items():
            obj = {"metadata": {"name": name, "namespace": NS, "uid": name}, "status": {"podIP": address(role)}}
            self.add("watch", f"pods/{NS}/{name}", {"type": "ADDED", "object": obj}, "")
        self.shows("canary", "first")
        self.shows("canary", "kept")
        self.shows("canary", "stranger")
        self.window("before", self.before)
        self.window("visible", [*stored("first"), *stored("kept")])
        self.answer("visible", self.wider, '{__name__=~".*nonce.*"}')
        self.answer("visible", [Sample("", {}, self.scraped)], 'count({__name__="up"})')
        for served in (137, 178):
            self.shows("grown", "first", served)
            self.window("grown", [*stored("first", served), *stored("kept")])
            self.add("fact", "driven", served, "grown")
        self.shows("second", "second")
        self.window("second", [*stored("first", 178), *stored("second"), *stored("kept")])
        self.add("window.open", "broken", {"why": ""}, "broken")
        self.t += self.lasts.get("broken", 5.0)
        ups = [Sample("up", {"pod": f"model-{role}"}, value) for role, value in self.up.items()]
        for _ in range(3):
            self.answer("broken", ups, '{__name__="up"}')
        self.add("window.close", "broken", {}, "broken")
        self.forget()
        return self.recording()

    def forget(self) -> None:
        everyone = ("first", "second", "kept")
        self.answer("forget", [Sample("", {"aiconform_target": r}, self.t) for r in everyone], TIMES)
        self.window("forget", stored("kept"))
        if self.showing_at_the_end:
            self.shows("forget", "first", 178)
        self.answer("forget", self.changes.get("forget", same)(stored("kept")))
        self.answer(
            "forget", [Sample("", {"aiconform_target": r}, self.t - age) for r, age in self.ages.items()], TIMES
        )

    def recording(self, how: str | None = "complete") -> Recording:
        return Recording(
            format=FORMAT, run="r", check=CHECK.requirement, via="annotations", suite=Suite(version="0"),
            settings={"deadlines": dict.fromkeys(CHECK.deadlines, 30.0)}, facts=self.facts,
            observations=tuple(self.seen), ending=None if how is None else Ending(how=how, at="", t=self.t),  # type: ignore[arg-type]
            sha256="0" * 64,
        )  # fmt: skip

    def verdict(self) -> Verdict:
        return judge(self.tell(), Suite(version="0"))


def finding(verdict: Verdict, clause: str) -> Finding:
    return next(f for f in verdict.findings if f.clause == clause)


def failing(verdict: Verdict) -> set[str]:
    """The clauses that fail."""
    return {f.clause for f in verdict.findings if f.outcome is Outcome.FAIL}
