"""Judges a recording of gang_scheduling. Pure: one function per clause; the sentences are for readers."""

from typing import Any

from aiconform.checks.gang_scheduling import extended, shortage
from aiconform.checks.gang_scheduling.check import CHECK, DEADLINES
from aiconform.checks.gang_scheduling.history import (
    bind_spread,
    blind,
    complete,
    cut_before,
    fact,
    fields_dropped,
    members,
    node_refused,
    plain_ran,
    reports,
    room_changed,
    size,
    waiting,
)
from aiconform.checks.gang_scheduling.via import mechanisms
from aiconform.judging import (
    Pod,
    Window,
    facts,
    failed,
    most_at_once,
    not_applicable,
    passed,
    pods,
    unable,
    unknown,
    verdict,
    window,
)
from aiconform.model import Finding, Observation, Outcome, Recording, Suite, Verdict

# Advice is no evidence: it is that of the suite that judges, whatever suite observed.
_REMEDIES = {m.product: m.remedies for m in mechanisms()}


def judge(rec: Recording, judged_by: Suite) -> Verdict:
    """One finding per clause. See check.py for what each one asks."""
    judges = {
        "starts_the_whole_gang": starts_the_whole_gang,
        "runs_all_members_at_once": runs_all_members_at_once,
        "lets_members_meet": lets_members_meet,
        "starts_none_when_short": starts_none_when_short,
        "sees_the_waiting_gang": sees_the_waiting_gang,
        "starts_it_when_room_returns": starts_it_when_room_returns,
        "starts_none_when_short_of_cpu": starts_none_when_short_of_cpu,
        "finishes_two_competing_gangs": finishes_two_competing_gangs,
        "leaves_no_member_alone": extended.leaves_no_member_alone,
    }
    remedies = _REMEDIES.get(rec.via)
    return verdict(CHECK, rec, judges, judged_by=judged_by, limits=_limits, facts=_facts, remedies=remedies)


def starts_the_whole_gang(rec: Recording) -> Finding:
    """With room for all, all N start."""
    return (
        unable(rec, "together")
        or fields_dropped(rec, "together")
        or _whole(rec, "together", window(rec, "together"), "start", control="together_control")
    )


def _whole(rec: Recording, step: str, win: Window, deadline: str, *, control: str) -> Finding:
    """Whether N members started; if not, whether plain pods did in the same room (`control`)."""
    n, gang = size(rec), members(rec, step if step != "release" else "short")
    if not n or (not gang and win.opened is None):
        return unknown("no gang was created", code="not-tried")
    started, cites = most_at_once(gang, "started")
    if started >= n:
        return passed(f"all {n} members started", cites=cites)
    refused = node_refused(gang)
    if refused:
        return unknown(f"the node itself refused a member: {refused[0]}", code="node-refused", cites=refused[1])
    bound, at = most_at_once(gang, "bound")
    if bound >= n:
        why = waiting(gang)
        return unknown(f"all {n} members were bound, but only {started} started: {why}", code="deadline", cites=at)
    if not win.whole or win.seconds < 0.99 * rec.deadline(deadline):
        return unknown("the suite did not wait for the gang until the deadline", code="deadline", cites=win.cites())
    missed = blind(rec, win) or room_changed(rec, step) or unable(rec, control)
    if missed:
        return missed
    plain, shown = plain_ran(rec, control)
    if plain < n:
        because = f"only {started} of {n} members started, but only {plain} of {n} plain pods did so too"
        return unknown(because, code="control-did-not-run", cites=(*win.cites(), *shown))
    why = waiting(gang)
    return failed(
        f"{started} of {n} members started within {rec.deadline(deadline):g} s, although there was room: "
        f"{n} plain pods of the same shape ran on the same node afterwards. {why}".strip(),
        cites=(*win.cites(), *cites, *shown),
    )


def runs_all_members_at_once(rec: Recording) -> Finding:
    """One common instant, and no member bound long before the others."""
    return unable(rec, "together") or fields_dropped(rec, "together") or _at_once(rec, "together")


def _at_once(rec: Recording, step: str) -> Finding:
    n, win = size(rec), window(rec, step)
    gang = members(rec, "short" if step == "release" else step)
    running, cites = most_at_once(gang, "running")
    if not n or not any(p.bound for p in gang):
        return unknown("no member was bound", code="not-tried")
    if running < n and len(complete(rec, step)) == n:
        # A member met all others while it ran; only the watch was too slow to show it.
        cites = tuple(o.seq for o in complete(rec, step))
    elif running < n:
        started = sum(1 for p in gang if p.started)
        if started < n or node_refused(gang):
            because = f"only {running} of {n} members ran, so nothing can be said of all of them"
            return unknown(because, code="not-tried", cites=cites)
        because = f"{started} members started, but never more than {running} of {n} ran at one time"
        return blind(rec, win) or failed(because, cites=cites)
    withdrawn = [p for p in gang if p.bound and p.ended and p.ended.seq < max(cites)] if running == n else []
    if withdrawn and not node_refused(gang):
        because = f"{len(withdrawn)} members were started and taken away again before all {n} ran"
        return blind(rec, win) or failed(because, cites=[p.ended.seq for p in withdrawn if p.ended])
    return _in_time(rec, [p for p in gang if p not in withdrawn], cites)


def _in_time(rec: Recording, gang: list[Pod], running: tuple[int, ...]) -> Finding:
    """All N ran at one instant; were they bound close to each other?"""
    spread, ends = bind_spread(gang)
    limit = rec.deadline("spread")
    if spread <= limit:
        return passed(
            f"all {size(rec)} members ran at one instant, bound within {spread:.1f} s", cites=(*ends, *running)
        )
    control, _ = bind_spread([p for p in pods(rec, step="control", role="plain") if p.bound])
    if control > limit:
        because = f"the members were bound {spread:.1f} s apart, but plain pods of the control also {control:.1f} s"
        return unknown(because, code="deadline", cites=ends)
    return failed(
        f"the first member was bound {spread:.1f} s before the last one (at most {limit:g} s is taken as together): "
        "meanwhile it held what it had asked for",
        cites=ends,
    )


def lets_members_meet(rec: Recording) -> Finding:
    """Every member's last report names all others."""
    tried = unable(rec, "together") or fields_dropped(rec, "together")
    if tried:
        return tried
    n, said, done = size(rec), reports(rec, "together"), complete(rec, "together")
    if n and len(done) == n:
        because = f"each of the {n} members exchanged a message with every other one"
        return passed(because, cites=[o.seq for o in done])
    if not n or most_at_once(members(rec, "together"), "running")[0] < n:
        return unknown("the members never ran together, so they could not meet", code="not-tried")
    if len(said) < n:
        return unknown(f"only {len(said)} of {n} members reported", code="probe-missing")
    waited = window(rec, "meet")
    if not waited.whole or waited.seconds < 0.99 * rec.deadline("meet"):
        return unknown("the suite did not wait until the deadline for the members to meet", code="deadline")
    return _not_met(rec, [o for o in said.values() if o not in done])


def _not_met(rec: Recording, short: list[Observation]) -> Finding:
    cites = [o.seq for o in short]
    said = "; ".join(f"{o.body['name']}: {o.body.get('trouble') or 'no answer'}" for o in short)
    canary = [o for o in reports(rec, "canary").values() if o.body["met"]]
    if canary:
        return failed(
            f"the members ran but did not reach each other, although plain pods did ({said})",
            cites=(*cites, *(o.seq for o in canary)),
        )
    policies = fact(rec, "policies")
    if policies is None:
        return unknown("plain pods did not reach each other either", code="blocked-by", cites=cites)
    others = [*policies.body["here"], *rec.facts.get("policy_apis", [])]
    if others:
        because = f"plain pods did not reach each other either; a policy may forbid it: {', '.join(others)}"
        return unknown(because, code="blocked-by", cites=(*cites, policies.seq))
    return failed(
        f"pods that run on one node do not reach each other over TCP, and no network policy forbids it ({said})",
        cites=(*cites, policies.seq),
    )


def starts_none_when_short(rec: Recording) -> Finding:
    """No member bound or started while one accelerator is missing."""
    released = window(rec, "release").opened
    earlier = cut_before(rec, released.seq) if released else rec
    return shortage.starts_none(earlier, "short", "control")


def starts_none_when_short_of_cpu(rec: Recording) -> Finding:
    """The same, with every accelerator free, and cpu for N-1."""
    if rec.facts.get("cpu_only"):
        return not_applicable("without accelerators the main case was already short of cpu")
    return shortage.starts_none(rec, "cpu_short", "cpu_control")


def sees_the_waiting_gang(rec: Recording) -> Finding:
    """A sign of the mechanism about the waiting gang, or that it started it afterwards."""
    tried = unable(rec, "short") or fields_dropped(rec, "short")
    if tried:
        return tried
    signs = [o for o in facts(rec, "signs", "short") if o.body["signs"]]
    if signs:
        return passed(f"while the gang waited: {signs[-1].body['signs'][-1]}", cites=(signs[-1].seq,))
    release = starts_it_when_room_returns(rec)
    if release.outcome is Outcome.PASS:
        return passed("it said nothing while the gang waited, but started it when there was room", cites=release.cites)
    if release.outcome is Outcome.FAIL and not most_at_once(members(rec, "short"), "bound")[0]:
        return failed("it said nothing of the waiting gang and never started it", cites=release.cites)
    return unknown("the mechanism said nothing of the waiting gang; it may not have seen it", code="mechanism-silent")


def starts_it_when_room_returns(rec: Recording) -> Finding:
    """After the blocker has gone, all N run, together."""
    tried = unable(rec, "short", "release") or fields_dropped(rec, "short")
    if tried:
        return tried
    win = window(rec, "release")
    if win.opened is None:
        return unknown("the room never returned", code="not-tried")
    earlier, _ = most_at_once(members(cut_before(rec, win.opened.seq), "short"), "bound")
    if earlier:
        return unknown("members had started before there was room", code="not-tried")
    whole = _whole(rec, "release", win, "release", control="release_control")
    if whole.outcome is not Outcome.PASS:
        return whole
    return _at_once(rec, "release")


def finishes_two_competing_gangs(rec: Recording) -> Finding:
    """Both gangs end well, one after the other."""
    return extended.finishes_two(rec, starts_the_whole_gang(rec))


def _limits(rec: Recording, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    del findings
    said = [f"atomicity: {rec.facts.get('atomicity', 'unknown')}"]
    shape = fact(rec, "shape")
    if rec.facts.get("cpu_only"):
        said.append("cpu-only: the cluster has no accelerator, so gangs were short of cpu only")
    elif shape is not None and shape.body.get("unlike"):
        said.append("one accelerator was free: the gang had one member with it and one without")
    accelerator = rec.facts.get("accelerator") or {}
    if accelerator.get("shared"):
        said.append(f"{accelerator.get('id')}: a unit is a share of a device")
    if accelerator and not accelerator.get("recognised"):
        said.append(f"{accelerator.get('id')} is of a vendor that the suite does not know")
    used = rec.settings.get("deadlines", {}).get("window", DEADLINES["window"].seconds)
    if used < DEADLINES["window"].seconds:
        said.append(f"absence was watched for {used:g} s only (default {DEADLINES['window'].seconds:g} s)")
    return tuple(said)


def _facts(rec: Recording) -> dict[str, Any]:
    shape = fact(rec, "shape")
    found = {
        "mechanism": rec.facts.get("mechanism", rec.via),
        "accelerator": (rec.facts.get("accelerator") or {}).get("id"),
    }
    if shape is not None:
        found |= {"node": shape.body.get("node"), "members": shape.body.get("size")}
    return found
