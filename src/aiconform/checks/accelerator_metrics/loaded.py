"""Whether the values follow a load. Pure."""

from aiconform.checks.accelerator_metrics.coverage import no_view
from aiconform.checks.accelerator_metrics.moves import BUSY, RISE, Load, foreign, load_of
from aiconform.checks.accelerator_metrics.series import Rise, View, What
from aiconform.judging import failed, passed, unable, unknown
from aiconform.model import Finding, Recording

# An idle device that shows more than this is used by somebody, or the exporter says what is not so.
IDLE = 30.0
# The part of the deadline for which the load must have lasted before its absence from the metrics counts.
LONG = 0.75


def shows_utilisation(rec: Recording, view: View | None) -> Finding:
    """Utilisation rises by RISE points while the device computes."""
    blocked = load_ready(rec, view)
    if view is None or blocked:
        return blocked or no_view(rec)
    load = load_of(rec, view)
    return _seen(load, "utilisation") or _unseen(rec, load, "utilisation")


def shows_memory(rec: Recording, view: View | None) -> Finding:
    """Memory rises by what was allocated."""
    blocked = load_ready(rec, view)
    if view is None or blocked:
        return blocked or no_view(rec)
    load = load_of(rec, view)
    return _seen(load, "memory") or _unseen(rec, load, "memory")


def load_ready(rec: Recording, view: View | None) -> Finding | None:
    """UNKNOWN unless a holder computed on a device while the source was read: the control of all that follows."""
    if view is None:
        return no_view(rec)
    blocked = unable(rec, "find", "canary", "hold", "idle", "load")
    if blocked:
        return blocked
    load = load_of(rec, view)
    broken = next((r for r in load.said if r.error), None)
    if broken:
        return unknown(f"the load could not be made: {broken.error}", code="probe-failed", cites=(broken.seq,))
    if load.last is None:
        return unknown("nothing computed on a device, so nothing could be seen", code="not-tried")
    return None


def _seen(load: Load, what: What) -> Finding | None:
    """PASS if the holder's device moved, or where that one is not known or did not move, any."""
    moved = load.moved(what)
    device = next((d for d in load.held if d in moved), next(iter(moved), None))
    if device is None:
        return None
    r = moved[device]
    who = f"the {what} of {device or 'the node'}"
    return passed(f"{who} rose from {_value(r.low, what)} to {_value(r.high, what)} under load", cites=r.cites)


def _unseen(rec: Recording, load: Load, what: What) -> Finding:
    assert load.last is not None
    rises = load.rises(what)
    if not _told(rec, load, rises):
        because = f"{load.view.name} did not tell the {what} of the device that was used, before and during the load"
        return unknown(because, code="metric-missing")
    cites = sorted({c for r in rises.values() for c in r.cites})
    too_weak = weak(rec, load, what)
    if too_weak:
        return too_weak
    device, r = _shown(load, rises)
    if rec.facts.get("accelerator", {}).get("shared"):
        because = f"the {what} of {device} did not follow the load, but others may use the same device"
        return unknown(because, code="capacity-changed", cites=cites)
    if what == "utilisation" and r.low >= IDLE and not r.constant:
        because = f"{device or 'the node'} showed {r.low:.0f} % before the load: it was never seen idle"
        return unknown(because, code="capacity-changed", cites=cites)
    return failed(_words(load, what, device, r), cites=(*cites, load.last.seq))


def _told(rec: Recording, load: Load, rises: dict[str, Rise]) -> bool:
    """Whether the device that was used is among those that were told of: it is, or all of the node's are."""
    if load.held:
        return any(d in rises for d in load.held)
    return bool(rises) and ("" in rises or len(rises) >= int(rec.facts.get("units", 1)))


def weak(rec: Recording, load: Load, what: What) -> Finding | None:
    """UNKNOWN where the load was too short or too weak to be seen."""
    assert load.last is not None
    wanted = LONG * rec.deadline("react") + behind(rec, load.view)
    if load.seconds < wanted:
        because = f"the load was watched for {load.seconds:.0f} s only, {wanted:.0f} s are needed"
        return unknown(because, code="interrupted", cites=(load.last.seq,))
    if what == "utilisation" and load.last.busy < BUSY:
        because = f"the load computed for {100 * load.last.busy:.0f} % of its time only, because the node was busy"
        return unknown(because, code="load-too-weak", cites=(load.last.seq,))
    return None


def _shown(load: Load, rises: dict[str, Rise]) -> tuple[str, Rise]:
    """The holder's device if it is known, else the one that rose most."""
    for d in load.held:
        if d in rises:
            return d, rises[d]
    return max(rises.items(), key=lambda item: item[1].height)


def _words(load: Load, what: What, device: str, r: Rise) -> str:
    assert load.last is not None
    known = device in load.held
    which = (
        f"the {what} of {device or 'the node'}" if known else f"no device's {what} rose; that of {device or 'the node'}"
    )
    if r.constant:
        went = f"was {_value(r.low, what)} in every one of {len(r.values)} scrapes"
    else:
        went = f"went from {_value(r.low, what)} to {_value(r.high, what)}"
    if what == "utilisation":
        made = f"while its holder computed for {100 * load.last.busy:.0f} % of {load.seconds:.0f} s"
        return f"{which} {went}, {made} (a rise of {RISE:.0f} points was looked for)"
    return f"{which} {went}, while its holder had allocated {_value(load.last.bytes, what)}"


def _value(value: float, what: What) -> str:
    return f"{value:.0f} %" if what == "utilisation" else f"{value / 2**20:.0f} MiB"


def behind(rec: Recording, view: View) -> float:
    """Seconds by which a source may lag behind, beyond what an exporter may."""
    return rec.deadline("lookback") if view.source["kind"] == "store" else 0.0


def others_idle(rec: Recording) -> bool:
    """Whether nobody else held a device of the node."""
    return foreign(rec) == 0
