"""Recordings made by hand, as `observe` would write them: for the tests of the judge."""

import random
from collections.abc import Callable, Iterable
from typing import Any

from aiconform.checks.ai_inference import orders
from aiconform.checks.ai_inference.check import CHECK
from aiconform.checks.ai_inference.judge import judge
from aiconform.model import FORMAT, Ending, Finding, Observation, Options, Outcome, Recording, Suite, Verdict

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
SUITE = Suite(version="test")
CONTROLLER, GROUP = "example.com/gateways", "gateway.networking.k8s.io"
HOME = {"host": "10.0.0.1", "port": 80, "how": "status"}
# What a backend, or what stands before it, answered: a backend's name, a status, or why there was no answer.
What = str | int


def row(name: str, at: int, what: What, seen: dict[str, str] | None = None) -> list[Any]:
    if isinstance(what, int):
        return [name, at, 4000, what, "", ""]
    if what in (*orders.BACKENDS, orders.FOREIGN):
        return [name, at, 4000, 200, what, "", *([seen] if seen else [])]
    return [name, at, 0, 0, "", what]


def rows(name: str, answers: Iterable[What], every: int = 10) -> list[list[Any]]:
    return [row(name, i * every, what) for i, what in enumerate(answers)]


class History:
    """Writes a recording line by line. Every part may be left out or be made otherwise."""

    def __init__(self) -> None:
        self.lines: list[Observation] = []
        self.facts: dict[str, Any] = {
            "mechanism": "gateway-class",
            "claimed": False,
            "class": {"name": "any", "controller": CONTROLLER, "features": ["HTTPRoute", "Mesh"]},
            "node": "node",
            "grants": "v1",
        }
        self.settings = Options().settings_for(CHECK)

    def add(self, kind: str, subject: str, body: Any = None, step: str = "") -> None:
        n = len(self.lines) + 1
        self.lines.append(Observation(seq=n, t=n / 10, at="", step=step, kind=kind, subject=subject, body=body))

    def unable(self, step: str, code: str) -> None:
        self.add("unable", step, {"code": code, "because": f"{step} could not be tried"}, step)

    def gateway(self, *said: tuple[str, str, str], generation: int = 1, port: str = "") -> None:
        """`said`: (type, status, reason) about generation 1."""
        listeners = [{"name": "http", "conditions": [_condition("Accepted", "False", port)]}] if port else []
        status = {"conditions": [_condition(*c) for c in said], "listeners": listeners}
        meta = {"name": "gw", "namespace": "ns", "uid": "gw", "generation": generation}
        body = {"type": "MODIFIED", "object": {"metadata": meta, "status": status}}
        self.add("watch", f"gateways.{GROUP}/ns/gw", body)

    def route(self, name: str, resolved: str = "True", reason: str = "ResolvedRefs", **more: Any) -> None:
        conditions = [
            _condition("Accepted", more.get("accepted", "True"), "Accepted"),
            _condition("ResolvedRefs", resolved, reason),
        ]
        parent = {"controllerName": more.get("controller", CONTROLLER), "conditions": conditions}
        meta = {"name": name, "namespace": "ns", "uid": name, "generation": more.get("generation", 1)}
        body = {"type": "MODIFIED", "object": {"metadata": meta, "status": {"parents": [parent]}}}
        self.add("watch", f"httproutes.{GROUP}/ns/{name}", body)

    def answer(self, step: str, batches: dict[str, Any], sent: dict[str, Any] | None = None, subject: str = "") -> None:
        body = {"probe": "requests/1", "found": 0, "ways": [HOME], "batches": batches, "sent": sent or {}}
        self.add("probe", subject or f"pods/ns/client-{step}/probe", body, step)

    def search(self, *ways: tuple[str, What], found: int = -1, subject: str = "pods/ns/client-reach/probe") -> None:
        """`ways`: (how, what came of it)."""
        results = []
        for how, what in ways:
            _, _, _, status, backend, error = row("", 0, what)
            address = {"status": "10.0.0.1", "service": "10.96.0.1", "node": "10.1.0.1"}[how]
            seen = {"status": status, "backend": backend, "error": error, "peer": address}
            results.append({"host": address, "port": 80, "how": how} | seen)
        body = {"probe": "requests/1", "found": found, "ways": results, "batches": {}, "sent": {}}
        self.add("probe", subject, body, "reach")

    def recording(self, *, ended: bool = True) -> Recording:
        ending = Ending(how="complete", at="", t=1e6) if ended else None
        return Recording(
            format=FORMAT, run="r", check=CHECK.requirement, via="any", suite=SUITE, settings=self.settings,
            facts=self.facts, observations=tuple(self.lines), ending=ending, sha256="0" * 64,
        )  # fmt: skip


def _condition(kind: str, status: str, reason: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": "", "observedGeneration": 1}


# -- the parts of a sound history, each of which may be replaced -------------------------------------------------


def programmed(h: History) -> None:
    h.gateway(("Accepted", "True", "Accepted"), ("Programmed", "True", "Programmed"))


def routes(h: History) -> None:
    for name in ("split", "models"):
        h.route(name)
    h.route("missing", "False", "BackendNotFound")
    h.route("foreign", "False", "RefNotPermitted")


def reach(h: History) -> None:
    h.search(("status", "one"), found=0)


def shares(one: int, two: int, three: int = 0, other: int = 0) -> list[What]:
    """So many answers of each, in an order of chance that is always the same."""
    answers: list[What] = ["one"] * one + ["two"] * two + ["three"] * three + [503] * other
    random.Random(1).shuffle(answers)
    return answers


def split(h: History) -> None:
    h.answer("split", {"sample-0": rows("split", shares(352, 148))})


def settled(name: str, *answers: What, every: int = 200) -> list[list[Any]]:
    """A wait whose requests were answered so, round for round."""
    return rows(name, [a for a in answers for _ in range(orders.TIMES)], every)


def change(h: History) -> None:
    h.answer("change", {"change": settled("split", "one", *["three"] * orders.ROUNDS)})


def headers(h: History, **other: What) -> None:
    right: dict[str, What] = {"a": "one", "b": "two", "other": "three", "none": "three"}
    models = [r for k, v in {**right, **other}.items() for r in rows(f"model-{k}", [v] * orders.EACH)]
    chat(h, models)


def chat(h: History, models: list[list[Any]] | None = None, what: What = "one", seen: Any = None) -> None:
    sent = {"body": "b0d1", "credential": "c4ed"}
    answers = [row("chat", i, what, sent | (seen or {})) for i in range(orders.EACH)]
    parts = {"status": 200, "arrivals": [200 * i for i in range(10)]}
    if models is None:
        headers(h)
        h.lines.pop()
        models = []
    h.answer("headers", {"models": models, "chat": answers, "stream": parts}, {"chat": sent})


def refuse(h: History, **other: What) -> None:
    answers: dict[str, What] = {"split": "three", "unknown": 404, "missing": 500, "foreign": 500, **other}
    mixed = [row(n, 1000 * i, w) for i in range(20) for n, w in answers.items()]
    h.answer("headers", {"refusals": mixed}, subject="pods/ns/client-refuse/probe")
    h.add("log", "pods/other/backend-foreign/probe", {"text": '{"case": "direct-foreign"}\n'}, "canary")


def grant(h: History) -> None:
    h.add("call", f"POST referencegrants.{GROUP}/other/models", {"status": 201}, "grant")
    h.route("foreign")
    h.answer("grant", {"grant": settled("foreign", 500, *[orders.FOREIGN] * orders.ROUNDS)})


def delete(h: History, gone: What = 404, kept: What = "three") -> None:
    mixed = settled("models", "one", *[gone] * orders.ROUNDS) + settled("split", *[kept] * (orders.ROUNDS + 1))
    h.answer("delete", {"delete": mixed})


Part = Callable[[History], None]
PARTS: dict[str, Part] = {
    "programmed": programmed, "routes": routes, "reach": reach, "split": split, "change": change, "headers": headers,
    "refuse": refuse, "grant": grant, "delete": delete,
}  # fmt: skip


def nothing(_: History) -> None:
    """A part that was not seen."""


def sound(**replaced: Part) -> History:
    """A sound history, with some parts replaced."""
    h = History()
    for part in (PARTS | replaced).values():
        part(h)
    return h


def judged(h: History, *, ended: bool = True) -> Verdict:
    return judge(h.recording(ended=ended), SUITE)


def finding(h: History, clause: str) -> Finding:
    return next(f for f in judged(h).findings if f.clause == clause)


def failures(h: History) -> set[str]:
    return {f.clause for f in judged(h).findings if f.outcome is FAIL}
