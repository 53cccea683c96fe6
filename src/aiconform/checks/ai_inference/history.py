"""What the judges of this check look up in a recording, in one place. Pure."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from aiconform.checks.ai_inference import orders
from aiconform.judging import facts, probes, unable, unknown
from aiconform.model import Finding, Observation, Recording

GROUP = "gateway.networking.k8s.io"
# A sound gateway may lose a request now and then, while its proxies are replaced.
MOST_LOST = 0.1


@dataclass(frozen=True)
class Answer:
    """One request: which one, when (ms), and what came back. `backend` is "" where no backend of ours answered."""

    name: str
    at: int
    status: int
    backend: str
    error: str
    seen: dict[str, str]

    @property
    def outcome(self) -> str:
        """In words: the backend, "404", or why there was no answer."""
        return self.backend or (str(self.status) if self.status else self.error or "no answer")


@dataclass(frozen=True)
class Batch:
    """The requests of one batch, in order. `seq` is the observation that it rests on."""

    seq: int
    answers: tuple[Answer, ...]
    sent: dict[str, dict[str, str]]

    def of(self, name: str) -> "Batch":
        """The requests of one name."""
        return Batch(self.seq, tuple(a for a in self.answers if a.name == name), self.sent)

    def last(self, count: int) -> "Batch":
        return Batch(self.seq, self.answers[-count:], self.sent)

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(a.outcome for a in self.answers)

    @property
    def backends(self) -> Counter[str]:
        return Counter(a.backend for a in self.answers if a.backend)

    @property
    def served(self) -> int:
        return sum(self.backends.values())

    @property
    def statuses(self) -> Counter[int]:
        """Statuses of answers that none of our backends gave."""
        return Counter(a.status for a in self.answers if a.status and not a.backend)

    @property
    def seconds(self) -> float:
        return (self.answers[-1].at - self.answers[0].at) / 1000 if self.answers else 0.0

    def words(self) -> str:
        """ "three 20, 404 5"."""
        return ", ".join(f"{what} {count}" for what, count in self.outcomes.most_common(5)) or "nothing"


def batches(rec: Recording, name: str) -> tuple[Batch, ...]:
    """Every batch of this name; a name ending in "-" takes all that begin so."""
    found = []
    for o in _requests(rec):
        for key, rows in o.body["batches"].items():
            if (key == name or (name.endswith("-") and key.startswith(name))) and isinstance(rows, list):
                answers = tuple(Answer(r[0], r[1], r[3], r[4], r[5], r[6] if len(r) > 6 else {}) for r in rows)
                found.append(Batch(o.seq, answers, o.body["sent"]))
    return tuple(found)


def batch(rec: Recording, name: str) -> Batch | None:
    found = batches(rec, name)
    return found[-1] if found else None


def _requests(rec: Recording, step: str | None = None) -> tuple[Observation, ...]:
    return tuple(o for o in probes(rec, step) if isinstance(o.body, dict) and o.body.get("probe") == "requests/1")


def searches(rec: Recording) -> tuple[Observation, ...]:
    """The answers of the client that looked for a way in: from a pod, and perhaps from where aiconform ran."""
    return _requests(rec, "reach")


def found_way(rec: Recording) -> tuple[Observation, dict[str, Any]] | None:
    """The way that led to a backend, and the answer that says so."""
    for o in searches(rec):
        if o.body["found"] >= 0:
            return o, o.body["ways"][o.body["found"]]
    return None


def tried(rec: Recording, step: str) -> Finding | None:
    """UNKNOWN if nothing reached a backend through the gateway at all, or if this step could not be tried."""
    if found_way(rec) is None:
        because = "no request reached a backend through the Gateway, so that nothing can be said of this"
        return unable(rec, "gateway", "reach") or unknown(because, code="not-tried")
    return unable(rec, step)


def stored(rec: Recording, plural: str, name: str = "") -> list[tuple[Observation, dict[str, Any]]]:
    """Every state of a Gateway or route that the watch showed, in order; deletions left out."""
    found = []
    for o in rec.observations:
        if o.kind == "watch" and o.subject.startswith(f"{plural}.{GROUP}/") and o.body["type"] != "DELETED":
            obj = o.body["object"]
            if not name or obj["metadata"]["name"] == name:
                found.append((o, obj))
    return found


def condition(obj: dict[str, Any], conditions: Any, kind: str) -> dict[str, Any]:
    """The condition, if it is about the object as it was then; else {}."""
    generation = obj["metadata"].get("generation")
    same = (c for c in conditions or [] if c["type"] == kind and c.get("observedGeneration", 0) == generation)
    return next(same, {})


def route_condition(rec: Recording, name: str, kind: str) -> tuple[Observation | None, dict[str, Any]]:
    """What the class's controller said last of a route, about its state then; (None, {}) if nothing."""
    controller = (rec.facts.get("class") or {}).get("controller")
    for o, obj in reversed(stored(rec, "httproutes", name)):
        for parent in (obj.get("status") or {}).get("parents") or []:
            said = condition(obj, parent.get("conditions"), kind)
            if said and parent.get("controllerName") == controller:
                return o, said
    return None, {}


def in_words(said: dict[str, Any]) -> str:
    """ "Accepted=False (NotAllowedByListeners: ...)"."""
    if not said:
        return "nothing"
    more = ": ".join(p for p in (said.get("reason", ""), said.get("message", "")) if p)
    return f"{said['type']}={said['status']}" + (f" ({more})" if more else "")


def lost_too_many(part: Batch, what: str) -> Finding | None:
    """UNKNOWN where more than a tenth of the requests were not answered by a backend."""
    if part.served >= (1 - MOST_LOST) * max(len(part.answers), 1):
        return None
    because = f"too many requests {what} were not answered by a backend: {part.words()}"
    return unknown(because, code="requests-failed", cites=(part.seq,))


def ended(rec: Recording, wait: str, name: str) -> tuple[Batch, Batch] | None:
    """Of a wait: all requests of one name, and those of its last rounds."""
    whole = batch(rec, wait)
    if whole is None:
        return None
    part = whole.of(name)
    return part, part.last(orders.ROUNDS * orders.TIMES)


def too_short(rec: Recording, part: Batch) -> Finding | None:
    """UNKNOWN where a wait ended before its time, although what it waited for had not come."""
    wanted = rec.deadline("propagation")
    if part.seconds >= 0.8 * wanted:
        return None
    because = f"it was tried for {part.seconds:.0f} s only, and {wanted:.0f} s are allowed"
    return unknown(because, code="interrupted", cites=(part.seq,))


def noted(rec: Recording, name: str) -> Any:
    """A fact's last value; None if it was not recorded."""
    found = facts(rec, name)
    return found[-1].body if found else None
