"""What the judge reads out of a recording of gang_scheduling: members, controls, room. Pure.

Facts that `observe` writes, beside the watch:

=========== ======================================================================================
shape       {size, node, unlike, units (of all members), cpu (millicores of one), members: [...]}
room        {when: before|meanwhile|after, units, cpu, held: {units, cpu}}: free on the node, and what the
            members of the step hold; `cpu` in millicores, `units` of the accelerator
created     {objects: [...], refused: ""}: a gang was created; `refused` is the server's answer if not
membership  {dropped: [...]}: what stored members lack to belong to their gang, in words
placeholder {uids: [...]}: pods that only hold a place for a member
signs       {signs: [...]}: what the mechanism said about the waiting gang
policies    {here: [...]}: network policies in the namespace of the members
=========== ======================================================================================
"""

from collections.abc import Iterable
from dataclasses import replace

from aiconform.judging import Pod, Window, facts, most_at_once, pods, probes, unknown
from aiconform.model import Finding, Observation, Recording

# When the node is not to blame, but something with a greater right to it.
_DISPLACED = ("PreemptionByScheduler", "TerminationByKubelet", "DeletionByTaintManager")
# What a kubelet writes into status.reason when it refuses a pod that was bound to it.
_REFUSED = (
    "UnexpectedAdmissionError", "OutOf", "NodeAffinity", "Evicted", "Preempting", "TopologyAffinityError"
)  # fmt: skip


def fact(rec: Recording, name: str, step: str | None = None) -> Observation | None:
    """The last fact of this name."""
    found = facts(rec, name, step)
    return found[-1] if found else None


def size(rec: Recording) -> int:
    """N; 0 if the gang was never shaped."""
    shape = fact(rec, "shape")
    return int(shape.body["size"]) if shape else 0


def members(rec: Recording, step: str) -> tuple[Pod, ...]:
    """The gang's own pods in this step; placeholders are none of them."""
    stand_ins = {uid for o in facts(rec, "placeholder") for uid in o.body["uids"]}
    return tuple(p for p in pods(rec, step=step, role="member") if p.uid not in stand_ins)


def cut_before(rec: Recording, seq: int) -> Recording:
    """The recording as it was before this observation."""
    return replace(rec, observations=tuple(o for o in rec.observations if o.seq < seq))


def fields_dropped(rec: Recording, step: str) -> Finding | None:
    """UNKNOWN if stored members were not what was sent: then no gang was ever asked for."""
    for o in facts(rec, "membership", step):
        if o.body["dropped"]:
            because = (
                f"the API server stored the members without {', '.join(o.body['dropped'])}, so they belong to no "
                "gang: the mechanism is not enabled there, or something strips the field"
            )
            return unknown(because, code="field-dropped", cites=(o.seq,))
    return None


def reports(rec: Recording, step: str) -> dict[str, Observation]:
    """The last report of each member, by the member's name: {"name", "met": [names], "trouble"}."""
    return {
        o.body["name"]: o
        for o in probes(rec, step=step)
        if isinstance(o.body, dict) and isinstance(o.body.get("met"), list) and "name" in o.body
    }


def complete(rec: Recording, step: str) -> list[Observation]:
    """Reports of members that met every other member: proof that all of them ran at one time."""
    n = size(rec)
    return [o for o in reports(rec, step).values() if len(set(o.body["met"])) >= n - 1]


def plain_ran(rec: Recording, step: str) -> tuple[int, tuple[int, ...]]:
    """How many plain pods of a control ran at one time."""
    return most_at_once(pods(rec, step=step, role="plain"), "running")


def blind(rec: Recording, win: Window) -> Finding | None:
    """UNKNOWN if something may have been missed in this window: then what was not seen proves nothing."""
    if rec.damage:
        return unknown("lines of the recording are missing or unreadable", code="recording-damaged")
    made = fact(rec, "created")
    if made is None or not win.watched(f"pods/{made.body['namespace']}"):
        because = "the pods were not watched from beginning to end without a gap"
        return unknown(because, code="api-lost", cites=win.cites())
    return None


def bind_spread(group: Iterable[Pod]) -> tuple[float, tuple[int, ...]]:
    """Seconds between the first and the last binding, and the two observations."""
    bound = sorted((p.bound for p in group if p.bound), key=lambda m: m.seq)
    return (bound[-1].t - bound[0].t, (bound[0].seq, bound[-1].seq)) if bound else (0.0, ())


def waiting(group: Iterable[Pod]) -> str:
    """Why the first pod that does not run says it waits; "" if none says anything."""
    for p in group:
        if p.started or p.ended:
            continue
        for status in p.last.get("status", {}).get("containerStatuses") or []:
            reason = ((status.get("state") or {}).get("waiting") or {}).get("reason", "")
            if reason and reason != "ContainerCreating":
                return f"{p.name}: {reason}"
        if p.why_waiting():
            return f"{p.name}: {p.why_waiting()}"
    return ""


def node_refused(group: Iterable[Pod]) -> tuple[str, tuple[int, ...]] | None:
    """A member that was bound and that the node's kubelet then refused or evicted, with its reason."""
    for p in group:
        reason = p.last.get("status", {}).get("reason", "")
        if p.bound and p.ended and any(reason.startswith(r) for r in _REFUSED):
            return f"{p.name}: {reason}: {p.last['status'].get('message', '')}".rstrip(": "), (p.ended.seq,)
        for c in p.last.get("status", {}).get("conditions") or []:
            if p.bound and p.ended and c.get("type") == "DisruptionTarget" and c.get("reason") in _DISPLACED:
                return f"{p.name}: {c['reason']}: {c.get('message', '')}".rstrip(": "), (p.ended.seq,)
    return None


def room_changed(rec: Recording, step: str) -> Finding | None:
    """UNKNOWN if what was free on the node changed during the step by other hands than the suite's."""
    shape = fact(rec, "shape")
    before = [o for o in facts(rec, "room", step) if o.body["when"] == "before"]
    after = [o for o in facts(rec, "room", step) if o.body["when"] == "after"]
    if shape is None or not before or not after:
        return unknown("what was free on the node was not counted before and after", code="deadline")
    first = before[-1]
    for seen in facts(rec, "room", step):
        units = _all(seen, "units") - _all(first, "units")
        cpu = _all(seen, "cpu") - _all(first, "cpu")
        # Half a member's cpu is the slack on either side of what the blocker leaves.
        if seen.seq > first.seq and (units or abs(cpu) >= shape.body["cpu"] / 2):
            because = f"others took or gave back {abs(units)} accelerators and {abs(cpu)} millicores on the node"
            return unknown(f"{because} meanwhile", code="capacity-changed", cites=(first.seq, seen.seq))
    return None


def _all(room: Observation, what: str) -> int:
    """Free, or held by members of the suite."""
    return int(room.body[what]) + int(room.body["held"][what])
