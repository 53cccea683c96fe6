"""The opt-in part: two gangs that compete, and a gang that loses a member. Pure."""

from aiconform.checks.gang_scheduling.history import (
    blind,
    cut_before,
    fields_dropped,
    members,
    room_changed,
    size,
    waiting,
)
from aiconform.judging import Pod, failed, passed, pods, unable, unknown, window
from aiconform.model import Finding, Outcome, Recording


def finishes_two(rec: Recording, alone: Finding) -> Finding:
    """Both gangs end well, one after the other. `alone`: whether a single gang of that shape started."""
    tried = unable(rec, "pair") or fields_dropped(rec, "pair")
    if tried:
        return tried
    n, win = size(rec), window(rec, "pair")
    if win.opened is None:
        return unknown("not tried: --allow extended was not given", code="not-tried")
    # What happens while the suite tidies up afterwards is not meant.
    until = cut_before(rec, win.closed.seq) if win.closed else rec
    gangs = (pods(until, step="pair", role="member-a"), pods(until, step="pair", role="member-b"))
    done = [sum(1 for p in g if p.succeeded) for g in gangs]
    if n and min(done) >= n:
        ends = [p.ended.seq for g in gangs for p in g if p.ended]
        return passed(f"both gangs of {n} finished in {win.seconds:.0f} s", cites=ends)
    missed = blind(rec, win) or room_changed(rec, "pair")
    if missed:
        return missed
    if not win.whole or win.seconds < 0.99 * rec.deadline("pair"):
        return unknown("the suite did not wait until the deadline", code="deadline", cites=win.cites())
    if alone.outcome is not Outcome.PASS:
        return unknown("a single gang did not start either", code="not-tried")
    kept = [p for g in gangs for p in g if not p.ended and _own_work_done(p)]
    if kept:
        because = f"{kept[0].name} had done its work, but another container that was added to it went on"
        return unknown(because, code="blocked-by", cites=win.cites())
    if max(done) >= n:
        return unknown(
            f"one gang finished, the other had no more time: {waiting(gangs[0] + gangs[1])}", code="deadline"
        )
    held = [sum(1 for p in g if p.bound and not p.ended) for g in gangs]
    if n and max(held) >= n:
        because = f"one gang held all of its {n} places and had not finished: it did not wait for the other one"
        return unknown(because, code="deadline", cites=win.cites())
    return failed(
        f"neither gang finished within {rec.deadline('pair'):g} s: they held {held[0]} and {held[1]} of {n} places "
        "and waited for each other",
        cites=(*win.cites(), *(p.bound.seq for g in gangs for p in g if p.bound)),
    )


def leaves_no_member_alone(rec: Recording) -> Finding:
    """After one member was killed: whole again, or nobody left."""
    tried = unable(rec, "alone") or fields_dropped(rec, "alone")
    if tried:
        return tried
    n, win = size(rec), window(rec, "alone")
    if win.opened is None or win.closed is None:
        return unknown("not tried: --allow extended was not given, or it was stopped", code="not-tried")
    kill, end = win.opened.seq, win.closed.seq
    gang = members(cut_before(rec, end + 1), "alone")
    left = [p for p in gang if p.bound and not (p.ended and p.ended.seq <= end)]
    lost = [p for p in gang if p.ended and p.ended.seq > kill]
    if not lost:
        return unknown("no member was seen to be killed", code="not-tried")
    if len(left) >= n and all(p.running for p in left):
        return passed(
            f"the killed member was replaced: {n} members run", cites=[p.running.seq for p in left if p.running]
        )
    if not left:
        return passed("the other members were ended too", cites=[p.ended.seq for p in lost if p.ended])
    if win.seconds < 0.99 * rec.deadline("alone"):
        return unknown("the suite did not wait until the deadline", code="deadline", cites=win.cites())
    missed = blind(rec, win) or room_changed(rec, "alone")
    if missed:
        return missed
    return failed(
        f"{rec.deadline('alone'):g} s after a member was killed, {len(left)} of {n} still held their places. "
        f"{waiting(gang)}".strip(),
        cites=(*win.cites(), *(p.ended.seq for p in lost if p.ended)),
    )


def _own_work_done(pod: Pod) -> bool:
    """Whether a container of the pod has ended well while the pod goes on: something was added to the pod."""
    states = [c.get("state") or {} for c in pod.last.get("status", {}).get("containerStatuses") or []]
    return any((s.get("terminated") or {}).get("exitCode") == 0 for s in states)
