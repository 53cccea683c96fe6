"""The clauses that need no driver. Pure."""

from typing import Any

from aiconform.checks.dra_support.check import TYPES, VERBS
from aiconform.checks.dra_support.history import claim_of, claims, fact, long_enough, pod
from aiconform.judging import facts, failed, passed, unable, unknown, window
from aiconform.model import Finding, Observation, Recording

_DEFAULTS = {"allocationMode": "ExactCount", "count": 1}
# Refusals that are an administrator's decision and say nothing about the API.
_NOT_THE_API = ("rbac-denied", "admission-denied")
# The server was in trouble, or busy: that is no answer to the question.
_NO_ANSWER = (408, 409, 429)


def serves_the_api(rec: Recording) -> Finding:
    """Four types, all verbs, the version that the checklist asks for."""
    served = fact(rec, "served")
    if served is None:
        return unknown("discovery was not read", code="not-tried")
    versions: dict[str, dict[str, list[str]]] = served.body["versions"]
    accepted = ("v1",) if rec.facts.get("required") != "any" else ("v1", "v1beta2", "v1beta1")
    missing = []
    for version in accepted:
        missing = [
            f"{plural} ({', '.join(sorted(set(VERBS) - set(versions.get(plural, {}).get(version, ()))))})"
            for plural in TYPES
            if not set(VERBS) <= set(versions.get(plural, {}).get(version, ()))
        ]
        if not missing:
            return passed(f"all four types are served in {version} with all verbs", cites=(served.seq,))
    if not versions:
        return failed("the API server serves nothing of resource.k8s.io", cites=(served.seq,))
    there = sorted({v for by in versions.values() for v in by})
    because = f"resource.k8s.io is served in {', '.join(there)}; in {accepted[-1]} these verbs are missing: "
    return failed(because + "; ".join(missing), cites=(served.seq,))


def keeps_what_it_is_given(rec: Recording) -> Finding:
    """Each object through its whole life."""
    doubts, cites = [], []
    for plural in TYPES:
        o = fact(rec, f"object/{plural}")
        if o is None:
            return unknown(f"no object of type {plural} was tried", code="not-tried")
        cites.append(o.seq)
        code, because = _no_answer(o.body["created"])
        if not code and "changed" in o.body:
            code, because = _no_answer(o.body["changed"])
        if code:
            doubts.append(unknown(f"{plural}: {because}", code=code, cites=(o.seq,)))
            continue
        wrong = _wrong(plural, o.body)
        if wrong:
            return failed(f"{plural}: {wrong}", cites=(o.seq,))
        if not o.body["gone"]:
            because = f"{plural}: the object was deleted and did not go away; finalizers may legally keep it"
            doubts.append(unknown(because, code="deadline", cites=(o.seq,)))
    if doubts:
        return doubts[0]
    return passed("one object of each type was stored whole, listed, watched, changed and deleted", cites=cites)


def _no_answer(answer: dict[str, Any]) -> tuple[str, str]:
    """(code, sentence) if a write was not judged by the API itself; ("", "") if it was."""
    if answer["ok"]:
        return "", ""
    if answer["code"] in _NOT_THE_API:
        return str(answer["code"]), f"the request was not allowed: {answer['message']}"
    if answer["status"] >= 500 or answer["status"] in _NO_ANSWER:
        return "api-lost", f"the API server answered {answer['status']}: {answer['message']}"
    return "", ""


def _wrong(plural: str, body: dict[str, Any]) -> str:
    """What went wrong with one object; "" if nothing."""
    if not body["created"]["ok"]:
        return f"a valid object was refused: {body['created']['message']}"
    for name in ("stored", "got"):
        lost = missing(body["sent"], body.get(name))
        if lost:
            return f"what was {'stored' if name == 'stored' else 'read back'} lacks {lost}"
    if plural in ("resourceclaims", "resourceclaimtemplates"):
        for request in _requests(body["stored"]):
            for field, value in _DEFAULTS.items():
                if request.get("exactly", request).get(field) != value:
                    return f"the default {field}: {value} was not filled in"
    if not body["listed"]:
        return "an object that had been created was not in the list"
    if not body["changed"]["ok"]:
        return f"a change of its annotations was refused: {body['changed']['message']}"
    if not body["changed"]["kept"]:
        return "a change of its annotations was accepted and not kept"
    return "" if body["watched"] else "a change of it was not seen by a watch in time"


def _requests(spec: Any) -> list[dict[str, Any]]:
    return list((((spec or {}).get("spec") or spec or {}).get("devices") or {}).get("requests") or [])


def missing(sent: Any, stored: Any, where: str = "spec") -> str:
    """The first thing of `sent` that `stored` lacks, as a path; "" if it holds all. More may be stored."""
    if isinstance(sent, dict):
        if not isinstance(stored, dict):
            return where
        return next((m for k, v in sent.items() if (m := missing(v, stored.get(k), f"{where}.{k}"))), "")
    if isinstance(sent, list):
        if not isinstance(stored, list):
            return where
        rest = iter(stored)
        for i, value in enumerate(sent):
            # In order, and others may stand between: admission may add, but not replace.
            if not any(not missing(value, other, where) for other in rest):
                return f"{where}[{i}]"
        return ""
    if where.endswith(".expression") and isinstance(sent, str) and isinstance(stored, str) and sent in stored:
        # A policy may add a condition to a selector.
        return ""
    return "" if sent == stored else where


def _answers(rec: Recording) -> dict[str, Observation]:
    return {o.body["case"]: o for o in facts(rec, "answer")}


def refuses_broken_selectors(rec: Recording) -> Finding:
    """A claim and a template whose CEL cannot be parsed."""
    pairs = (("broken selector", "sound claim"), ("broken selector in a template", "sound template"))
    return _refuses(rec, pairs, "a claim or template whose selector is no valid CEL was accepted")


def refuses_admin_access(rec: Recording) -> Finding:
    """Admin access in a namespace without the label."""
    pairs = (("admin access", "sound claim"), ("admin access in a template", "sound template"))
    because = "admin access was granted in a namespace that the suite did not label for it"
    labels = fact(rec, "namespace")
    if labels is not None and "resource.kubernetes.io/admin-access" in labels.body["labels"]:
        because += " (something else has put the label there)"
    return _refuses(rec, pairs, because)


def _refuses(rec: Recording, pairs: tuple[tuple[str, str], ...], because: str) -> Finding:
    answers = _answers(rec)
    cites = []
    for bad, sound in pairs:
        if bad not in answers or sound not in answers:
            return unknown("these requests were not tried", code="not-tried")
        o, twin = answers[bad], answers[sound]
        # A server that drops the field grants nothing: that is no admin access either.
        if o.body["ok"] and not (bad.startswith("admin") and not o.body["admin"]):
            return failed(because, cites=(o.seq,))
        if not twin.body["ok"]:
            why = f"the same request without the fault was refused too: {twin.body['message']}"
            code = _no_answer(twin.body)[0] or "control-did-not-run"
            return unknown(why, code=code, cites=(o.seq, twin.seq))
        code, why = _no_answer(o.body)
        # A policy that refuses what the API would refuse does no harm.
        if code and code != "admission-denied":
            return unknown(why, code=code, cites=(o.seq,))
        cites += [o.seq, twin.seq]
    said = answers[pairs[0][0]].body["message"] or "the field was dropped"
    return passed(f"refused, and the sound twin was accepted: {said[:200]}", cites=cites)


def makes_claims_from_templates(rec: Recording) -> Finding:
    """The pod that no device matches still gets its claim."""
    tried = unable(rec, "no-match")
    if tried:
        return tried
    owner = pod(rec, "no-match")
    if owner is None:
        return unknown("no pod with a template was made", code="not-tried")
    named = {s.get("resourceClaimName") for s in owner.last.get("status", {}).get("resourceClaimStatuses") or []}
    made = [c for c in claims(rec) if c.name in named]
    if made and made[0].made:
        return passed(f"claim {made[0].name} was made for the pod, and its status names it", cites=(made[0].made.seq,))
    late = window(rec, "claim_made")
    blind = long_enough(rec, late, "claim_made")
    if blind:
        return blind
    control = pod(rec, "control")
    if control is None or control.bound is None:
        return unknown("the plain pod beside it was not bound either", code="control-did-not-run", cites=late.cites())
    waited = late.closed.t - owner.created.t if late.closed and owner.created else 0.0
    because = f"no claim was made from the pod's template in {waited:.0f} s, while a plain pod beside it was bound"
    return failed(because, cites=(*late.cites(), control.bound.seq))


def keeps_pods_waiting_for_their_claim(rec: Recording) -> Finding:
    """A pod whose claim cannot be satisfied is never bound."""
    tried = unable(rec, "no-match", "control")
    if tried:
        return tried
    owner = pod(rec, "no-match")
    if owner is None:
        return unknown("no pod with a claim was made", code="not-tried")
    if owner.bound:
        return failed(
            f"the pod was bound to {owner.node} although no device matches its claim", cites=(owner.bound.seq,)
        )
    waiting = window(rec, "waiting")
    blind = long_enough(rec, waiting, "window")
    if blind:
        return blind
    if claim_of(rec, owner) is None:
        because = "the pod had no claim, so it shows nothing that it waited"
        return unknown(because, code="no-claim", cites=waiting.cites())
    control = pod(rec, "control")
    if control is None or control.bound is None or not waiting.closed or control.bound.seq > waiting.closed.seq:
        return unknown("the plain pod beside it was not bound", code="control-did-not-run", cites=waiting.cites())
    because = f"it waited for {waiting.seconds:.0f} s while a plain pod was bound; {owner.why_waiting()}".strip("; ")
    return passed(because, cites=(*waiting.cites(), control.bound.seq))
