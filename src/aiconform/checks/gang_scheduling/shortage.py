"""The negative case: no member may be bound or started while one of them has no place. Pure."""

from aiconform.checks.gang_scheduling.history import (
    cut_before,
    fact,
    fields_dropped,
    members,
    node_refused,
    plain_ran,
    room_changed,
    size,
)
from aiconform.judging import Pod, facts, failed, most_at_once, passed, pods, unable, unknown, window
from aiconform.model import Finding, Outcome, Recording

# The step in which the blocker of each negative case was created.
_BLOCKERS = {"short": "blocker", "cpu_short": "cpu_blocker"}


def starts_none(rec: Recording, step: str, control: str) -> Finding:
    """A sighting decides; an absence counts only if somebody looked and there was something to see."""
    n, gang = size(rec), _gang(rec, step)
    if not n or (not gang and fact(rec, "created", step) is None):
        return unable(rec, control, step) or unknown("no gang was created", code="not-tried")
    dropped = fields_dropped(rec, step)
    if dropped:
        return dropped
    bound, at = most_at_once(gang, "bound")
    started, began = most_at_once(gang, "started")
    if bound or started:
        return _seen(rec, step, control, max((bound, at), (started, began)))
    return _absent(rec, step, control, gang)


def _gang(rec: Recording, step: str) -> tuple[Pod, ...]:
    """The members as they were until the window was closed: what happens while the suite tidies up is not meant."""
    closed = window(rec, step).closed
    return members(cut_before(rec, closed.seq) if closed else rec, step)


def _seen(rec: Recording, step: str, control: str, most: tuple[int, tuple[int, ...]]) -> Finding:
    n, (count, cites) = size(rec), most
    gang, win = _gang(rec, step), window(rec, step)
    first = min(m.seq for p in gang for m in (p.bound, p.started) if m)
    blocker = _blocker(rec, step)
    if blocker is None or blocker.running is None or blocker.running.seq > first:
        return unknown("the blocker did not run before the first member started", code="capacity-changed", cites=cites)
    if blocker.ended and blocker.ended.seq < max(cites):
        return unknown("the blocker ended before the members started", code="capacity-changed", cites=cites)
    controlled = _controlled(rec, control)
    if count >= n and (ran := most_at_once(gang, "running"))[0] >= n:
        because = f"all {n} members ran, so the node was not short after all"
        return unknown(because, code="capacity-changed", cites=ran[1])
    if rec.damage:
        return unknown("lines of the recording are missing or unreadable", code="recording-damaged", cites=cites)
    sure = controlled.outcome is Outcome.PASS
    if not win.whole and not sure:
        return unknown("the suite was stopped just after the first member started", code="interrupted", cites=cites)
    if count < n:
        began = sum(1 for p in gang if p.started)
        return failed(
            f"{count} of {n} members were bound at one time and {began} started, while there was no place for all "
            f"of them. {_control_words(rec, control)}",
            cites=(*cites, *controlled.cites),
        )
    changed = room_changed(rec, step)
    if changed or not sure:
        return changed or controlled
    refused = node_refused(gang)
    why = f"; the node refused one ({refused[0]})" if refused else ""
    return failed(
        f"all {n} members were bound to a node that had no place for all of them, and only {_ran(gang)} ran{why}",
        cites=(*cites, *controlled.cites),
    )


def _absent(rec: Recording, step: str, control: str, gang: tuple[Pod, ...]) -> Finding:
    n, win, created = size(rec), window(rec, step), fact(rec, "created", step)
    tried = unable(rec, control, step)
    if tried:
        return tried
    if created is None or created.body["refused"]:
        return unknown("the gang could not be created", code="not-tried")
    subject = f"pods/{created.body['namespace']}"
    if not win.whole or not win.watched(subject):
        because = "the pods were not watched from creation to the end of the window without a gap"
        return unknown(because, code="api-lost", cites=win.cites())
    assert win.opened is not None and win.closed is not None
    watched = win.closed.t - created.t
    if not win.holds(created.seq) or watched < 0.99 * _needed(rec, step):
        return unknown("the window was not held for its full time", code="deadline", cites=win.cites())
    slow = _slower_than(rec, watched)
    if slow:
        return slow
    gone = [p for p in gang if p.ended and win.holds(p.ended.seq)]
    if gone:
        because = f"{len(gone)} members were removed while they waited"
        return unknown(because, code="not-tried", cites=[p.ended.seq for p in gone if p.ended])
    if gang and len(gang) < n:
        return unknown(f"only {len(gang)} of {n} members were ever created", code="not-tried")
    blocker = _blocker(rec, step)
    if blocker is None or blocker.running is None or blocker.running.seq > win.opened.seq:
        return unknown("the blocker did not run before the gang was created", code="capacity-changed")
    if blocker.ended and blocker.ended.seq <= win.closed.seq:
        return unknown("the blocker ended during the window", code="capacity-changed", cites=(blocker.ended.seq,))
    return _short(rec, step, control)


def _needed(rec: Recording, step: str) -> float:
    """For how long the gang had to wait; older recordings know one window only."""
    whole = rec.deadline("window")
    return min(whole, rec.settings["deadlines"].get("cpu_window", whole)) if step == "cpu_short" else whole


def _slower_than(rec: Recording, watched: float) -> Finding | None:
    """UNKNOWN if even a gang that has room gets no place in so many seconds: then waiting for as long shows nothing."""
    created = fact(rec, "created", "together")
    first = min((p.bound for p in members(rec, "together") if p.bound), key=lambda m: m.seq, default=None)
    if created is None or first is None or first.t - created.t < watched:
        return None
    because = f"it was watched for {watched:.0f} s, but a gang with room for all got its first place after "
    because += f"{first.t - created.t:.0f} s"
    return unknown(because, code="deadline", cites=(created.seq, first.seq))


def _short(rec: Recording, step: str, control: str) -> Finding:
    """Nobody started; was the node really short, and only just, all the time, for a mechanism that works?"""
    win = window(rec, step)
    changed = room_changed(rec, step)
    if changed:
        return changed
    if most_at_once(members(rec, "together"), "started")[0] < size(rec):
        because = "no member started, but no gang started with room for all either: waiting proves nothing"
        return unknown(because, code="not-tried", cites=win.cites())
    controlled = _controlled(rec, control)
    if controlled.outcome is not Outcome.PASS:
        return controlled
    seconds = f"{win.seconds:.0f} s"
    return passed(
        f"no member was bound or started in {seconds}. {_control_words(rec, control)}",
        cites=(*win.cites(), *controlled.cites),
    )


def _controlled(rec: Recording, control: str) -> Finding:
    """PASS if exactly N-1 plain pods of the same shape ran: the room was short by one member."""
    n = size(rec)
    ran, cites = plain_ran(rec, control)
    if ran == n - 1:
        return passed("", cites=cites)
    plain = pods(rec, step=control, role="plain")
    gated = [p for p in plain if p.last.get("spec", {}).get("schedulingGates")]
    if plain and len(gated) == len(plain) and not ran and _counted(rec, control):
        # A webhook of the product holds plain pods too: what was counted free stands in for the control.
        return passed("", cites=[o.seq for o in facts(rec, "room", control)])
    if ran >= n:
        because = f"all {ran} plain pods of the control ran, so the node was not short"
        return unknown(because, code="capacity-changed", cites=cites)
    because = f"{ran} of {n} plain pods of the control ran, instead of {n - 1}: waiting proves nothing"
    return unknown(because, code="control-did-not-run", cites=cites)


def _counted(rec: Recording, control: str) -> bool:
    """Whether exactly one member's worth was counted as missing, before the control."""
    shape, room = fact(rec, "shape"), fact(rec, "room", control)
    if shape is None or room is None:
        return False
    missing_units = shape.body["units"] - room.body["units"]
    missing_cpu = shape.body["cpu"] * size(rec) - room.body["cpu"]
    return bool(missing_units == 1 or 0 < missing_cpu < shape.body["cpu"])


def _control_words(rec: Recording, control: str) -> str:
    n = size(rec)
    ran, _ = plain_ran(rec, control)
    return f"{ran} of {n} plain pods of the same shape ran in the same room." if ran else ""


def _blocker(rec: Recording, step: str) -> Pod | None:
    found = pods(rec, step=_BLOCKERS[step], role="blocker")
    return found[-1] if found else None


def _ran(gang: tuple[Pod, ...]) -> int:
    return most_at_once(gang, "running")[0]
