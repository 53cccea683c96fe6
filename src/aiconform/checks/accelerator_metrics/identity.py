"""Whether the values that moved are those of the device that was used. Pure."""

from aiconform.checks.accelerator_metrics.coverage import no_view
from aiconform.checks.accelerator_metrics.loaded import load_ready, others_idle, weak
from aiconform.checks.accelerator_metrics.moves import STILL, Load, load_of
from aiconform.checks.accelerator_metrics.series import BOTH, Rise, View, What
from aiconform.judging import failed, passed, unknown
from aiconform.model import Finding, Recording


def names_the_right_device(rec: Recording, view: View | None) -> Finding:
    """The device that the holder was granted moved, and no other one that nobody used."""
    blocked = load_ready(rec, view)
    if view is None or blocked:
        return blocked or no_view(rec)
    load = load_of(rec, view)
    moved = {what: load.moved(what) for what in BOTH}
    if not any(moved.values()):
        return unknown("no value moved, so it cannot be told whose values are shown", code="not-tried")
    if not shared(rec):
        wrong = _wrong(rec, load, moved) or _others(rec, load)
        if wrong:
            return wrong
    if not load.held:
        told = ", ".join(dict.fromkeys(i for r in load.said for i in r.identities)) or "nothing"
        because = f"no device in {view.name} carries what its holder knows of it ({told}), nor its holder's name"
        return unknown(because, code="probe-missing")
    device = next((d for d in load.held if any(d in m for m in moved.values())), "")
    if not device:
        because = f"{', '.join(load.held)} did not move; others share the device"
        return unknown(because, code="capacity-changed")
    cites = sorted({c for m in moved.values() if device in m for c in m[device].cites})
    return passed(f"{device}, which the holder was granted, moved{_alone(rec)}", cites=cites)


def shared(rec: Recording) -> bool:
    return bool(rec.facts.get("accelerator", {}).get("shared"))


def _same(one: str, other: str) -> bool:
    """Whether both are one device, or one is a part of the other (an instance and its parent)."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _alone(rec: Recording) -> str:
    return " alone" if others_idle(rec) else ""


def _wrong(rec: Recording, load: Load, moved: dict[What, dict[str, Rise]]) -> Finding | None:
    """FAIL if something moved as the load demands, but not the holder's device, which is known and told of.

    Where others compute, too, what moved may be theirs, and ours may only be late: unless it has our memory as well.
    """
    for what in BOTH:
        held = [d for d in load.held if load.rise(d, what) is not None]
        if moved[what] and held and not any(d in moved[what] for d in held):
            other, r = next(iter(moved[what].items()))
            ours = others_idle(rec) or other in moved["memory"]
            because = f"while {held[0]} was used, the {what} of {other or 'the node'} moved"
            wrong = failed(f"{because}, and that of {held[0]} did not", cites=r.cites)
            return wrong if ours else weak(rec, load, what) or wrong
    return None


def _others(rec: Recording, load: Load) -> Finding | None:
    """FAIL if devices that nobody used moved, too."""
    if not others_idle(rec) or load.last is None:
        return None
    for what in BOTH:
        most = STILL if what == "utilisation" else 0.5 * load.last.bytes
        for device, r in load.rises(what).items():
            used = any(_same(device, d) for d in load.held) or (not load.held and device in load.moved(what))
            if not used and r.height >= most:
                who = load.held[0] if load.held else "one device"
                because = f"only {who} was used, but the {what} of {device} rose with it, from {r.low:g} to {r.high:g}"
                return failed(because, cites=r.cites)
    moved = [d for d in load.moved("utilisation") if d]
    if not load.held and len(moved) > 1:
        cites = load.moved("utilisation")[moved[0]].cites
        return failed(f"one device was used, and {len(moved)} moved: {', '.join(moved[:4])}", cites=cites)
    return None
