"""What a recording holds of the store's answers and of what the pods showed. Pure."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiconform.checks.ai_service_metrics.samples import answered, exposed, nonces
from aiconform.judging import Window, facts
from aiconform.judging.metrics import Sample
from aiconform.model import Observation, Recording


@dataclass(frozen=True)
class Answer:
    """One answer of one place; `samples` is None if it was no success."""

    seq: int
    t: float
    place: str
    query: str
    samples: tuple[Sample, ...] | None


def names(rec: Recording) -> dict[str, Any]:
    """{"query": what finds the run's series, "pods": role -> name}; {} if the run did not come so far."""
    seen = facts(rec, "names")
    return dict(seen[-1].body) if seen else {}


def answers(rec: Recording, step: str, query: str | None = None) -> tuple[Answer, ...]:
    """The store's answers in a step to one query, by default to the one that finds all series of the run."""
    wanted = names(rec).get("query", "") if query is None else query
    return tuple(
        Answer(o.seq, o.t, o.subject, wanted, answered(o.body.get("body", "")) if o.body.get("status") == 200 else None)
        for o in rec.observations
        if o.step == step and wanted and _asked(o) == wanted
    )


def other_answers(rec: Recording, step: str) -> tuple[Answer, ...]:
    """The answers in a step to all other queries."""
    wanted = names(rec).get("query", "")
    found = {_asked(o) for o in rec.observations if o.step == step}
    return tuple(a for q in sorted(found - {wanted, ""}) for a in answers(rec, step, q))


def _asked(o: Observation) -> str:
    """The query that an observation is the answer to; "" for any other observation."""
    if o.kind != "http" or "/api/v1/query?" not in o.subject:
        return ""
    return parse_qs(urlsplit(o.subject.partition(" ")[2]).query).get("query", [""])[0]


def latest(found: tuple[Answer, ...]) -> tuple[tuple[Sample, ...] | None, tuple[int, ...]]:
    """The newest samples of all places together, and what they rest on; None if no place answered last time."""
    last = {a.place: a for a in found}
    good = [a for a in last.values() if a.samples is not None]
    samples = tuple(s for a in good for s in a.samples or ())
    return (samples if good else None), tuple(a.seq for a in good)


def shown(rec: Recording, role: str, until: int | None = None) -> tuple[tuple[Sample, ...], int]:
    """What a pod showed last, when it was asked directly (up to a seq), and the seq of that; ((), 0) if never."""
    name = names(rec).get("pods", {}).get(role, "-")
    pages = [o for o in rec.observations if _page(o, name) and (until is None or o.seq <= until)]
    return (exposed(pages[-1].body["body"]), pages[-1].seq) if pages else ((), 0)


def _page(o: Observation, name: str) -> bool:
    return (
        o.kind == "http"
        and o.subject.startswith(f"GET pods/{name}:")
        and o.subject.endswith("/metrics")
        and o.body.get("status") == 200
    )


def nonce(rec: Recording, role: str) -> float | None:
    """The random number that a pod made, as the pod itself shows it."""
    return next(iter(nonces(shown(rec, role)[0])), None)


def first_sight(found: tuple[Answer, ...], value: float | None) -> tuple[Answer, Sample] | None:
    """The first answer that has this nonce, and the series."""
    for a in found:
        series = nonces(a.samples or ()).get(value) if value is not None else None
        if series is not None:
            return a, series
    return None


def unasked(rec: Recording) -> tuple[Answer, Sample] | None:
    """The first answer that has the series of a pod that nobody had registered then, and the series."""
    early = first_sight(answers(rec, "before"), nonce(rec, "first"))
    steps = ("before", "visible", "grown", "second", "forget")
    return early or first_sight(tuple(a for step in steps for a in answers(rec, step)), nonce(rec, "stranger"))


def address(rec: Recording, role: str) -> str:
    """A pod's address, as the watch showed it; "" if it had none."""
    name, found = names(rec).get("pods", {}).get(role), ""
    for o in rec.observations:
        if o.kind == "watch" and o.subject.startswith("pods/") and o.body["object"]["metadata"]["name"] == name:
            found = (o.body["object"].get("status") or {}).get("podIP") or found
    return found


def another_port(rec: Recording, role: str, sample: Sample) -> bool:
    """Whether a series names, as its instance, the pod's address with a port that the pod was not registered with."""
    name, seq = names(rec).get("pods", {}).get(role, "-"), shown(rec, role)[1]
    page = next((o.subject for o in rec.observations if o.seq == seq), "")
    host, _, port = sample.labels.get("instance", "").rpartition(":")
    at_pod = bool(host) and host.strip("[]") == address(rec, role) and port.isdigit()
    return at_pod and page.startswith(f"GET pods/{name}:") and not page.startswith(f"GET pods/{name}:{port}/")


def namespace(rec: Recording, role: str) -> str:
    """The namespace of a pod, as the watch showed it."""
    name = names(rec).get("pods", {}).get(role)
    for o in rec.observations:
        if o.kind == "watch" and o.subject.startswith("pods/") and o.body["object"]["metadata"]["name"] == name:
            return str(o.body["object"]["metadata"]["namespace"])
    return ""


def waited(win: Window, seconds: float) -> bool:
    """Whether the window was as long as the deadline, and long enough for three scrapes."""
    return win.whole and win.seconds >= max(0.95 * seconds, 3 * interval(win.rec))


def interval(rec: Recording) -> float:
    """Seconds between two scrapes, as the collector's configuration says; 0.0 where that is not known."""
    seen = facts(rec, "collector")
    return float(seen[-1].body.get("interval", 0.0)) if seen else 0.0
