"""What became of the units when their holders were gone. Pure."""

from aiconform.checks.secure_accelerator_access.seen import answer, foreign_use_grew, free, holder_ready, parts
from aiconform.judging import Pod, facts, failed, passed, pods, unable, unknown
from aiconform.judging.devices import Container, containers, numbered
from aiconform.model import Finding, Recording


def gives_a_released_device_back(rec: Recording) -> Finding:
    """The first holder is deleted, then as many pods as there were free units ask for one unit each."""
    stuck = _stuck(rec)
    if stuck:
        return stuck
    blocked = holder_ready(rec) or unable(rec, "release", "reuse")
    if blocked:
        return blocked
    asked = pods(rec, step="reuse")
    gone = [p for p in pods(rec, step="holder", role="holder") if p.deleted]
    if not asked or not gone:
        return unknown("no unit was asked for after the holder was gone", code="not-tried")
    waited = facts(rec, "reuse", step="reuse")
    if not waited:
        return unknown("the suite did not wait for the next holders", code="interrupted")
    return _not_running(rec, asked) or _not_usable(rec) or _usable(rec, asked)


def _stuck(rec: Recording) -> Finding | None:
    """The holder's pod did not go away in time although a plain pod that was deleted with it did."""
    told = facts(rec, "release", step="release")
    if not told or not told[-1].body["waited_out"]:
        return None
    until = told[-1].seq
    holding = [p for p in (*pods(rec, step="holder"), *pods(rec, step="second")) if not _gone(p, until)]
    if not holding:
        return None
    plain = [p.deleted.seq for p in pods(rec, step="plain") if p.deleted and _gone(p, until)]
    if not plain:
        because = "pods that hold nothing did not go away either, so the node is slow or gone"
        return unknown(because, code="deadline", cites=(until,))
    because = f"{len(holding)} deleted pod(s) still kept their unit after {rec.deadline('deletion'):g} s, while a "
    return failed(because + "pod without one, deleted with them, was gone", cites=(*plain, until))


def _gone(p: Pod, until: int) -> bool:
    return p.deleted is not None and p.deleted.seq < until


def _not_running(rec: Recording, asked: tuple[Pod, ...]) -> Finding | None:
    """Fewer pods ran than units had been free: FAIL if it was for want of a unit."""
    answered = {c.pod for c in containers(rec, step="reuse")}
    waiting = [p for p in asked if p.started is None and p.name not in answered]
    if not waiting:
        return None
    grew = foreign_use_grew(rec)
    if grew:
        return grew
    cites = [p.created.seq for p in waiting if p.created]
    because = f"{free(rec)} units were free before; of {len(asked)} pods that asked for one unit each after the "
    because += f"release, {len(waiting)} did not run within {rec.deadline('accelerator_pod'):g} s"
    others_ran = len(waiting) < len(asked)
    if parts(rec) and others_ran:
        because += ", but units are parts of devices, and other parts may have been given than before"
        return unknown(because, code="capacity-changed", cites=cites)
    if any(_for_want_of_a_unit(rec, p, others_ran) for p in waiting):
        why = next((w for w in (p.why_waiting() for p in waiting) if w), "")
        return failed(f"{because}{': ' if why else ''}{why}", cites=cites)
    return unknown(f"{because}, and nothing says that a unit was missing", code="deadline", cites=cites)


def _for_want_of_a_unit(rec: Recording, p: Pod, others_ran: bool) -> bool:
    if p.bound is None:
        resource, why = rec.facts["accelerator"]["resource"], p.why_waiting()
        return "claim" in why or bool(resource and f"Insufficient {resource}" in why)
    reason = p.last.get("status", {}).get("reason", "")
    if reason:
        return bool(reason == "UnexpectedAdmissionError")  # the kubelet's words for a failed allocation
    # Bound and never started, while pods of the same shape started there: the driver did not prepare it.
    return others_ran


def _not_usable(rec: Recording) -> Finding | None:
    """A pod was granted a unit that an earlier holder had used, and could open nothing."""
    earlier = _earlier(rec)
    known = {i: c for c in earlier for i in c.identities}
    for c in containers(rec, step="reuse"):
        if c.numbers():
            continue
        before = [known[i] for i in c.identities if i in known]
        if before:
            who = ", ".join(sorted(c.identities))
            because = f"the next holder of {who} could open no device, although its first holder could"
            return failed(because, cites=(before[0].seq, c.seq))
        back = {n for other in containers(rec, step="reuse") for n in other.numbers()}
        lost = {n for e in earlier for n in e.numbers()} - back
        if lost and len(pods(rec, step="reuse")) >= free(rec):
            because = f"all free units were granted again, one holder opened nothing, and {numbered(lost)}, which "
            return failed(because + "had been used before, was in nobody's hands", cites=(c.seq,))
        because = "a later holder could open no device; nothing shows that its device had worked before"
        return unknown(because, code="grant-not-usable", cites=(c.seq,))
    return None


def _earlier(rec: Recording) -> tuple[Container, ...]:
    holders = (*containers(rec, step="holder", name="holder"), *containers(rec, step="second"))
    return tuple(c for c in holders if c.numbers())


def _usable(rec: Recording, asked: tuple[Pod, ...]) -> Finding:
    answers = containers(rec, step="reuse")
    if len(answers) < len(asked):
        because = f"only {len(answers)} of {len(asked)} later holders answered"
        return unknown(because, code="probe-failed", cites=(c.seq for c in answers))
    because = f"{len(asked)} later holders ran and each opened a device"
    return passed(f"{because} ({numbered({n for c in answers for n in c.numbers()})})", cites=[c.seq for c in answers])


def limits(rec: Recording) -> tuple[str, ...]:
    """That the very device of the first holder was not handed out again, if so."""
    first = answer(rec, "holder", "holder")
    again = {n for c in containers(rec, step="reuse") for n in c.numbers()}
    if first is None or not again or first.numbers() & again:
        return ()
    return ("the first holder's own device was not handed out again, so only the count of free units shows it",)
