"""Judges a recording of cluster_autoscaling. Pure: one function per clause; the sentences are for readers."""

from typing import Any

from aiconform.checks.cluster_autoscaling.check import CHECK
from aiconform.checks.cluster_autoscaling.growth import (
    adds_a_node,
    adds_the_right_kind,
    runs_the_pod,
)
from aiconform.checks.cluster_autoscaling.history import (
    Life,
    blind,
    broke_by_itself,
    came,
    host,
    lives,
    reading,
    restless,
    strangers,
    visitors,
    waiting,
)
from aiconform.judging import (
    facts,
    failed,
    not_applicable,
    passed,
    pods,
    unable,
    unknown,
    verdict,
    window,
)
from aiconform.judging.findings import Judge
from aiconform.model import Finding, Outcome, Recording, Suite, Verdict


def judge(rec: Recording, judged_by: Suite) -> Verdict:
    """The verdict."""
    judges = {
        "adds_a_node_when_accelerators_run_out": adds_a_node,
        "adds_nodes_with_the_accelerator": adds_the_right_kind,
        "runs_the_waiting_pod_on_it": runs_the_pod,
        "adds_none_for_an_impossible_pod": adds_none_for_an_impossible_pod,
        "keeps_nodes_in_use": keeps_nodes_in_use,
        "removes_the_node_when_idle": removes_the_node_when_idle,
    }
    if rec.facts.get("declared_none"):
        judges = dict.fromkeys(judges, _declared_none)
    wrapped: dict[str, Judge] = dict(judges)
    return verdict(CHECK, rec, wrapped, judged_by=judged_by, limits=_limits, facts=_facts)


def _declared_none(rec: Recording) -> Finding:
    """The operator says that there is no autoscaler; only what speaks against it can be observed."""
    seen = facts(rec, "against", "declared")
    if not seen or rec.facts.get("gaps"):
        return unknown("whether anything speaks against the statement could not be read", code="rbac-denied")
    unread = [o for o in rec.observations if o.kind == "note" and o.subject == "reading"]
    if unread:
        because = f"whether anything speaks against the statement could not be read: {unread[0].body['text']}"
        return unknown(because, code="rbac-denied", cites=(unread[0].seq,))
    if seen[-1].body:
        because = f"the operator says that there is no cluster autoscaler, but: {'; '.join(seen[-1].body)}"
        return unknown(because, code="mechanism-ambiguous", cites=(seen[-1].seq,))
    because = "the operator says that there is no cluster autoscaler (--mechanism), and nothing found speaks against it"
    return not_applicable(because, cites=(seen[-1].seq,))


def adds_none_for_an_impossible_pod(rec: Recording) -> Finding:
    """No node comes for a pod that fits nowhere, for longer than one took to come for a pod that fits."""
    tried = unable(rec, "use")
    if tried:
        return tried
    first, again = window(rec, "use"), window(rec, "use_again")
    if first.opened is None:
        return unknown("no impossible pod was created", code="not-tried")
    if any(p.bound for p in pods(rec, step="use", role="impossible")):
        return unknown("the pod that should fit nowhere was given a node", code="capacity-changed")
    new = came(rec, "use")
    if new:
        return _twice(rec, new)
    if again.opened is not None or not pods(rec, step="use", role="impossible"):
        return unknown("the impossible pod was not seen", code="not-tried", cites=first.cites())
    return blind(first, "nodes") or _long_enough(rec)


def _twice(rec: Recording, new: list[Life]) -> Finding:
    """A node came while the impossible pod waited. Once may be chance or a late arrival; twice is not."""
    second = came(rec, "use_again")
    cites = [life.came.seq for life in (*new, *second)]
    names = ", ".join(life.name for life in (*new, *second))
    if not second:
        because = f"node {new[0].name} came while the impossible pod waited, but none came when it was tried again"
        return unknown(because, code="capacity-changed", cites=cites)
    others = strangers(rec, window(rec, "use_again"))
    if others:
        because = f"nodes came ({names}), but pods of others waited too, for whom they may be"
        return unknown(because, code="capacity-changed", cites=(*cites, *others))
    if not window(rec, "use_again").whole:
        return unknown("the suite was stopped while it tried again", code="interrupted", cites=cites)
    because = f"nodes came twice while a pod waited that no machine can hold: {names}"
    return restless(rec) or failed(because, cites=cites)


def _long_enough(rec: Recording) -> Finding:
    win, control = window(rec, "use"), adds_the_right_kind(rec)
    if control.outcome is not Outcome.PASS:
        return unknown("no node came for a pod that does fit, so idleness proves nothing", code="control-did-not-run")
    start, first = window(rec, "grow").opened, came(rec, "grow")[0]
    took = first.came.t - (start.t if start else 0.0)
    if win.seconds < max(rec.deadline("impossible"), took):
        because = f"it was watched for {win.seconds:.0f} s only, and a node takes {took:.0f} s to come"
        return unknown(because, code="deadline", cites=win.cites())
    because = f"no node came in {win.seconds:.0f} s; for a pod that fits one came in {took:.0f} s"
    return passed(because, cites=(*win.cites(), first.came.seq))


def keeps_nodes_in_use(rec: Recording) -> Finding:
    """Nodes whose units are used stay; the same node goes when it is idle."""
    tried = unable(rec, "use")
    if tried and tried.code == "not-tried":
        return tried
    win, node, held = window(rec, "use"), host(rec), facts(rec, "held", "use")
    if node is None or not held:
        return unknown("no new node was in use", code="not-tried")
    idle = facts(rec, "added", "shrink")
    until = idle[0].seq if idle else _last_look(rec)
    end = min((p.ended.seq for p in waiting(rec) if p.ended and p.node == node.name), default=None)
    for life in lives(rec).values():
        # The added node is used since its pod runs, which is before the fact.
        since = 0 if life.uid == node.uid else held[-1].seq
        used = life.uid in (node.uid, *held[-1].body) and life.gone is not None and life.gone.seq > since
        if used and life.gone is not None and life.gone.seq < until:
            return _went(rec, life)
    if end is not None and not idle:
        return unknown("the pod on the added node ended before the node was idle", code="capacity-changed")
    if not win.whole:
        return unknown("the suite did not watch to the end", code="interrupted")
    removed = removes_the_node_when_idle(rec)
    if removed.outcome is not Outcome.PASS:
        return unknown("the node was never removed, so that it was kept proves nothing", code="control-did-not-run")
    because = f"{len(held[-1].body)} nodes in use stayed for {win.seconds:.0f} s; the added one went when it was idle"
    return blind(win, "nodes") or passed(because, cites=(*win.cites(), *removed.cites))


def _last_look(rec: Recording) -> int:
    """The end of the last window in which nodes were used. If the run broke, what went later went in its cleanup."""
    steps = ("grow", "quiet", "use", "use_again", "between")
    return max((o.seq for o in rec.observations if o.kind.startswith("window.") and o.step in steps), default=0)


def _went(rec: Recording, life: Life) -> Finding:
    assert life.gone is not None
    broken = broke_by_itself(rec, life)
    if broken:
        because = f"node {life.name} went while it was used, but it had not been Ready any more before anybody took it "
        return unknown(f"{because}out of use: its machine may have failed", code="capacity-changed", cites=(broken,))
    if life.spot:
        because = f"node {life.name} went while it was used, but it is a spot machine, which its provider may take"
        return unknown(because, code="capacity-changed", cites=(life.gone.seq,))
    because = f"node {life.name} was removed while a pod used its accelerator and forbade its disruption"
    return failed(because, cites=(life.gone.seq,))


def removes_the_node_when_idle(rec: Recording) -> Finding:
    """The node goes, by its uid, after its pods have gone."""
    tried = unable(rec, "shrink")
    if tried:
        return tried
    added, win, patience = facts(rec, "added", "shrink"), window(rec, "shrink"), facts(rec, "patience", "shrink")
    if not added or win.opened is None or not patience:
        return unknown("the added node was never idle", code="not-tried")
    life = lives(rec).get(added[-1].body["uid"])
    if life is None:
        return unknown("the added node was not seen", code="not-tried", cites=(added[-1].seq,))
    if life.gone is not None and life.gone.seq > patience[-1].seq:
        took = life.gone.t - win.opened.t
        return passed(f"node {life.name} went {took:.0f} s after it was idle", cites=(win.opened.seq, life.gone.seq))
    return _stays(rec, life, float(patience[-1].body["seconds"]))


def _stays(rec: Recording, life: Life, seconds: float) -> Finding:
    win, said = window(rec, "shrink"), reading(rec, "shrink")
    if not win.whole or win.seconds < 0.99 * seconds:
        return unknown("the suite did not wait until the deadline for the node to go", code="deadline")
    if said.get("keeps"):
        return unknown(f"node {life.name} is kept: {'; '.join(said['keeps'])}", code="blocked-by", cites=win.cites())
    seen = facts(rec, "on_node", "shrink")
    if not seen:
        return unknown("what was on the node was not recorded", code="not-tried", cites=win.cites())
    # Mirror pods are owned by their node; pods that have ended need no room.
    others = [
        p for p in seen[-1].body
        if p["owner"] not in ("DaemonSet", "Node") and p["phase"] not in ("Succeeded", "Failed")
    ]  # fmt: skip
    if others:
        names = ", ".join(p["pod"] for p in others)
        because = f"node {life.name} stayed, but pods are on it that its autoscaler may not move: {names}"
        return unknown(because, code="blocked-by", cites=(seen[-1].seq,))
    came_by = visitors(rec, win, life.name)
    if came_by:
        because = (
            f"node {life.name} stayed, but pods of others came to it meanwhile, and each begins its idle time anew"
        )
        return unknown(because, code="blocked-by", cites=came_by)
    if life.last["metadata"].get("deletionTimestamp") and (life.last["metadata"].get("finalizers") or []):
        held = ", ".join(life.last["metadata"]["finalizers"])
        return failed(f"node {life.name} is being deleted but stays, held by {held}", cites=win.cites())
    because = f"node {life.name} stayed for {win.seconds:.0f} s although it was idle and nothing kept it"
    return blind(win, "nodes") or failed(because, cites=(*win.cites(), seen[-1].seq))


def _limits(rec: Recording, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    del findings
    if rec.facts.get("declared_none") or not rec.facts.get("accelerator"):
        return ()
    node, accelerator = host(rec), rec.facts["accelerator"]
    said = [f"only {accelerator['id']} was made to scale; other accelerators may not"]
    if node is not None and node.simulated:
        said.append("simulated nodes: pods run no code there, so that no device could be opened")
    elif node is not None and not accelerator.get("recognised"):
        said.append(f"{accelerator['id']} is of a vendor that the suite does not know: no device was opened")
    win = window(rec, "use")
    if win.whole:
        said.append(f"that nodes in use are kept was watched for {win.seconds:.0f} s")
    left = facts(rec, "remaining", "shrink")
    if left and left[-1].body:
        said.append(f"further nodes came meanwhile and were still there at the end: {', '.join(left[-1].body)}")
    return tuple(said)


def _facts(rec: Recording) -> dict[str, Any]:
    node, start = host(rec), window(rec, "grow").opened
    found: dict[str, Any] = {
        "mechanism": rec.facts.get("mechanism", rec.via),
        "accelerator": (rec.facts.get("accelerator") or {}).get("id"),
    }
    if node is not None and start is not None:
        found |= {"node": node.name, "seconds_to_add": round(node.came.t - start.t, 1)}
        idle = window(rec, "shrink").opened
        if node.gone is not None and idle is not None and node.gone.seq > idle.seq:
            found["seconds_to_remove"] = round(node.gone.t - idle.t, 1)
    return found
