"""Judges a recording of pod_autoscaling. Pure: one function per clause; the sentences are for readers."""

from typing import Any

from aiconform.checks.pod_autoscaling.check import CHECK, DEADLINES
from aiconform.checks.pod_autoscaling.history import (
    commanded,
    exported,
    ground,
    in_step,
    matching,
    not_tried,
    readings,
    words,
)
from aiconform.checks.pod_autoscaling.judge_absences import (
    holds_at_the_target,
    holds_when_the_metric_is_gone,
    keeps_namespaces_apart,
)
from aiconform.checks.pod_autoscaling.judge_numbers import (
    GOALS,
    scales_down,
    scales_to_a_number_between,
    scales_to_none,
    scales_up_by_the_formula,
    starts_from_none,
)
from aiconform.checks.pod_autoscaling.judge_replica import gives_new_replicas_accelerators
from aiconform.judging import facts, failed, passed, unknown, verdict, window
from aiconform.judging.findings import Judge
from aiconform.model import Finding, Outcome, Recording, Suite, Verdict

_WINDOWS = ("hold", "apart", "missing", "settle")


def judge(rec: Recording, judged_by: Suite) -> Verdict:
    """The verdict."""
    judges: dict[str, Judge] = {
        "shows_the_exact_value": shows_the_exact_value,
        "follows_a_change": follows_a_change,
        "holds_at_the_target": holds_at_the_target,
        "keeps_namespaces_apart": keeps_namespaces_apart,
        "scales_up_by_the_formula": scales_up_by_the_formula,
        "gives_new_replicas_accelerators": gives_new_replicas_accelerators,
        "holds_when_the_metric_is_gone": holds_when_the_metric_is_gone,
        "scales_to_a_number_between": scales_to_a_number_between,
        "scales_down": scales_down,
        "scales_to_none": scales_to_none,
        "starts_from_none": starts_from_none,
    }
    return verdict(CHECK, rec, judges, judged_by=judged_by, limits=_limits, facts=_facts)


# -- the metric ----------------------------------------------------------------------------------------------


def shows_the_exact_value(rec: Recording) -> Finding:
    """The first value, before anything scales."""
    return ground(rec) or _shown(rec, "visible")


def follows_a_change(rec: Recording) -> Finding:
    """The second value."""
    before = shows_the_exact_value(rec)
    if before.outcome is not Outcome.PASS:
        return ground(rec) or not_tried("the first value was never shown, so no change could be followed")
    return _shown(rec, "follow")


def _shown(rec: Recording, step: str) -> Finding:
    said, win = commanded(rec, step), window(rec, step)
    if said is None:
        return not_tried("no value was set")
    value, own = words(said.body["values"]), exported(rec, step)
    cites = (said.seq, *((own.seq,) if own else ()))
    hit = matching(rec, step)
    if hit is not None:
        because = f"the metrics API showed {value}, {hit.t - said.t:.0f} s after the pod had exported it"
        return passed(because, cites=(*cites, hit.seq))
    seen = readings(rec, step)
    if not seen:
        return not_tried("the metrics API was not asked")
    last = seen[-1]
    if not win.whole or win.seconds < 0.99 * rec.deadline(step):
        return unknown("the suite did not ask the metrics API long enough", code="interrupted", cites=win.cites())
    if not last.body["values"]:
        why = last.body["message"] or "it has no value"
        because = f"the metrics API never showed the value {value}: {why} (HTTP {last.body['status']})"
        return unknown(because, code="metric-not-visible", cites=(*cites, last.seq))
    if own is None:
        because = f"the pod itself was not seen to export {value}, so nobody else can be expected to show it"
        return unknown(because, code="control-failed", cites=(*cites, last.seq))
    because = f"the pod exported {value}, and for {win.seconds:.0f} s the metrics API never showed it: it says "
    return failed(because + words(last.body["values"]), cites=(*cites, last.seq))


# -- for the reader ------------------------------------------------------------------------------------------


def _limits(rec: Recording, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    if not rec.facts.get("accelerator") or all(f.outcome is Outcome.UNKNOWN for f in findings):
        return ()
    accelerator = rec.facts["accelerator"]
    said = [] if rec.via != "own-adapter" else ["the metrics API was the suite's own; the platform need not have one"]
    said += [f"replicas asked for {accelerator['id']}; other accelerators were not tried"]
    if not accelerator.get("recognised") or not accelerator.get("hints"):
        said.append(f"{accelerator['id']} is of a vendor that the suite does not know: no device was opened")
    hit, set_at = matching(rec, "follow"), commanded(rec, "follow")
    if hit is not None and set_at is not None and hit.t - set_at.t > 120:
        said.append(f"the metrics API showed a change only after {hit.t - set_at.t:.0f} s")
    for name in _WINDOWS:
        used = rec.settings.get("deadlines", {}).get(name, DEADLINES[name].seconds)
        if used < DEADLINES[name].seconds:
            said.append(f"{name} was watched for {used:g} s (default {DEADLINES[name].seconds:g} s)")
    return tuple(said)


def _facts(rec: Recording) -> dict[str, Any]:
    found: dict[str, Any] = {"mechanism": rec.facts.get("mechanism", rec.via)}
    way = facts(rec, "registered", "visible")
    if rec.facts.get("accelerator"):
        found["accelerator"] = rec.facts["accelerator"]["id"]
    if way:
        found["registered_by"] = way[-1].body["way"]
    for step in GOALS:
        said, seen = commanded(rec, step), in_step(rec, step)
        moved = [n for n in seen[1:] if said is not None and n.seq > said.seq]
        if said is not None and moved:
            found[f"seconds_{step}"] = round(moved[-1].t - said.t, 1)
    return found
