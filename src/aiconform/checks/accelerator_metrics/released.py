"""Whether the values go back when the device is free again. Pure."""

from aiconform.checks.accelerator_metrics.coverage import no_view
from aiconform.checks.accelerator_metrics.loaded import LONG, behind, load_ready
from aiconform.checks.accelerator_metrics.moves import STILL, Load, foreign, load_of
from aiconform.checks.accelerator_metrics.series import BOTH, Shot, View
from aiconform.judging import facts, failed, passed, pods, unable, unknown
from aiconform.model import Finding, Recording

# How far memory may stay above what it was before, as a share of what had been allocated.
LEFT = 0.1


def shows_the_release(rec: Recording, view: View | None) -> Finding:
    """After the holder is gone: what had moved is as it was before the holder came."""
    blocked = load_ready(rec, view)
    if view is None or blocked:
        return blocked or no_view(rec)
    load = load_of(rec, view)
    device = _device(load)
    if device is None:
        return unknown("no value had moved, so none can be seen to go back", code="not-tried")
    blocked = unable(rec, "release")
    if blocked:
        return blocked
    gone = next((p.deleted for p in pods(rec, role="holder") if p.deleted), None)
    shots = [s for s in view.during("release") if gone is not None and s.seq > gone.seq]
    if gone is None or not shots:
        return unknown(f"{view.name} was not read after the holder was gone", code="not-tried")
    told = [s for s in shots if device in s.devices]
    # Of a device that was told of while it was free, one answer may say nothing; not all of them.
    last = told[-1] if told and device in view.devices("baseline") else shots[-1]
    cites = (gone.seq, last.seq)
    if device not in last.devices:
        return _no_sample(view, device, cites)
    high = _still_high(view, load, device, last)
    if not high:
        return passed(f"{device} went back to what it was before its holder came", cites=cites)
    return _stuck(rec, view, high, last.t - gone.t, cites)


def _no_sample(view: View, device: str, cites: tuple[int, ...]) -> Finding:
    """PASS where nothing was told of the device before it was held either."""
    because = f"there is no sample of {device} any more, now that its holder is gone"
    if device in view.devices("baseline"):
        return unknown(f"{because}, although there was one before it came", code="metric-missing", cites=cites)
    return passed(because, cites=cites)


def _device(load: Load) -> str | None:
    """The device whose values moved; the holder's, if that is one of them."""
    moved = [d for what in BOTH for d in load.moved(what)]
    return next((d for d in load.held if d in moved), next(iter(moved), None))


def _still_high(view: View, load: Load, device: str, last: Shot) -> str:
    """What has not gone back, in words."""
    assert load.last is not None
    before = view.during("baseline")
    use, memory = last.value(device, "utilisation"), last.value(device, "memory")
    free = max((v for s in before if (v := s.value(device, "utilisation")) is not None), default=0.0)
    if use is not None and use >= max(STILL, free + STILL):
        return f"the utilisation of {device} is still {use:.0f} %"
    kept = max((v for s in before if (v := s.value(device, "memory")) is not None), default=0.0)
    if memory is not None and memory > kept + LEFT * load.last.bytes:
        mib = 2**20
        return f"the memory of {device} is still {memory / mib:.0f} MiB, and was {kept / mib:.0f} MiB before"
    return ""


def _stuck(rec: Recording, view: View, high: str, seconds: float, cites: tuple[int, ...]) -> Finding:
    if seconds < LONG * rec.deadline("release") + behind(rec, view):
        because = f"{high}, but it was watched for {seconds:.0f} s only"
        return unknown(because, code="interrupted", cites=cites)
    held = facts(rec, f"free/{rec.facts.get('node', '')}", step="release")
    taken = int(held[-1].body["held"]) if held else None
    if rec.facts.get("accelerator", {}).get("shared") or taken is None or taken > (foreign(rec) or 0):
        return unknown(f"{high}, but somebody else may use it now", code="capacity-changed", cites=cites)
    return failed(f"{high}, {seconds:.0f} s after its holder was gone", cites=cites)
