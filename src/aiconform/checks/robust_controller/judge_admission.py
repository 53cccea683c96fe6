"""Clauses about admission: wrong resources are refused, and the API server reaches webhooks in the cluster. Pure."""

from typing import Any

from aiconform.checks.robust_controller.history import Story, hooks, plural_of, sees
from aiconform.judging import calls, facts, failed, not_applicable, passed, unable, unknown, window
from aiconform.model import Finding, Observation

_NO_ANSWER = "failed calling webhook"


def refuses_wrong_resources(s: Story) -> Finding:
    """A wrong resource is denied by a webhook, while the same one put right is accepted."""
    needed = list(_by_role(s, "prepare").values())
    if needed and _NO_ANSWER in _message(needed[-1]):
        return _unanswered(s, needed[-1])
    if tried := unable(s.rec, "refuse"):
        return tried
    wrong = _by_role(s, "refuse")
    if not wrong:
        return _no_control(s)
    control = _by_role(s, "control")
    for role, call in wrong.items():
        denier = _denier(call)
        right = control.get(role.replace("wrong", "right"))
        if denier and _known(s, denier) and right is not None and _ok(right):
            why = s.operator.wrong[int(role.rpartition("-")[2])].why
            because = f"webhook {denier} denied it ({why}), and the same one put right was accepted"
            return passed(because, cites=(right.seq, call.seq))
    return _accepted_or_else(s, wrong)


def _accepted_or_else(s: Story, wrong: dict[str, Observation]) -> Finding:
    seeing = {r: _seeing(s, c) for r, c in wrong.items()}
    accepted = [(r, c) for r, c in wrong.items() if _ok(c)]
    if unread := unable(s.rec, "hooks"):
        return unread
    blocked = [c for c in wrong.values() if not _ok(c)]
    for call in blocked:
        if _NO_ANSWER in _message(call):
            return _unanswered(s, call)
    watched = [(r, c) for r, c in accepted if seeing[r]]
    if watched:
        return _let_through(s, watched, all(seeing[r] for r, _ in accepted), len(blocked))
    if blocked and not accepted:
        return _otherwise(blocked[0], any(seeing.values()))
    return _without_webhook(s, [r for r, _ in accepted], [c.seq for c in wrong.values()])


def _let_through(s: Story, taken: list[tuple[str, Observation]], every: bool, blocked: int) -> Finding:
    """Wrong resources were accepted in spite of a webhook that was to see them."""
    seen = _seeing(s, taken[0][1])
    cites = (*(o.seq for o in facts(s.rec, "hooks")), *(c.seq for _, c in taken))
    if any(h["conditional"] for h in seen):
        because = "a wrong resource was accepted, but the webhook has conditions that may leave it out"
        return unknown(because, code="webhook-conditional", cites=cites)
    if blocked or not every:
        return unknown("one wrong resource was accepted, another one was not", code="mechanism-ambiguous", cites=cites)
    why = "; ".join(s.operator.wrong[int(r.rpartition("-")[2])].why for r, _ in taken)
    policies = ", ".join(sorted({f"{h['name']} (failurePolicy {h['policy']})" for h in seen}))
    return failed(f"wrong resources were accepted ({why}), though {policies} is to see them", cites=cites)


def _otherwise(call: Observation, hooked: bool) -> Finding:
    """All wrong resources were refused, by something else than the operator's webhook."""
    message, cites = _message(call), (call.seq,)
    if call.body["status"] == 403 and "cannot create resource" in message:
        return unknown(f"creating it is not allowed: {message}", code="rbac-denied", cites=cites)
    if "ValidatingAdmissionPolicy" in message and "denied request" in message and not hooked:
        return passed(f"an admission policy refused it: {message[:200]}", cites=cites)
    if call.body["status"] in (400, 422) and "admission webhook" not in message and not hooked:
        return passed(f"the API server's own rules for this kind refused it: {message[:200]}", cites=cites)
    if call.body["status"] in (400, 422) and "admission webhook" not in message:
        because = f"the kind's schema refused it before any webhook was asked: {message[:200]}"
        return unknown(because, code="refused-by-schema", cites=cites)
    return unknown(f"something else refused it: {message[:200]}", code="admission-denied", cites=cites)


def _without_webhook(s: Story, roles: list[str], cites: list[int]) -> Finding:
    """Nobody is registered to refuse it at admission: the operator may say so afterwards, and do nothing."""
    for role in roles:
        number = role.rpartition("-")[2]
        win = window(s.rec, f"report-{number}")
        event = _report(s, f"wrong-{number}", win)
        thing = s.resource(f"wrong-{number}")
        if event is None or thing is None:
            continue
        if not win.whole or s.own_pods(thing.uid):
            continue
        reason = event.body["object"].get("reason")
        because = f"it has no webhook; it reported the wrong resource by the event {reason} and made no pods"
        return passed(because, cites=(*cites, event.seq, *win.cites()))
    return not_applicable("the operator has registered no webhook for this kind, and says nothing", cites=cites)


def _report(s: Story, name: str, win: Any) -> Observation | None:
    for o in s.rec.observations:
        # The event may be quicker than the answer that opens the window.
        before_end = win.closed is None or o.seq <= win.closed.seq
        if o.kind == "watch" and o.subject.startswith("events") and before_end:
            event = o.body["object"]
            if event.get("reason") in s.operator.reports and (event.get("involvedObject") or {}).get("name") == name:
                return o
    return None


def _no_control(s: Story) -> Finding:
    """No wrong resource was sent, because the one put right was not accepted."""
    last = list(_by_role(s, "control").values())
    if not last:
        return unknown("no wrong resource was sent", code="not-tried")
    message = _message(last[-1])
    if _NO_ANSWER in message:
        return _unanswered(s, last[-1])
    if denier := _denier(last[-1]):
        because = f"webhook {denier} denied the sound resource, too, so that its denials prove nothing: {message[:200]}"
        return unknown(because, code="control-denied", cites=(last[-1].seq,))
    return unknown(f"the sound resource was refused: {message[:300]}", code="control-denied", cites=(last[-1].seq,))


def _unanswered(s: Story, call: Observation) -> Finding:
    message = _message(call)
    name = _quoted(message, _NO_ANSWER)
    if _known(s, name):
        return failed(f"the operator's webhook {name} gave no answer: {message[:300]}", cites=(call.seq,))
    because = f"a webhook that is not the operator's gave no answer: {message[:300]}"
    return unknown(because, code="admission-denied", cites=(call.seq,))


# -- the API server reaches webhooks ------------------------------------------------------------------------------


def reaches_webhooks(s: Story) -> Finding:
    """The operator's own webhook has denied something, or the canary has."""
    for call in _by_role(s, "refuse").values():
        denier = _denier(call)
        if denier and _known(s, denier):
            return passed(f"the API server asked the operator's webhook {denier}", cites=(call.seq,))
    win = window(s.rec, "calling")
    if win.opened is None:
        return unable(s.rec, "calling") or unknown("no webhook was seen to act", code="not-tried")
    word = next((str(o.body) for o in facts(s.rec, "word")), "")
    denied = list(calls(s.rec, "POST configmaps/", "calling-deny"))
    allowed = [c for c in calls(s.rec, "POST configmaps/", "calling-allow") if _ok(c)]
    said_no = [c for c in denied if word and word in _message(c)]
    if said_no and allowed:
        because = "a webhook of this check, in the cluster, denied one object and allowed another one like it"
        return passed(because, cites=(said_no[-1].seq, allowed[-1].seq))
    return _not_reached(s, denied, word)


def _not_reached(s: Story, denied: list[Observation], word: str) -> Finding:
    win = window(s.rec, "calling")
    if not denied or not win.whole:
        return unknown("the webhook canary was not tried to its end", code="not-tried")
    last = denied[-1]
    cites = (*win.cites(), last.seq)
    caller = next(
        (o for o in s.rec.observations if o.kind == "probe" and (o.body or {}).get("probe") == "caller/1"), None
    )
    if word in _message(last):
        return unknown("the webhook canary allowed nothing", code="control-denied", cites=cites)
    if caller is None or word not in str(caller.body.get("text", "")):
        error = "" if caller is None else f" ({caller.body.get('error', '')})"
        because = f"another pod could not reach the webhook canary either{error}, so that nothing is proved"
        return unknown(because, code="deadline", cites=cites)
    cites = (*cites, caller.seq)
    if _ok(last):
        because = f"for {win.seconds:.0f} s the API server did not ask a webhook that was registered for this object"
        return failed(f"{because}; another pod could reach it", cites=cites)
    if _NO_ANSWER in _message(last):
        because = (
            f"the API server could not call a webhook in the cluster, which another pod could: {_message(last)[:300]}"
        )
        return failed(because, cites=cites)
    return unknown(f"something else refused the object: {_message(last)[:300]}", code="admission-denied", cites=cites)


# -- calls --------------------------------------------------------------------------------------------------------


def _by_role(s: Story, step: str) -> dict[str, Observation]:
    """The last call of each role ("wrong-0", "right-0") in a step."""
    found: dict[str, Observation] = {}
    for o in calls(s.rec, "POST ", step):
        labels = (((o.body or {}).get("request") or {}).get("metadata") or {}).get("labels") or {}
        if labels.get("aiconform.dev/role"):
            found[labels["aiconform.dev/role"]] = o
    return found


def _seeing(s: Story, call: Observation) -> list[dict[str, Any]]:
    """Validating webhooks of the operator that are to see the object of this call."""
    obj = (call.body or {}).get("request") or {}
    plural = plural_of(call)
    return [h for h in hooks(s.rec) if not h["mutating"] and sees(s.rec, h, obj, plural)]


def _ok(call: Observation) -> bool:
    return int(call.body["status"]) < 300


def _message(call: Observation) -> str:
    return str((call.body or {}).get("message", ""))


def _denier(call: Observation) -> str:
    """The webhook that denied this call, "" if none did."""
    message = _message(call)
    return _quoted(message, "admission webhook") if "denied the request" in message else ""


def _quoted(message: str, after: str) -> str:
    """The first name in double quotes after some words."""
    _, _, rest = message.partition(after)
    parts = rest.split('"')
    return parts[1] if len(parts) > 2 else ""


def _known(s: Story, name: str) -> bool:
    """Whether a webhook of this name is registered for the operator's kinds."""
    return any(h["name"] == name for h in hooks(s.rec))
