"""Judges a recording of robust_controller. Pure: one function per clause; the sentences are for readers."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from aiconform.checks.robust_controller.check import CHECK
from aiconform.checks.robust_controller.history import (
    ENDING,
    STUCK,
    Story,
    blind,
    hooks,
    installed,
    kind_name,
    refused,
    said,
    story,
)
from aiconform.checks.robust_controller.judge_admission import reaches_webhooks, refuses_wrong_resources
from aiconform.checks.robust_controller.judge_life import follows_changes, removes_what_it_made, repairs
from aiconform.judging import facts, failed, passed, unable, unknown, verdict, window
from aiconform.judging.findings import Judge
from aiconform.model import Finding, Outcome, Recording, Suite, Verdict
from aiconform.model.operator import reached


def judge(rec: Recording, judged_by: Suite) -> Verdict:
    """The verdict."""
    judges: dict[str, Callable[[Story], Finding]] = {
        "keeps_the_operator_running": keeps_running,
        "refuses_wrong_resources": refuses_wrong_resources,
        "reaches_webhooks": reaches_webhooks,
        "makes_what_resources_stand_for": makes,
        "owns_what_it_makes": owns,
        "reports_the_true_state": reports,
        "repairs_what_is_taken_away": repairs,
        "follows_changes": follows_changes,
        "removes_what_it_made": removes_what_it_made,
    }
    read: list[Story] = []
    wrapped: dict[str, Judge] = {clause: _reading(one, read) for clause, one in judges.items()}
    return verdict(CHECK, rec, wrapped, judged_by=judged_by, limits=_limits, facts=_facts)


def _reading(one: Callable[[Story], Finding], read: list[Story]) -> Judge:
    """A judge of a recording, out of a judge of a story, which is read once. Without a plan there is none."""

    def judged(rec: Recording) -> Finding:
        if "operator" not in rec.facts or "resource" not in rec.facts:
            return unable(rec, "plan") or unknown("no operator was tried", code="mechanism-not-found")
        if not read:
            read.append(story(rec))
        return one(read[0])

    return judged


def keeps_running(s: Story) -> Finding:
    """The operator's pods are Ready and are not started again, in one of two looks."""
    if tried := unable(s.rec, "own"):
        return tried
    looks = [f for step in ("own", "own_again") if (f := _look(s, step)) is not None]
    if not looks:
        where = "it may run outside of the cluster; what it does is judged by the other clauses"
        return unknown(f"no pods of the operator were found: {where}", code="no-operator-pods")
    good = [f for f in looks if f.outcome is Outcome.PASS]
    return good[-1] if good else looks[-1]


def _look(s: Story, step: str) -> Finding | None:
    win = window(s.rec, step)
    if win.opened is None:
        return None
    seen = [o for o in facts(s.rec, "own", step) if win.holds(o.seq)]
    cites = (*win.cites(), *(o.seq for o in seen))
    for o in seen:
        if not any(p["ready"] for p in o.body.values()):
            what = "; ".join(f"{p['pod']} {p['says']}".strip() for p in o.body.values()) or "there is none"
            return failed(f"at one time no pod of the operator was Ready: {what}", cites=(o.seq,))
    for earlier, later in pairwise(seen):
        for uid, pod in later.body.items():
            if pod["restarts"] > earlier.body.get(uid, {"restarts": 0})["restarts"]:
                return failed(
                    f"{pod['pod']} was started again ({pod['says'] or 'running'})", cites=(o.seq for o in seen)
                )
    if not win.whole:
        return unknown("the operator's pods were not looked at to the end", code="not-tried", cites=cites)
    spaces = {p["pod"].split("/")[0] for o in seen for p in o.body.values()}
    if not seen or not all(win.watched(f"pods/{n}") for n in spaces):
        return unknown("the operator's pods were not watched without a gap", code="api-lost", cites=cites)
    names = ", ".join(sorted(p["pod"] for p in seen[-1].body.values()))
    return passed(f"{names}: Ready, and not started again, for {win.seconds:.0f} s", cites=cites)


def makes(s: Story) -> Finding:
    """What the resource stands for comes into being, and its pods run."""
    if tried := unable(s.rec, "make"):
        return tried
    win, live = window(s.rec, "make"), s.resource()
    if live is None or win.opened is None:
        return unknown("the resource was never created", code="not-tried")
    missing = [k.plural for k in s.operator.makes if not s.children(live.uid, kind_name(k.plural, s.operator))]
    running = s.running(live.uid, win.closed.seq) if win.closed else s.running(live.uid, win.opened.seq)
    if not missing and len(running) >= s.operator.pods:
        cites = (live.came.seq, *(p.running.seq for p in running if p.running))
        return passed(f"{len(running)} pods of it run, by way of {_kinds(s)}", cites=cites)
    if quiet := blind(s, "make", "pods", *(kind_name(k.plural, s.operator) for k in s.operator.makes)):
        return quiet
    if forbidden := refused(s, "make"):
        return forbidden
    if missing:
        return _nothing_made(s, missing)
    return _no_pods(s, live.uid)


def _kinds(s: Story) -> str:
    return ", ".join(k.plural for k in s.operator.makes)


def _nothing_made(s: Story, missing: list[str]) -> Finding:
    win = window(s.rec, "make")
    sign, cites = installed(s)
    if not sign:
        because = "its kinds are served, but nothing at all acts on them: it does not seem to be installed"
        return unknown(because, code="mechanism-silent", cites=win.cites())
    takes, live = s.operator.takes, s.resource()
    if takes and not any(reached(obj, takes) for _, obj in (live.states if live else [])):
        because = "nothing shows that it takes such a resource on: its support for this kind may be switched off here"
        return unknown(because, code="mechanism-silent", cites=win.cites())
    strays = [t for t in s.strays() if t.plural.split(".")[0] in missing]
    if strays:
        return unknown(
            "what it made has no owner (see owns_what_it_makes)", code="not-owned", cites=(strays[0].came.seq,)
        )
    last = said(s, "make")
    because = f"in {win.seconds:.0f} s no {' and no '.join(missing)} was made for the resource, though {sign} is there"
    return failed(f"{because} ({last})" if last else because, cites=(*win.cites(), *cites))


def _no_pods(s: Story, uid: str) -> Finding:
    win, pods = window(s.rec, "make"), s.own_pods(uid)
    waits = facts(s.rec, "waits", "make")
    if waits:
        first = waits[0].body
        return unknown(f"pod {first['pod']} does not run: {first['why']}", code=first["code"], cites=(waits[0].seq,))
    if pods:
        return unknown("its pods did not all run in time", code="deadline", cites=win.cites())
    last = said(s, "make")
    because = f"{_kinds(s)} came, but in {win.seconds:.0f} s no pod" + (f" ({last})" if last else "")
    return failed(because, cites=win.cites())


def owns(s: Story) -> Finding:
    """What was made for the resource names it as its owner."""
    if tried := unable(s.rec, "make"):
        return tried
    live = s.resource()
    if live is None:
        return unknown("the resource was never created", code="not-tried")
    strays = s.strays()
    if strays:
        names = ", ".join(sorted({f"{t.plural.split('.')[0]} {t.name}" for t in strays})[:4])
        return failed(f"{names} came for the resource, without an owner", cites=(t.came.seq for t in strays[:4]))
    family = [
        t for t in s.children(live.uid) if any(t.plural == kind_name(k.plural, s.operator) for k in s.operator.makes)
    ]
    if not family:
        return unknown("nothing was made for the resource", code="nothing-made")
    return passed(f"{len(family)} objects name the resource as their owner", cites=(t.came.seq for t in family[:6]))


def reports(s: Story) -> Finding:
    """The resource says that it is ready when its pods run, and does not say so when they cannot."""
    if lie := _lie(s):
        return lie
    if tried := unable(s.rec, "truth", STUCK):
        return tried
    live, win = s.resource(), window(s.rec, "state")
    if live is None or win.opened is None:
        return unknown("the resource's pods never ran", code="not-tried")
    good = [(now, o) for now, o in live.states if reached(o, s.operator.ready) and _current(o)]
    if not good:
        resource = s.rec.facts["resource"]["plural"]
        if quiet := blind(s, "state", _watch_name(s)):
            return quiet
        because = f"its pods ran, but in {win.seconds:.0f} s the {resource} did not say that it is ready"
        return failed(because, cites=win.cites())
    if ended := _finished(s):
        return ended
    if quiet := blind(s, "truth", _watch_name(s)):
        return quiet
    because = "it said that it was ready when its pods ran, and not while no pod of a twin could run"
    return passed(because, cites=(good[0][0].seq, *window(s.rec, "truth").cites()))


def _watch_name(s: Story) -> str:
    group = s.rec.facts["resource"]["api"].rpartition("/")[0]
    return f"{s.rec.facts['resource']['plural']}.{group}".rstrip(".")


def _lie(s: Story) -> Finding | None:
    """A resource without one running pod that says that it is ready, or finished."""
    stuck = s.resource(STUCK)
    if stuck is None or any(p.running for p in s.own_pods(stuck.uid)):
        return None
    for now, obj in stuck.states:
        states = [s.operator.ready, *([s.operator.finish] if s.operator.finish else [])]
        if any(reached(obj, state) for state in states):
            return failed("it said that it was ready while none of its pods could run", cites=(now.seq,))
    return None


def _current(obj: dict[str, Any]) -> bool:
    """Whether a status is about the present spec, where it says so at all."""
    seen = (obj.get("status") or {}).get("observedGeneration")
    return seen is None or int(seen) >= int(obj["metadata"].get("generation", 0))


def _finished(s: Story) -> Finding | None:
    """None if the resource whose pods end at once said so (or the kind knows no end)."""
    if s.operator.finish is None:
        return None
    if tried := unable(s.rec, ENDING):
        return tried
    thing, win = s.resource(ENDING), window(s.rec, "finish")
    if thing is not None and any(reached(o, s.operator.finish) for _, o in thing.states):
        return None
    done = thing is not None and [p for p in s.own_pods(thing.uid) if p.succeeded]
    if quiet := blind(s, "finish", _watch_name(s), "pods"):
        return quiet
    if not done or len(done) < s.operator.pods:
        return unknown("not all pods of the resource that ends have ended", code="deadline", cites=win.cites())
    since = win.closed.t - max(p.ended.t for p in done if p.ended) if win.closed else 0.0
    # Where pods end late, the end of the wait comes too soon for a status that follows them.
    if since < min(s.rec.deadline("state"), win.seconds / 2):
        because = f"its pods ended {since:.0f} s before the suite stopped looking, and it did not yet say so"
        return unknown(because, code="deadline", cites=win.cites())
    return failed("all of its pods ended well, but it never said that it is finished", cites=win.cites())


def _limits(rec: Recording, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    if "resource" not in rec.facts:
        return ()
    found = {f.clause: f for f in findings}
    out = []
    if found["keeps_the_operator_running"].code == "no-operator-pods":
        out.append("the operator's pods were not found (it may run outside of the cluster): judged by what it does")
    own = [h for h in hooks(rec) if not h["mutating"]]
    if not own and found["reaches_webhooks"].outcome is Outcome.PASS:
        out.append("the operator has no validating webhook; that webhooks work is shown by one of the check's own")
    lax = sorted({h["name"] for h in own if h["policy"] == "Ignore"})
    if lax:
        out.append(f"failurePolicy is Ignore for {', '.join(lax)}: wrong resources pass while it is down")
    if not any(o.kind == "window.open" and o.step == "leader" for o in rec.observations):
        out.append("that it goes on after the loss of its leader was not tried")
    return tuple(out)


def _facts(rec: Recording) -> dict[str, Any]:
    resource = rec.facts.get("resource") or {}
    return {k: resource[k] for k in ("api", "kind") if k in resource}
