"""Ways around the allocation that only claims have: admin access, and claims of other namespaces. Pure."""

from typing import Any

from aiconform.checks.secure_accelerator_access.seen import answer, form, holder_held, holder_ready, unrecognised
from aiconform.judging import Pod, calls, failed, not_applicable, passed, pods, unable, unknown, window
from aiconform.judging.devices import numbered
from aiconform.model import Finding, Observation, Recording

_NO_CLAIMS = "a pod asks for this accelerator by an extended resource, not by a claim that it could name"


def refuses_admin_access(rec: Recording) -> Finding:
    """The same claim twice in an unlabelled namespace: plain (accepted), with admin access (refused)."""
    if rec.facts and form(rec) != "dra":
        return not_applicable(_NO_CLAIMS)
    asked = [o for o in _claims(rec, "admin") if _admin(o.body.get("request"))]
    kept = [o for o in asked if _accepted(o) and _admin(o.body.get("response"))]
    if kept:
        because = "a claim with admin access was accepted in a namespace that the suite had not labelled for it"
        return failed(because, cites=(kept[0].seq,))
    controls = [o for o in _claims(rec, "admin") if not _admin(o.body.get("request")) and _accepted(o)]
    if not asked or not controls:
        return unable(rec, "admin") or unknown("no such claim was tried beside a plain one", code="not-tried")
    cites = (controls[-1].seq, *(o.seq for o in asked))
    if all(_accepted(o) for o in asked):
        return passed("the API server took admin access out of the claim", cites=cites)
    if all(400 <= o.body["status"] < 500 and o.body["status"] not in (401, 409, 429) for o in asked):
        return passed(f"it was refused: {asked[-1].body.get('message', '')}", cites=cites)
    because = f"the API server answered {asked[-1].body['status']} to a claim with admin access"
    return unknown(because, code="api-lost", cites=cites)


def _claims(rec: Recording, step: str) -> tuple[Observation, ...]:
    return calls(rec, "POST resourceclaims", step=step)


def _accepted(o: Observation) -> bool:
    return 200 <= int(o.body["status"]) < 300


def _admin(claim: Any) -> bool:
    requests = ((claim or {}).get("spec") or {}).get("devices", {}).get("requests") or []
    return any((r.get("exactly") or {}).get("adminAccess") for r in requests)


def keeps_claims_in_their_namespace(rec: Recording) -> Finding:
    """A pod of another namespace names the holder's claim."""
    if rec.facts and form(rec) != "dra":
        return not_applicable(_NO_CLAIMS)
    borrowers = pods(rec, step="foreign")
    for p in borrowers:
        if p.started is not None:
            return _borrowed(rec, p)
    blocked = unable(rec, "canary", "holder", "foreign")
    if blocked or not borrowers:
        return blocked or unknown("no pod of another namespace was tried", code="not-tried")
    win = window(rec, "foreign")
    if not win.whole or not win.watched(f"pods/{borrowers[0].namespace}"):
        return unknown("the pod was not watched without a gap for the whole time", code="api-lost", cites=win.cites())
    if win.seconds < 0.99 * rec.deadline("pending_window"):
        return unknown("the pod was not watched for the whole time", code="deadline", cites=win.cites())
    return _controls(rec, borrowers[0], win.cites()) or passed(
        f"a pod of another namespace that named the claim did not start{_why(borrowers[0])}",
        cites=win.cites(),
    )


def _why(p: Pod) -> str:
    return f": {p.why_waiting()}" if p.why_waiting() else "; it stayed Pending"


def _controls(rec: Recording, borrower: Pod, cites: tuple[int, ...]) -> Finding | None:
    """UNKNOWN unless the holder ran on the claim all the time, and the other namespace could use a claim."""
    if unrecognised(rec) is None:
        blocked = holder_held(rec, cites[-1])
    else:
        alive = [p for p in pods(rec, step="holder") if p.running and (not p.ended or p.ended.seq > cites[-1])]
        blocked = None if alive else unknown("the holder did not run all the time", code="capacity-changed")
    if blocked:
        return blocked
    if any(p.started for p in pods(rec, step="reuse", namespace=borrower.namespace)):
        return None
    because = "no pod of that namespace ran with a claim of its own either, so waiting proves nothing"
    return unable(rec, "reuse") or unknown(because, code="not-tried", cites=cites)


def _borrowed(rec: Recording, p: Pod) -> Finding:
    """It started: on the holder's device, or on one of its own?"""
    cites = (p.started.seq,) if p.started else ()
    seen, holder = answer(rec, "foreign"), answer(rec, "holder", "holder")
    blocked = unrecognised(rec)
    if seen is None or holder is None or blocked:
        because = "a pod of another namespace that named the claim started, and it is not known what it got"
        return blocked or holder_ready(rec) or unknown(because, code="probe-failed", cites=cites)
    both = (seen.numbers() & holder.numbers()) or (seen.identities & holder.identities)
    if both:
        what = numbered(seen.numbers() & holder.numbers()) or "its identity"
        because = f"a pod of another namespace started on the holder's claim and got its device ({what})"
        return failed(because, cites=(*cites, holder.seq, seen.seq))
    because = "a pod that named another namespace's claim started, but not with that claim's device"
    return unknown(because, code="claim-made-by-others", cites=(*cites, seen.seq))
