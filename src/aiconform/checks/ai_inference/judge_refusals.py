"""Requests that must reach nobody. Pure."""

import json
from dataclasses import replace
from typing import Any

from aiconform.checks.ai_inference import orders
from aiconform.checks.ai_inference.history import (
    Batch,
    batch,
    ended,
    in_words,
    route_condition,
    too_short,
    tried,
)
from aiconform.judging import calls, failed, passed, unable, unknown
from aiconform.model import Finding, Observation, Recording


def _part(rec: Recording, name: str) -> tuple[Finding | None, Batch | None]:
    """The requests that had to be refused; and UNKNOWN unless others were served between them (the control)."""
    blocked, whole = tried(rec, "headers"), batch(rec, "refusals")
    if whole is None:
        return blocked or unknown("nothing that must be refused was tried", code="not-tried"), None
    known = whole.of("split")
    part = whole.of(name)
    if known.served < 0.9 * len(known.answers) or not known.answers:
        because = f"requests that must be served were not served then: {known.words()}"
        return unknown(because, code="control-failed", cites=(whole.seq,)), part
    return blocked, part


def keeps_unknown_hosts_out(rec: Recording) -> Finding:
    blocked, part = _part(rec, "unknown")
    again = batch(rec, "delete")
    for one in (part, again.of("unknown") if again else None):
        if one is not None and one.served:
            because = f"requests for a host that no route names reached backends: {one.words()}"
            return failed(because, cites=(one.seq,))
    if blocked or part is None:
        return blocked or unknown("no unknown host was tried", code="not-tried")
    because = f"requests for a host that no route names reached no backend: {part.words()}"
    return passed(because, cites=(part.seq,))


def refuses_missing_backends(rec: Recording) -> Finding:
    """The condition and the answers must agree."""
    blocked, part = _part(rec, "missing")
    if part is not None and any(0 < a.status < 400 for a in part.answers):
        because = f"requests of a route to a Service that does not exist were answered as if it did: {part.words()}"
        return failed(because, cites=(part.seq,))
    if blocked or part is None:
        return blocked or unknown("no route without a backend was tried", code="not-tried")
    at, said = route_condition(rec, "missing", "ResolvedRefs")
    if said.get("status") != "False":
        because = f"of a route to a Service that does not exist, the controller says: {in_words(said)}"
        return failed(because, cites=(part.seq, at.seq) if at else (part.seq,))
    if not part.statuses:
        because = f"requests of that route were not answered at all: {part.words()}"
        return unknown(because, code="requests-failed", cites=(part.seq,))
    because = f"{in_words(said)}, and its requests were answered with {part.words()}"
    return passed(because, cites=(part.seq, at.seq if at else part.seq))


def refuses_foreign_backends(rec: Recording) -> Finding:
    """Before the grant nothing arrives; after it, the same route serves."""
    blocked, part = _part(rec, "foreign")
    arrived = _arrived(rec)
    if part is not None and (part.served or arrived):
        how = part.words() if part.served else "its log shows them"
        because = f"requests reached a Service of another namespace, which had not allowed it: {how}"
        return failed(because, cites=(part.seq, *(o.seq for o in arrived)))
    refused = _refused_at_once(rec)
    if refused is not None:
        because = f"the route was refused by the API server: {refused.body.get('message', '')}"
        return passed(because, cites=(refused.seq,))
    if blocked or part is None:
        return blocked or unknown("no route to another namespace was tried", code="not-tried")
    at, said = _before_grant(rec, part)
    if said.get("status") == "True":
        because = f"the controller says that the reference is in order, which nobody allowed: {in_words(said)}"
        return failed(because, cites=(part.seq, at.seq if at else part.seq))
    return _granted(rec, part, in_words(said))


def _granted(rec: Recording, part: Batch, said: str) -> Finding:
    """The control: the way to the other namespace was open, but for the grant."""
    blocked, found = unable(rec, "grant"), ended(rec, "grant", "foreign")
    if blocked or found is None:
        because = "the other namespace never allowed it, so that it is not known whether it could have been reached"
        return blocked or unknown(because, code="control-did-not-run", cites=(part.seq,))
    after, last = found
    if not last.backends[orders.FOREIGN]:
        because = (
            f"with a ReferenceGrant the route did not serve either ({last.words()}), so its silence proves nothing"
        )
        return unknown(because, code="control-failed", cites=(part.seq, after.seq))
    because = f"none of {len(part.answers)} requests arrived ({part.words()}; {said}); with a ReferenceGrant they did"
    return passed(because, cites=(part.seq, after.seq))


def _arrived(rec: Recording) -> tuple[Observation, ...]:
    """The foreign backend's log, taken before the grant, if it shows requests of that route."""
    found = []
    for o in rec.observations:
        if o.kind == "log" and f"/backend-{orders.FOREIGN}/" in o.subject:
            lines = [line for line in o.body["text"].splitlines() if line.startswith("{")]
            if any(json.loads(line)["case"] == orders.FOREIGN for line in lines):
                found.append(o)
    return tuple(found)


def _refused_at_once(rec: Recording) -> Observation | None:
    for o in calls(rec, "POST httproutes.", "gateway"):
        if o.body["status"] in (400, 403, 422) and o.subject.endswith(f"/{orders.FOREIGN}"):
            return o
    return None


def _before_grant(rec: Recording, part: Batch) -> tuple[Observation | None, dict[str, Any]]:
    """ResolvedRefs of the foreign route until its requests were refused: what was seen when the grant was asked for may
    be an answer to it, which a watch can show before the call returns."""
    cut = tuple(o for o in rec.observations if o.seq < part.seq)
    return route_condition(replace(rec, observations=cut), orders.FOREIGN, "ResolvedRefs")


def stops_when_the_route_is_deleted(rec: Recording) -> Finding:
    blocked = tried(rec, "delete")
    gone, kept = ended(rec, "delete", "models"), ended(rec, "delete", "split")
    if blocked or gone is None or kept is None:
        return blocked or unknown("no route was deleted", code="not-tried")
    part, last = gone
    before = batch(rec, "models")
    if before is None or not before.served:
        because = "the route did not serve before it was deleted either"
        return unknown(because, code="control-failed", cites=(part.seq,))
    if last.served:
        because = f"{part.seconds:.0f} s after its route was deleted, requests still reached backends: {last.words()}"
        return too_short(rec, part) or failed(because, cites=(part.seq,))
    if not kept[1].served:
        because = f"the other route did not serve any more either: {kept[1].words()}"
        return unknown(because, code="control-failed", cites=(part.seq,))
    because = f"within {part.seconds:.0f} s no request reached a backend ({last.words()}); another route still served"
    return passed(because, cites=(part.seq, before.seq))
