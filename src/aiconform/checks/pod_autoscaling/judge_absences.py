"""The clauses about absences: when the number of replicas has to stay. Pure."""

from collections.abc import Sequence

from aiconform.checks.pod_autoscaling import decisions
from aiconform.checks.pod_autoscaling.history import (
    blind,
    conditions,
    decided,
    disturbed,
    ground,
    in_step,
    not_tried,
    refused,
    words,
)
from aiconform.checks.pod_autoscaling.judge_numbers import scales_up_by_the_formula
from aiconform.judging import facts, failed, passed, unknown, window
from aiconform.model import Finding, Outcome, Recording


def holds_at_the_target(rec: Recording) -> Finding:
    """A window in which the load is exactly the target."""
    stays = _stays(rec, "hold", 1, "at exactly the target")
    if stays is not None:
        return stays
    because = "at exactly the target there was 1 replica"
    return _awake(rec, "hold") or _stayed(rec, "hold", because, decisions.HOLDING)


def keeps_namespaces_apart(rec: Recording) -> Finding:
    """A window in which the other namespace has a great load."""
    if in_step(rec, "hold") and _stays(rec, "hold", 1, "") is not None:
        return ground(rec) or not_tried("the number had moved before the other namespace had a load")
    stays = _stays(rec, "apart", 1, "when a workload of the same name in another namespace had a load of 1000")
    if stays is not None:
        return stays
    seen = facts(rec, "shown_elsewhere", "apart")
    if not seen or not seen[-1].body["seen"]:
        because = "the metrics API never showed the other namespace's load, so that nothing could have been mixed up"
        return unknown(because, code="metric-not-visible", cites=[o.seq for o in seen])
    because = "1 replica stayed while the other namespace's load was shown"
    return _awake(rec, "apart") or _stayed(rec, "apart", because, decisions.APART)


def _stays(rec: Recording, step: str, count: int, when: str) -> Finding | None:
    """FAIL if the number moved in a step, UNKNOWN if it was not tried; None if it stayed."""
    seen = in_step(rec, step)
    moved = next((n for n in seen if n.count != count), None)
    if moved is not None:
        return disturbed(rec, step) or failed(
            f"{when}, the Deployment went from {count} to {moved.count} replicas", cites=(seen[0].seq, moved.seq)
        )
    tried = ground(rec, step)
    if tried is not None or not seen or window(rec, step).opened is None:
        return tried or not_tried("no autoscaler came so far that this could be tried")
    return None


def _stayed(rec: Recording, step: str, because: str, enough: int) -> Finding:
    """PASS for a window of its full length, or in which the autoscaler was seen to decide often enough."""
    win, seen = window(rec, step), decided(rec, step)
    missed = blind(rec, win, rec.deadline(step), decided=len(seen) >= enough)
    how = f", and the autoscaler decided so {len(seen)} times" if len(seen) >= enough else ""
    return missed or passed(f"{because}, for {win.seconds:.0f} s{how}", cites=_cites(win.cites(), seen))


def _cites(ends: Sequence[int], more: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted({*ends, *more}))


def _awake(rec: Recording, step: str) -> Finding | None:
    """The control of the absences: the autoscaler had looked at the metric, and added a replica when the load rose."""
    win, up = window(rec, step), window(rec, "up")
    active = [c for _, c in conditions(rec, 0, win.closed.seq if win.closed else 0) if c["type"] == "ScalingActive"]
    if not any(c["status"] == "True" for c in active):
        because = "the autoscaler did not say that it computes with the metric (condition ScalingActive) by then"
        return unknown(because, code="control-failed", cites=win.cites())
    if not any(n.count > 1 for n in in_step(rec, "up")):
        because = "the autoscaler did not move when the load rose either, so that its stillness proves nothing"
        return unknown(because, code="control-failed", cites=up.cites())
    return None


def holds_when_the_metric_is_gone(rec: Recording) -> Finding:
    """From the moment in which nobody exports the metric to the end of the window."""
    if scales_up_by_the_formula(rec).outcome is not Outcome.PASS:
        return ground(rec) or not_tried("there were never two replicas that could have stayed")
    for step in ("withdraw", "gone"):
        stays = _stays(rec, step, 2, "when nobody exported the metric any more")
        if stays is not None:
            return stays
    left = facts(rec, "withdrawn", "withdraw")
    if not left or left[-1].body["values"]:
        shown = words(left[-1].body["values"]) if left else "something"
        because = f"the metrics API still showed {shown} when nobody had exported it for {rec.deadline('stale'):g} s"
        return unknown(because, code="deadline", cites=[o.seq for o in left])
    win = window(rec, "gone")
    missed = blind(rec, win, rec.deadline("missing"), decided=refused(rec, win) >= decisions.WITHOUT)
    return missed or _noticed(rec)


def _noticed(rec: Recording) -> Finding:
    opened, closed = window(rec, "withdraw").opened, window(rec, "gone").closed
    start, end = (opened.seq if opened else 0), (closed.seq if closed else 0)
    said = [o for o, c in conditions(rec, start, end) if c["type"] == "ScalingActive" and c["status"] == "False"]
    if not said:
        because = (
            "the autoscaler did not say that it has no metric (condition ScalingActive), so it may not have looked"
        )
        return unknown(because, code="control-failed", cites=window(rec, "gone").cites())
    if not any(n.count > 2 for n in in_step(rec, "between")):
        because = "the autoscaler did not move when the metric was back either, so that its stillness proves nothing"
        return unknown(because, code="control-failed", cites=window(rec, "between").cites())
    because = "without the metric 2 replicas stayed, and the autoscaler said that it has none"
    return passed(because, cites=(*window(rec, "gone").cites(), said[0].seq))
