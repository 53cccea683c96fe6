"""The clauses about one request and what it gets. Pure."""

from typing import Any

from aiconform.checks.dra_support.history import (
    Claim,
    Device,
    api_only,
    asked,
    claim_of,
    claims,
    device,
    devices,
    fact,
    facts_not_published,
    has,
    long_enough,
    plain,
    pod,
    unready,
    untried,
    watched,
)
from aiconform.judging import Pod, facts, failed, not_applicable, passed, unable, unknown, window
from aiconform.model import Finding, Recording


def no_devices(rec: Recording) -> Finding | None:
    """NOT_APPLICABLE where the plan found none; UNKNOWN where they could not be tried."""
    tried = untried(rec)
    if tried:
        return tried
    if api_only(rec):
        return not_applicable("no device of a known or named driver can be asked for here, so nothing can be allocated")
    return None


def given(rec: Recording, role: str) -> Claim | None:
    """The claim of a role's pod, or the claim that bears the role's name."""
    owner = pod(rec, role)
    found = claim_of(rec, owner) if owner else None
    return found or next((c for c in claims(rec) if c.name == role), None)


# -- requests that must wait ---------------------------------------------------------------------------------


def leaves_impossible_requests_waiting(rec: Recording) -> Finding:
    """An attribute value, or a capacity, that no device has."""
    none = no_devices(rec)
    if none:
        return none
    roles = [r for r in ("no-attribute", "no-capacity") if asked(rec, r)]
    if not roles and len(facts_not_published(rec)) == 2:
        return not_applicable("the driver publishes neither attributes nor capacity that all of its devices have")
    return _wait(rec, roles, "what no device has")


def leaves_requests_for_too_many_waiting(rec: Recording) -> Finding:
    """One device more than there are."""
    none = no_devices(rec)
    if none:
        return none
    uncountable = fact(rec, "not-countable")
    if uncountable:
        return not_applicable(uncountable.body["because"], cites=(uncountable.seq,))
    before, after = devices(rec, "before"), devices(rec, "after waiting")
    if len(after) > len(before):
        return unknown("the node got more devices meanwhile", code="capacity-changed")
    return _wait(rec, ["too-many"], asked(rec, "too-many").get("words", ""))


def _wait(rec: Recording, roles: list[str], what: str) -> Finding:
    tried = unable(rec, *roles)
    if tried:
        return tried
    if not roles or any(pod(rec, r) is None for r in roles):
        return unknown("these requests were not made", code="not-tried")
    for role in roles:
        claim, owner = given(rec, role), pod(rec, role)
        if claim and claim.allocated:
            got = ", ".join(f"{p}/{d}" for _, p, d in claim.devices()) or "something"
            because = f"a claim for {what} ({asked(rec, role).get('cel')}) was given {got}"
            return failed(because, cites=(claim.allocated.seq,))
        if owner and owner.bound:
            return failed(f"the pod {owner.name}, which asked for {what}, was bound", cites=(owner.bound.seq,))
    waiting = window(rec, "waiting")
    blind = long_enough(rec, waiting, "window")
    if blind:
        return blind
    control = _could_have(rec)
    if isinstance(control, Finding):
        return control
    return passed(f"requests for {what} waited for {waiting.seconds:.0f} s", cites=(*waiting.cites(), *control))


def _could_have(rec: Recording) -> Finding | tuple[int, ...]:
    """The control: a device that was free before the window was given to the holder after it."""
    claim = given(rec, "holder")
    if claim is None or claim.allocated is None:
        because = "the next request, which should be satisfied, was not either"
        return unknown(because, code="control-did-not-run")
    free = {(d["pool"], d["name"]) for d in devices(rec, "before") if not d["held"] and not d["tainted"]}
    if not any((p, d) in free for _, p, d in claim.devices()):
        return unknown("the device that was given afterwards had not been free before", code="capacity-changed")
    return (claim.allocated.seq,)


# -- the request that must be satisfied ----------------------------------------------------------------------


def allocates_by_attribute(rec: Recording) -> Finding:
    """What the holder, and later the second claim, got."""
    none = no_devices(rec) or unable(rec, "holder")
    if none:
        return none
    owner, claim = pod(rec, "holder"), given(rec, "holder")
    if owner is None:
        return unknown("no device was asked for", code="not-tried")
    if claim is None:
        return unknown("no claim was made from the holder's template", code="no-claim")
    if claim.allocated is None:
        return _nothing_given(rec, owner)
    cites = [claim.allocated.seq]
    for role in ("holder", "other", "second"):
        got = given(rec, role)
        wrong = _wrong(rec, got, asked(rec, role)) if got and got.allocated else ""
        if got and got.allocated and wrong:
            return failed(f"the claim of {role} {wrong}", cites=(got.allocated.seq,))
        if got and got.allocated:
            cites.append(got.allocated.seq)
    what = ", ".join(f"{p}/{d}" for _, p, d in claim.devices())
    wanted = asked(rec, "holder")
    names = [*(wanted.get("attributes") or {}), *(wanted.get("capacity") or {})]
    return passed(f"{what} was given, an advertised device that has the {' and '.join(names) or 'class'}", cites=cites)


def _wrong(rec: Recording, claim: Claim, wanted: dict[str, Any]) -> str:
    if not claim.devices():
        return "was allocated without any device"
    for result in claim.devices():
        found = device(rec, result)
        name = "/".join(result)
        if found is None:
            return f"got {name}, which is not among the devices that its driver advertises for this node"
        lack = has(found, wanted)
        if lack:
            return f"got {name}, which is not what it asked for: {lack}"
    return ""


def _nothing_given(rec: Recording, owner: Pod) -> Finding:
    """Not allocated: FAIL only if devices were free and nothing else explains it."""
    win = window(rec, "claim")
    blind = long_enough(rec, win, "start")
    if blind:
        return blind
    # What became free only at the end may be given to the next request, and says nothing of this one.
    free = _free(devices(rec, "diagnosis"))
    if devices(rec, "after waiting"):
        before = {(d["pool"], d["name"]) for d in _free(devices(rec, "after waiting"))}
        free = [d for d in free if (d["pool"], d["name"]) in before]
    if not free:
        return unknown("no device was free all the time", code="capacity-changed", cites=win.cites())
    if any(d["counters"] for d in free):
        because = f"nothing was given, but the devices share counters with others: {owner.why_waiting()}"
        return unknown(because, code="too-few-accelerators", cites=win.cites())
    results = {o.body["pod"]: o for o in facts(rec, "diagnosed")}
    for role in ("class-only", "driver-only"):
        if role not in results:
            return unknown("why nothing was given could not be found out", code="not-tried", cites=win.cites())
        short = long_enough(rec, window(rec, role), "diagnosis") if not results[role].body["allocated"] else None
        if short:
            return short
    cites = (*win.cites(), *(o.seq for o in results.values()))
    beside = pod(rec, "beside")
    if beside is None or beside.bound is None:
        because = f"a plain pod was not bound there either: {owner.why_waiting()}"
        return unknown(because, code="control-did-not-run", cites=cites)
    got = given(rec, "class-only")
    if got and got.devices() and not {(p, d) for _, p, d in got.devices()} & {(d["pool"], d["name"]) for d in free}:
        because = "the next request got a device that had not been free while this one waited"
        return unknown(because, code="capacity-changed", cites=cites)
    if results["class-only"].body["allocated"]:
        because = "a request by what the driver publishes got nothing, and one without any condition was satisfied"
        return failed(f"{because}: {owner.why_waiting()}", cites=cites)
    if results["driver-only"].body["allocated"]:
        name = rec.facts["accelerator"].get("device_class")
        because = f"DeviceClass {name} matches none of the driver's free devices"
        return unknown(because, code="class-matches-nothing", cites=cites)
    because = f"{len(free)} devices are free and advertised, and none was given within {rec.deadline('start'):g} s"
    return failed(f"{because}: {owner.why_waiting()}".rstrip(": "), cites=cites)


def starts_the_pod_with_its_claim(rec: Recording) -> Finding:
    """Running, and reserved."""
    none = no_devices(rec) or unable(rec, "holder")
    if none:
        return none
    owner, claim = pod(rec, "holder"), given(rec, "holder")
    if owner is None or claim is None or claim.allocated is None:
        return unknown("nothing was allocated, so no pod could start with it", code="not-tried")
    win = window(rec, "claim")
    if owner.running:
        if owner.uid in claim.reserved:
            return passed(
                "the pod ran, and its claim was reserved for it", cites=(owner.running.seq, claim.allocated.seq)
            )
        blind = watched(rec, win)
        return blind or failed("the pod ran, but its claim was never reserved for it", cites=(owner.running.seq,))
    if not owner.bound:
        because = f"the claim was allocated, but the pod was not bound: {owner.why_waiting()}"
        return unknown(because, code="deadline", cites=(claim.allocated.seq,))
    return _not_started(rec, owner)


def _not_started(rec: Recording, owner: Pod) -> Finding:
    """Bound, with a device, and not running."""
    win = window(rec, "claim")
    assert owner.bound is not None
    why = _trouble(rec, owner)
    refused = node_refused(owner)
    if refused:
        return refused
    if any(word in why for word in ("ImagePull", "ErrImage", "InvalidImage")):
        return unknown(f"its image could not be pulled: {why}", code="image-unavailable", cites=(owner.bound.seq,))
    if not owner.ended:
        blind = long_enough(rec, win, "start")
        if blind:
            return blind
    beside = plain(rec)
    if beside is None or beside.running is None:
        return unknown("no plain pod ran on that node", code="control-did-not-run")
    lost = unready(rec, beside, win)
    if lost:
        because = "the pod was given a device and did not run, but a plain pod on that node did not stay ready either"
        return unknown(because, code="control-did-not-run", cites=(owner.bound.seq, *lost))
    because = (
        f"the pod was given a device and bound to {owner.node}, but did not run within {rec.deadline('start'):g} s"
    )
    return failed(
        f"{because}, although a plain pod did there. {why}".strip(), cites=(owner.bound.seq, beside.running.seq)
    )


def _free(found: list[Device]) -> list[Device]:
    return [d for d in found if not d["held"] and not d["tainted"]]


def node_refused(owner: Pod) -> Finding | None:
    """UNKNOWN if the kubelet refused or evicted the pod, which says nothing about devices."""
    status = owner.last.get("status", {})
    if not owner.ended or not status.get("reason"):
        return None
    because = f"the node refused the pod: {status['reason']}: {status.get('message', '')}".rstrip(": ")
    return unknown(because, code="node-refused", cites=(owner.ended.seq,))


def _trouble(rec: Recording, owner: Pod) -> str:
    """What was said about a pod that does not start: its containers' reasons, then events."""
    said = []
    for status in owner.last.get("status", {}).get("containerStatuses") or []:
        waiting = (status.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "ContainerCreating"):
            said.append(f"{waiting['reason']}: {waiting.get('message', '')}")
    for o in facts(rec, "events"):
        if o.body["pod"] == owner.name:
            said += [f"{e['reason']}: {e['message']}" for e in o.body["events"] if e["reason"].startswith("Failed")]
    return "; ".join(said[:2])[:400]
