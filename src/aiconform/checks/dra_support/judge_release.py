"""The clauses about one device and two claims. Pure."""

from aiconform.checks.dra_support.history import (
    Claim,
    Device,
    device,
    devices,
    fact,
    long_enough,
    plain,
    pod,
    watched,
)
from aiconform.checks.dra_support.judge_container import looks, new_devices, wanted_paths
from aiconform.checks.dra_support.judge_devices import given, no_devices, node_refused
from aiconform.judging import Pod, failed, not_applicable, passed, unable, unknown, window
from aiconform.model import Finding, Recording


def _ground(rec: Recording) -> Finding | tuple[Pod, Claim]:
    """The holder and its claim; or why there is nothing to judge."""
    none = no_devices(rec) or unable(rec, "holder")
    if none:
        return none
    owner, claim = pod(rec, "holder"), given(rec, "holder")
    if owner is None or claim is None or claim.allocated is None or owner.running is None:
        return unknown("no pod held a device", code="not-tried")
    return owner, claim


def gives_a_device_to_one_claim_at_a_time(rec: Recording) -> Finding:
    """While the holder lives, no other claim has its device."""
    ground = _ground(rec)
    if isinstance(ground, Finding):
        return ground
    owner, claim = ground
    if any((device(rec, r) or {}).get("shared") for r in claim.devices()):
        return not_applicable("the driver lets several claims share this device")
    tried = unable(rec, "held", "second")
    if tried:
        return tried
    second, beside = given(rec, "second"), pod(rec, "second")
    if second is None or beside is None:
        return unknown("no second claim was made", code="not-tried")
    return _given_twice(rec, owner, claim, second, beside) or _nobody_else(rec, second)


def _given_twice(rec: Recording, owner: Pod, claim: Claim, second: Claim, beside: Pod) -> Finding | None:
    """A sighting. Pods and claims are two watches, whose events may arrive in another order than they happened: so
    what counts is whether the holder still lived at the window's end, where both had caught up.
    """
    held = window(rec, "held")
    if held.closed is None:
        return unknown("the suite did not wait until the end of the window", code="interrupted", cites=held.cites())
    end = held.closed.seq
    given_now = second.allocated is not None and second.allocated.seq <= end
    if owner.ended and owner.ended.seq <= end:
        return unknown("the first pod ended meanwhile", code="capacity-changed", cites=(owner.ended.seq,))
    twice = sorted(set(second.devices()) & set(claim.devices()))
    if second.allocated and given_now and twice:
        because = f"{'/'.join(twice[0])} was given to a second claim while the first pod held it"
        return failed(because, cites=(claim.allocated.seq if claim.allocated else end, second.allocated.seq, end))
    if second.allocated and given_now:
        because = "the second claim was given another device, so nothing is shown about this one"
        return unknown(because, code="capacity-changed", cites=(second.allocated.seq,))
    if beside.bound and beside.bound.seq <= end:
        return failed("the second pod was bound without its device", cites=(beside.bound.seq, end))
    return None


def _nobody_else(rec: Recording, second: Claim) -> Finding:
    """An absence: the whole window, and the control."""
    held = window(rec, "held")
    blind = long_enough(rec, held, "window")
    if blind:
        return blind
    if second.allocated is None:
        because = "the second claim was not satisfied after the first pod had gone either"
        return unknown(because, code="control-did-not-run", cites=held.cites())
    because = (
        f"the second claim waited for {held.seconds:.0f} s while the first pod lived, and was satisfied afterwards"
    )
    return passed(because, cites=(*held.cites(), second.allocated.seq))


def gives_a_released_device_again(rec: Recording) -> Finding:
    """The holder goes; the second claim gets the device, and its pod runs with it."""
    ground = _ground(rec)
    if isinstance(ground, Finding):
        return ground
    owner, claim = ground
    tried = unable(rec, "held", "second")
    if tried:
        return tried
    released = fact(rec, "released")
    if released is None:
        return unknown("the first pod was not deleted", code="not-tried")
    if owner.deleted is None:
        return _stays(rec)
    second, beside = given(rec, "second"), pod(rec, "second")
    if second is None or beside is None:
        return unknown("no second claim was made", code="not-tried")
    if second.allocated is None:
        return _not_given_again(rec, owner, claim)
    if second.allocated.seq < released.seq:
        return unknown("the second claim had been satisfied before", code="not-tried", cites=(second.allocated.seq,))
    if not set(second.devices()) & set(claim.devices()):
        because = "the second claim was given another device"
        return unknown(because, code="capacity-changed", cites=(second.allocated.seq,))
    return _does_not_run(rec, second, beside) if beside.running is None else _works_again(rec, beside)


def _does_not_run(rec: Recording, second: Claim, beside: Pod) -> Finding:
    """The second claim was satisfied, and its pod did not run: because of the device, or of the node?"""
    win, after = window(rec, "release"), pod(rec, "after")
    assert second.allocated is not None
    waited = win.closed.t - second.allocated.t if win.closed else 0.0
    blind = watched(rec, win)
    if blind or (waited < 0.99 * rec.deadline("start") and not beside.ended):
        return blind or unknown("the suite did not wait until the deadline", code="interrupted")
    refused = node_refused(beside)
    if refused:
        return refused
    if after is None or after.running is None:
        because = (
            "the second claim was satisfied and its pod did not run, but a plain pod did not run there then either"
        )
        return unknown(because, code="control-did-not-run", cites=win.cites())
    because = f"the device was given to the second claim, but its pod did not run within {waited:.0f} s"
    return failed(because, cites=(second.allocated.seq, *win.cites(), after.running.seq))


def _stays(rec: Recording) -> Finding:
    win, beside = window(rec, "release"), plain(rec)
    blind = long_enough(rec, win, "gone")
    if blind:
        return blind
    if beside is None or beside.deleted is None:
        because = "the plain pod that was deleted at the same time did not go away either"
        return unknown(because, code="control-did-not-run", cites=win.cites())
    because = f"the pod that held the device was still there {win.seconds:.0f} s after its deletion; a plain pod went"
    return failed(because, cites=(*win.cites(), beside.deleted.seq))


def _not_given_again(rec: Recording, owner: Pod, claim: Claim) -> Finding:
    win = window(rec, "release")
    blind = watched(rec, win)
    if blind:
        return blind
    assert owner.deleted is not None
    waited = win.closed.t - owner.deleted.t if win.closed else 0.0
    if waited < 0.99 * rec.deadline("release"):
        return unknown("the suite did not wait until the deadline", code="interrupted", cites=win.cites())
    now = {(d["pool"], d["name"]): d for d in devices(rec, "after release")}
    for _, pool, name in claim.devices():
        found = now.get((pool, name))
        if found is None:
            return unknown(f"{pool}/{name} is not advertised any more", code="capacity-changed", cites=win.cites())
        if found["tainted"]:
            return unknown(f"{pool}/{name} is tainted now", code="capacity-changed", cites=win.cites())
        if found["held"] and not claim.gone:
            because = f"{pool}/{name} is still allocated to the claim of a pod that has gone"
            return failed(because, cites=(owner.deleted.seq, *win.cites()))
        if found["held"]:
            return unknown(f"{pool}/{name} was given to somebody else", code="capacity-changed", cites=win.cites())
        taken = _parts_taken(rec, found, now)
        if taken:
            because = f"{pool}/{name} shares counters with {taken}, which was given to somebody else"
            return unknown(because, code="capacity-changed", cites=win.cites())
    after = pod(rec, "after")
    if after is None or after.bound is None:
        because = "the second claim was not satisfied, but a plain pod was not bound at that time either"
        return unknown(because, code="control-did-not-run", cites=win.cites())
    because = (
        f"the device was free for {waited:.0f} s after its pod had gone, and was not given to the claim that waited"
    )
    return failed(because, cites=(owner.deleted.seq, *win.cites(), after.bound.seq))


def _parts_taken(rec: Recording, released: Device, now: dict[tuple[str, str], Device]) -> str:
    """A device of the same pool that shares counters, too, and that others were given since the holder ran."""
    if not released.get("counters"):
        return ""
    before = {(d["pool"], d["name"]) for d in devices(rec, "held") if d["held"]}
    other = given(rec, "other")
    before |= {(pool, name) for _, pool, name in (other.devices() if other else ())}
    new = [d for key, d in now.items() if d["held"] and d.get("counters") and key not in before]
    return next((f"{d['pool']}/{d['name']}" for d in new if d["pool"] == released["pool"]), "")


def _works_again(rec: Recording, beside: Pod) -> Finding:
    """The second container must have what the first one had."""
    assert beside.running is not None
    first, again, plains = looks(rec, "holder"), looks(rec, "second"), looks(rec, "canary")
    if first is None or again is None or plains is None:
        return unknown("a probe did not report, so the device was not seen again", code="probe-missing")
    had, has_now = new_devices(first, plains), new_devices(again, plains)
    cites = (beside.running.seq, first.seq, again.seq)
    if wanted_paths(rec, had) and not wanted_paths(rec, has_now):
        return failed("the second pod was given the device, but its container has no device node", cites=cites)
    return passed("the second claim was given the device, and its pod ran with it", cites=cites)
