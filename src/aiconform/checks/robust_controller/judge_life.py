"""Clauses about the life of a resource: repair, changes, deletion. Pure."""

from aiconform.checks.robust_controller.history import Story, Thing, blind, kind_name, refused, said
from aiconform.judging import calls, facts, failed, passed, unable, unknown, window
from aiconform.model import Finding


def repairs(s: Story) -> Finding:
    """What was taken away came again, with running pods, or the resource said that it failed."""
    if tried := unable(s.rec, "repair"):
        return tried
    win, live = window(s.rec, "repair"), s.resource()
    taken = facts(s.rec, "taken", "repair")
    if live is None or not taken or win.opened is None:
        return unknown("nothing was taken away", code="not-tried")
    what = taken[-1].body
    plural = kind_name(what["plural"], s.operator)
    end = win.closed.seq if win.closed else s.rec.observations[-1].seq
    later = [t for t in s.children(live.uid, plural) if taken[-1].seq < t.came.seq <= end]
    again = [t for t in later if t.uid != what["uid"]]
    running = s.running(live.uid, end)
    if again and len(running) >= s.operator.pods:
        because = f"{what['plural']} {what['name']} was deleted; {again[0].name} came, and {len(running)} pods run"
        return passed(because, cites=(taken[-1].seq, again[0].came.seq))
    if gave_up := _gave_up(s, live, taken[-1].seq):
        return passed("what was deleted did not come again, and the resource says that it failed", cites=(gave_up,))
    if quiet := blind(s, "repair", "pods", plural):
        return quiet
    gone = s.things.get(what["uid"])
    if gone is not None and gone.gone is None:
        because = f"{what['plural']} {what['name']} was deleted, and did not go: {_held(gone)}"
        return unknown(because, code="deadline", cites=win.cites())
    if forbidden := refused(s, "repair"):
        return forbidden
    if gone is not None and gone.gone is not None and win.closed is not None:
        since = win.closed.t - gone.gone.t
        if since < win.seconds / 2:
            because = f"{what['plural']} {what['name']} took its time to go, and nothing came in the {since:.0f} s left"
            return unknown(because, code="deadline", cites=win.cites())
    if again:
        return unknown("it came again, but its pods did not run in time", code="deadline", cites=win.cites())
    last = said(s, "repair")
    because = f"{what['plural']} {what['name']} was deleted, and in {win.seconds:.0f} s nothing came in its place"
    return failed(f"{because} ({last})" if last else because, cites=(taken[-1].seq, *win.cites()))


def _gave_up(s: Story, live: Thing, since: int) -> int:
    """The point at which the resource said that it failed; 0 if it did not."""
    for now, obj in live.states:
        for c in (obj.get("status") or {}).get("conditions") or []:
            if now.seq > since and c.get("type") in s.operator.failed and c.get("status") == "True":
                return now.seq
    return 0


def _held(thing: Thing) -> str:
    names = thing.last.get("metadata", {}).get("finalizers") or []
    return f"finalizers {', '.join(names)}" if names else "nothing says why"


def follows_changes(s: Story) -> Finding:
    """After each change of the resource there are as many pods as it asks for."""
    live = s.resource()
    cites: list[int] = []
    for i, update in enumerate(s.operator.updates):
        step = f"update-{i}"
        if tried := unable(s.rec, step):
            return tried
        win = window(s.rec, step)
        if live is None or win.opened is None:
            return unknown("the resource was not changed", code="not-tried")
        sent = calls(s.rec, "PATCH ", step)
        if not sent or int(sent[-1].body["status"]) >= 300:
            message = sent[-1].body.get("message", "") if sent else "it was not sent"
            return unknown(f"the change was refused: {str(message)[:300]}", code="refused", cites=win.cites())
        end = win.closed.seq if win.closed else s.rec.observations[-1].seq
        there = [p for p in s.own_pods(live.uid) if p.created and p.created.seq <= end and not _over(p.ended, end)]
        running = s.running(live.uid, end)
        if len(running) == update.pods == len(there):
            cites += [sent[-1].seq, *win.cites()]
            continue
        return _not_followed(s, step, len(there), update.pods)
    pods = ", then ".join(str(u.pods) for u in s.operator.updates)
    return passed(f"changes were followed: {pods} pods", cites=cites)


def _over(ended: object, seq: int) -> bool:
    return ended is not None and getattr(ended, "seq", 0) <= seq


def _not_followed(s: Story, step: str, there: int, wanted: int) -> Finding:
    win, live = window(s.rec, step), s.resource()
    if quiet := blind(s, step, "pods"):
        return quiet
    if forbidden := refused(s, step):
        return forbidden
    leaving = [p for p in s.own_pods(live.uid) if p.last.get("metadata", {}).get("deletionTimestamp")] if live else []
    if there == wanted or len([p for p in leaving if not p.ended]) >= there - wanted > 0:
        because = f"the change was taken up, but pods were still {'coming' if there == wanted else 'ending'}"
        return unknown(because, code="deadline", cites=win.cites())
    last = said(s, step)
    because = f"the resource was changed to {wanted} pods, and after {win.seconds:.0f} s it had {there}"
    return failed(f"{because} ({last})" if last else because, cites=win.cites())


def removes_what_it_made(s: Story) -> Finding:
    """The deleted resource and all that was made for it are gone."""
    if tried := unable(s.rec, "end"):
        return tried
    win, live = window(s.rec, "end"), s.resource()
    if live is None or win.opened is None:
        return unknown("the resource was not deleted", code="not-tried")
    if not any(int(c.body["status"]) < 300 for c in calls(s.rec, "DELETE ", "end")):
        return unknown("the resource could not be deleted", code="refused", cites=win.cites())
    if quiet := blind(s, "end", "pods"):
        return quiet
    end = win.closed.seq if win.closed else 0
    family = sorted((s.things[u] for u in s.family(live.uid) if u in s.things), key=lambda t: t.came.seq)
    left = [t for t in family if t.there(end)]
    strays = [t for t in s.strays() if t.there(end)]
    if strays:
        names = ", ".join(t.name for t in strays[:4])
        return failed(
            f"{names} came for the resource and outlived it: nothing owns it", cites=(t.came.seq for t in strays)
        )
    if live.there(end):
        return failed(
            f"after {win.seconds:.0f} s the deleted resource is still there: {_held(live)}", cites=win.cites()
        )
    if not family:
        return unknown("nothing had been made for it", code="nothing-made", cites=win.cites())
    if not left:
        return passed(f"the resource and {len(family)} objects that were made for it are gone", cites=win.cites())
    ending = [t for t in left if t.last.get("metadata", {}).get("deletionTimestamp")]
    names = ", ".join(f"{t.plural.split('.')[0]} {t.name}" for t in left[:4])
    if len(ending) == len(left):
        return unknown(f"{names} were still ending after {win.seconds:.0f} s", code="deadline", cites=win.cites())
    return failed(f"{win.seconds:.0f} s after the resource, {names} are still there", cites=win.cites())
