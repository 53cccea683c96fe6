"""Whether a source can be read, and whether it tells of every device. Pure."""

import re
from typing import Any

from aiconform.checks.accelerator_metrics.candidates import candidates
from aiconform.checks.accelerator_metrics.series import BOTH, Shot, View, answers, exposition, of_node, sources
from aiconform.judging import facts, failed, passed, unable, unknown
from aiconform.judging.metrics import Malformed
from aiconform.model import Finding, Recording

# One answer may be cut off on its way; what is broken by itself is broken again.
BROKEN = 3


def no_view(rec: Recording) -> Finding:
    """UNKNOWN, with the reason why there is nothing to judge."""
    found = candidates(rec)
    if found:
        because = "no family of metrics that is known here is served, but these moved as a load does: "
        because += ", ".join(found[:6])
        return unknown(because, code="unrecognised-accelerator")
    strange = [s["name"] for s in sources(rec)]
    if strange:
        because = f"no family of metrics that is known here is served; {', '.join(strange[:3])} may be about "
        return unknown(because + "accelerators under other names", code="unrecognised-accelerator")
    return unable(rec, "find") or unknown("no source of metrics was looked for", code="not-tried")


def serves_readable_metrics(rec: Recording, view: View | None) -> Finding:
    """Every scrape of a source can be parsed."""
    if view is None:
        return no_view(rec)
    read = [s for s in view.shots if not s.error and s.declared]
    broken = [s for s in view.shots if s.error and s.declared]
    if len(broken) >= BROKEN or (broken and not read and len(broken) == len(view.shots) > 1):
        because = f"{len(broken)} of {len(view.shots)} answers of {view.name} are not in the format that metrics "
        return failed(f"{because}have: {broken[0].error}", cites=(s.seq for s in broken))
    if not read:
        return _silent(view)
    because = f"{view.name} answered {len(read)} times in a format that can be read"
    return passed(because, cites=(read[0].seq, read[-1].seq))


def _silent(view: View) -> Finding:
    why = next((s.error for s in view.shots if s.error), "it said nothing of accelerators any more")
    because = f"{view.name} could not be read: {why}"
    return unknown(because, code="no-reachable-address", cites=(s.seq for s in view.shots))


def covers_every_device(rec: Recording, view: View | None) -> Finding:
    """Before anything was asked for: as many devices as the node has, each with both values."""
    if view is None:
        return no_view(rec)
    shots = [s for s in view.during("baseline") if s.declared]
    if not shots:
        return unknown(f"{view.name} could not be read before the load", code="no-reachable-address")
    best = max(shots, key=lambda s: (_complete(s), len(s.devices)))
    cites = tuple(s.seq for s in shots)
    wanted = _units(rec)
    if _complete(best) >= wanted:
        because = f"{view.name} tells utilisation and memory of {_complete(best)} devices"
        more = "" if _complete(best) == wanted else f" (the node has {wanted} of this accelerator)"
        return passed(because + more, cites=cites)
    if view.family.only_under_load:
        because = f"{view.name} tells of {_complete(best)} of {wanted} devices; such exporters tell only of devices "
        return unknown(because + "in use", code="probe-missing", cites=cites)
    if not best.devices:
        return failed(f"{view.name} names the metrics but has no sample of any device", cites=cites)
    if _never_at_once(rec):
        because = f"{view.name} tells of {_complete(best)} devices, and the node advertises {wanted}, not all of which "
        because += "can be there at one time: they are parts that share what they are made of"
        return unknown(because, code="probe-missing", cites=cites)
    return failed(_short(view, best, wanted), cites=cites)


def _units(rec: Recording) -> int:
    """How many devices must be told of: the node's units, or at least one where units are shares."""
    return 1 if rec.facts.get("accelerator", {}).get("shared") else int(rec.facts.get("units", 1))


def _never_at_once(rec: Recording) -> bool:
    """Whether the node advertises parts of devices of which some were not to be had when nobody held ours yet."""
    counted = facts(rec, f"free/{rec.facts.get('node', '')}", step="canary")
    return any(o.body.get("partitions") and int(o.body["held"]) > 0 for o in counted)


def _complete(shot: Shot) -> int:
    return sum(_whole(shot, d) for d in shot.devices if d)


def _whole(shot: Shot, device: str) -> bool:
    return all(shot.value(device, what) is not None for what in BOTH)


def _lacking(view: View, shot: Shot) -> str:
    """A device of which one of the two values is missing, in words."""
    for device in shot.devices:
        for what in BOTH:
            if device and shot.value(device, what) is None:
                return f"device {device} of {view.name} has no sample of its {what}"
    return ""


def _short(view: View, shot: Shot, wanted: int) -> str:
    lacking = _lacking(view, shot)
    if lacking:
        return lacking
    if "" in shot.devices and len(shot.devices) == 1:
        return f"{view.name} has one value for the whole node, which has {wanted} devices, and names no device"
    named = [d for d in shot.devices if d]
    return f"{view.name} tells of {len(named)} devices ({', '.join(named[:4])}), but the node has {wanted}"


def beside(rec: Recording, view: View) -> dict[str, Any]:
    """What else a source tells: informative, the requirement only recommends it."""
    names: set[str] = set()
    for o in answers(rec, view.source):
        if o.body["status"] == 200:
            try:
                kind = str((o.body.get("headers") or {}).get("content-type", ""))
                seen = exposition(o.body["body"], kind, view.source["kind"] == "store")
            except Malformed:
                continue
            names |= {s.name for s in of_node(seen.samples, view.source.get("where") or {})}
            break
    told = {k: "told" if _any(p, names) else "not told" for k, p in view.family.also.items()}
    return {**told, "OpenTelemetry names": "yes" if any(n.startswith(("hw_", "hw.")) for n in names) else "no"}


def _any(pattern: str, names: set[str]) -> bool:
    return any(re.fullmatch(pattern, n) for n in names)
