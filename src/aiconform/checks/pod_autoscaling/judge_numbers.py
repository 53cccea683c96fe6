"""The clauses about numbers of replicas: what the autoscaler makes of a load. Pure."""

from aiconform.checks.pod_autoscaling import decisions
from aiconform.checks.pod_autoscaling.history import (
    autoscalers,
    blind,
    commanded,
    complaint,
    disturbed,
    ground,
    in_step,
    matching,
    not_tried,
    readings,
    words,
)
from aiconform.checks.pod_autoscaling.judge_replica import replica_from_none
from aiconform.judging import facts, failed, not_applicable, passed, unknown, window
from aiconform.model import Finding, Outcome, Recording

GOALS = {"up": 2, "between": 3, "down": 1, "none": 0, "wake": 1}
"""The number of replicas that each step has to end with."""


def scales_up_by_the_formula(rec: Recording) -> Finding:
    """One to two."""
    return _scaled(rec, "up", "decide")


def scales_to_a_number_between(rec: Recording) -> Finding:
    """Two to three, of five that are allowed."""
    return _scaled(rec, "between", "decide")


def scales_down(rec: Recording) -> Finding:
    """To one."""
    return _scaled(rec, "down", "down")


def scales_to_none(rec: Recording) -> Finding:
    """To no replica, where that is allowed; the load is 0."""
    if scales_down(rec).outcome is not Outcome.PASS:
        return ground(rec) or not_tried("the replicas did not become one before")
    allowed, said_last = facts(rec, "none_allowed", "none"), commanded(rec, "down")
    if not allowed and said_last is not None and not said_last.body["total"]:
        because = "the metric is one of the replicas themselves, and goes with the last of them"
        return not_applicable(because, cites=(said_last.seq,))
    if not allowed:
        return not_tried("the suite did not let the autoscaler go to no replica")
    said = allowed[-1].body
    if said["ok"]:
        return _scaled(rec, "none", "empty")
    if said["code"] == "rbac-denied":
        return unknown(f"the autoscaler could not be changed: {said['message']}", code="rbac-denied")
    because = f"an autoscaler may not go to no replica here: {said['message']}"
    return not_applicable(because, cites=(allowed[-1].seq,))


def starts_from_none(rec: Recording) -> Finding:
    """From none to one, which runs with an accelerator."""
    before = scales_to_none(rec)
    if before.outcome is not Outcome.PASS:
        return not_tried("there was never no replica") if before.outcome is not Outcome.NOT_APPLICABLE else before
    number = _scaled(rec, "wake", "decide")
    return replica_from_none(rec) if number.outcome is Outcome.PASS else number


def _scaled(rec: Recording, step: str, deadline: str) -> Finding:
    said, asked, seen = commanded(rec, step), facts(rec, "asked_for", step), in_step(rec, step)
    if said is None or not seen:
        return ground(rec, step) or not_tried("an earlier step had failed, so this one was not tried")
    start, goal = seen[0].count, GOALS[step]
    load = sum(int(v) for v in said.body["values"].values())
    when = f"at a load of {load} and a target of 50 a replica"
    astray = next((n for n in seen if not min(start, goal) <= n.count <= max(start, goal)), None)
    if astray is not None:
        because = f"{when}, the Deployment went to {astray.count} replicas instead of {goal}"
        return disturbed(rec, step) or failed(because, cites=(said.seq, astray.seq))
    if not asked:
        return unknown("the suite did not wait for the autoscaler", code="interrupted", cites=(said.seq,))
    reached = next((n for n in seen if n.count == goal), None)
    if reached is None:
        return disturbed(rec, step) or _never(rec, step, deadline, when, goal)
    left = next((n for n in seen if n.seq > reached.seq and n.count != goal), None)
    if left is not None:
        because = f"{when}, the Deployment had {goal} replicas and then {left.count}"
        return disturbed(rec, step) or failed(because, cites=(said.seq, reached.seq, left.seq))
    win = window(rec, step)
    # Two watches need not keep the order of what they show.
    seen_again = autoscalers(rec, said.seq, win.closed.seq if win.closed else 0)
    again = any(decisions.stays(o.body["object"], goal) for o in seen_again)
    missed = blind(rec, win, rec.deadline("settle"), decided=again)
    because = f"{when}, the Deployment went from {start} to {goal} within {reached.t - said.t:.0f} s, and stayed there"
    return missed or passed(because, cites=(said.seq, reached.seq))


def _never(rec: Recording, step: str, deadline: str, when: str, goal: int) -> Finding:
    hit, win = matching(rec, step), window(rec, step)
    if hit is None:
        seen = readings(rec, step)
        shown = words(seen[-1].body["values"]) if seen else "nothing"
        because = f"the metrics API did not come to show the load that was set; it says {shown}"
        return unknown(because, code="deadline", cites=[o.seq for o in seen[-1:]])
    missed = blind(rec, win, rec.deadline(deadline))
    why = complaint(rec, win)
    because = f"{when}, which the metrics API showed, the Deployment was never asked to have {goal} replicas"
    return missed or failed(f"{because}; the autoscaler says {why or 'nothing'}", cites=(hit.seq, *win.cites()))
