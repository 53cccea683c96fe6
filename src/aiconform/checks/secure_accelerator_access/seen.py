"""What the judges of this check look up in a recording, in one place. Pure."""

from typing import Any

from aiconform.judging import Pod, facts, pods, unable, unknown
from aiconform.judging.devices import Container, containers, let_through
from aiconform.model import Finding, Observation, Recording

# How a container looks that the runtime refused to start.
REFUSED_AT_START = frozenset({"CreateContainerError", "RunContainerError", "StartError", "ContainerCannotRun"})


def form(rec: Recording) -> str:
    return str(rec.facts.get("accelerator", {}).get("form", ""))


def place(rec: Recording) -> dict[str, Any]:
    """{node, kernel}: the node that was chosen of the planned ones; older recordings know one only."""
    chosen = facts(rec, "place", step="choose")
    return dict(chosen[-1].body) if chosen else rec.facts


def shared(rec: Recording) -> bool:
    """Whether a unit is a share of a device (time slices, MPS)."""
    return bool(rec.facts.get("accelerator", {}).get("shared"))


def free(rec: Recording) -> int:
    """Units that were free on the node before anything was asked for; 0 if they were not counted."""
    found = _counts(rec, "canary")
    return int(found[0].body["free"]) if found else 0


def parts(rec: Recording) -> bool:
    """Whether units are parts of devices, so that how many are free depends on which are given."""
    return any(o.body.get("partitions") for o in _counts(rec, "canary"))


def _counts(rec: Recording, step: str) -> tuple[Observation, ...]:
    return facts(rec, f"free/{place(rec).get('node', '')}", step=step)


def answer(rec: Recording, step: str, name: str = "") -> Container | None:
    """The device probe of one container; the last one, if there are several."""
    found = containers(rec, step=step, name=name)
    return found[-1] if found else None


def units(rec: Recording, c: Container) -> int:
    """How many devices its open nodes amount to, by the first of the vendor's patterns that any of them matches.

    The others are second nodes of the same devices (card0 beside renderD128) or of their parts, and may be fewer.
    """
    for pattern in (rec.facts.get("accelerator", {}).get("hints") or {}).get("device_paths") or ():
        found = {(n["major"], n["minor"]) for n in c.opened("device") if n["pattern"] == pattern}
        if found:
            return len(found)
    return c.units


def own_kernel(rec: Recording, c: Container) -> bool:
    """Whether a container runs on another kernel than its node's: device numbers then mean nothing."""
    kernel = place(rec).get("kernel")
    return bool(kernel) and bool(c.kernel) and c.kernel != kernel


def got(rec: Recording, c: Container) -> tuple[dict[str, Any], ...]:
    """Accelerator nodes that a container without a grant could open."""
    kinds = ("device", "shared") if own_kernel(rec, c) else ("device", "shared", "number", "vendor")
    return c.opened(*kinds)


def made_and_opened(rec: Recording, c: Container) -> tuple[tuple[tuple[int, int], str], ...]:
    """Hand-made nodes that the device rules let through, without those whose device they let it have by name anyway
    (even if the device itself is busy or sick): that it had them is another clause's business."""
    if not c.can_make or own_kernel(rec, c):
        return ()
    named = c.opened("device", "shared", "number", "vendor", "sibling")
    by_name = {(n["major"], n["minor"]) for n in named}
    return tuple((number, result) for number, result in c.made() if number not in by_name and let_through(result))


def unrecognised(rec: Recording) -> Finding | None:
    """UNKNOWN where the vendor's device nodes are not known."""
    a = rec.facts.get("accelerator", {})
    if a and (not a.get("recognised") or not a.get("hints")):
        because = f"no adapter knows the device nodes of {a.get('resource') or a.get('driver')}"
        return unknown(because, code="unrecognised-accelerator")
    return None


def holder_ready(rec: Recording) -> Finding | None:
    """UNKNOWN unless the first holder opened a device: the control of every negative clause."""
    blocked = unable(rec, "canary", "holder") or unrecognised(rec)
    if blocked:
        return blocked
    holder = answer(rec, "holder", "holder")
    if holder is None:
        return unknown("no pod with a unit answered, so that nothing can be compared", code="not-tried")
    if not holder.numbers():
        because = "the container that was granted a unit could open no device: that is the driver's business"
        return unknown(because, code="grant-not-usable", cites=(holder.seq,))
    return None


def holder_held(rec: Recording, until: int) -> Finding | None:
    """UNKNOWN unless the first holder ran and had its device when something else was seen (`until`, a seq)."""
    blocked = holder_ready(rec)
    if blocked:
        return blocked
    for p in pods(rec, step="holder", role="holder"):
        if p.running is not None and (p.ended is None or p.ended.seq > until):
            return None
    because = "the pod that held a unit was not running any more at that time"
    return unknown(because, code="capacity-changed", cites=(until,))


def allocated(rec: Recording, c: Container) -> frozenset[str]:
    """Ids of the units that the kubelet says it allocated to a container (KEP-4680; on from Kubernetes 1.36)."""
    resource, found = rec.facts["accelerator"]["resource"], set()
    for o in rec.observations:
        if o.kind != "watch" or o.subject != f"pods/{c.namespace}/{c.pod}":
            continue
        for status in o.body["object"].get("status", {}).get("containerStatuses") or []:
            if status["name"] == c.name:
                told = [r for r in status.get("allocatedResourcesStatus") or [] if r["name"] == resource]
                found |= {unit["resourceID"] for r in told for unit in r.get("resources") or []}
    return frozenset(found)


def refused_at_start(p: Pod) -> str:
    """Why the runtime did not start the pod's container; "" if it did, or if it is not known."""
    for c in p.last.get("status", {}).get("containerStatuses") or []:
        for state in (c.get("state") or {}).values():
            if state.get("reason") in REFUSED_AT_START:
                return f"{state['reason']}: {state.get('message', '')}".strip(": ")
    return ""


def foreign_use_grew(rec: Recording) -> Finding | None:
    """UNKNOWN if pods that are not ours took units while the check ran."""
    before, after, ours = _counts(rec, "canary"), _counts(rec, "reuse"), facts(rec, "reuse", step="reuse")
    if before and after and ours and after[-1].body["held"] - ours[-1].body["bound"] > before[0].body["held"]:
        because = "units of the node were taken by others while the check ran"
        return unknown(because, code="capacity-changed", cites=(before[0].seq, after[-1].seq))
    return None
