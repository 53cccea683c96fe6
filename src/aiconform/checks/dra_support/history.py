"""What judges read out of a recording of dra_support: claims, devices, what was asked for. Pure.

The facts that are read here are described where they are written: objects.py, scene.py, allocate.py.
"""

from dataclasses import dataclass, field
from typing import Any

from aiconform.judging import Moment, Pod, Window, facts, pods, unable, unknown
from aiconform.model import Finding, Observation, Recording

CLAIMS = "resourceclaims.resource.k8s.io"
Device = dict[str, Any]


@dataclass
class Claim:
    """What the watch showed of one claim (one uid).

    `allocated`: first seen with an allocation; `results`: every result that was ever seen, in order;
    `reserved`: uid -> when first seen in reservedFor; `gone`: its DELETED event.
    """

    name: str
    namespace: str
    uid: str
    owners: set[str] = field(default_factory=set)
    made: Moment | None = None
    allocated: Moment | None = None
    results: list[dict[str, Any]] = field(default_factory=list)
    reserved: dict[str, Moment] = field(default_factory=dict)
    gone: Moment | None = None

    def devices(self) -> list[tuple[str, str, str]]:
        """(driver, pool, device), without admin access, which takes nothing away."""
        return [(r["driver"], r["pool"], r["device"]) for r in self.results if not r.get("adminAccess")]


def claims(rec: Recording) -> list[Claim]:
    """All claims of our namespace, in order of first arrival."""
    seen: dict[str, Claim] = {}
    for o in rec.observations:
        if o.kind != "watch" or not o.subject.startswith(f"{CLAIMS}/"):
            continue
        meta, now = o.body["object"]["metadata"], Moment(o.seq, o.t)
        claim = seen.setdefault(meta["uid"], Claim(meta["name"], meta.get("namespace", ""), meta["uid"]))
        claim.made = claim.made or now
        claim.owners |= {r.get("uid", "") for r in meta.get("ownerReferences") or []}
        if o.body["type"] == "DELETED":
            claim.gone = claim.gone or now
        _take(claim, o.body["object"].get("status") or {}, now)
    return list(seen.values())


def _take(claim: Claim, status: dict[str, Any], now: Moment) -> None:
    results = ((status.get("allocation") or {}).get("devices") or {}).get("results") or []
    if results:
        claim.allocated = claim.allocated or now
    claim.results += [r for r in results if r not in claim.results]
    for r in status.get("reservedFor") or []:
        claim.reserved.setdefault(r.get("uid", ""), now)


def pod(rec: Recording, role: str) -> Pod | None:
    """The pod of a role; each has one."""
    found = pods(rec, role=role)
    return found[0] if found else None


def plain(rec: Recording) -> Pod | None:
    """The canary."""
    return next((p for p in pods(rec, step="canary", role="plain")), None)


def unready(rec: Recording, one: Pod, win: Window) -> tuple[int, ...]:
    """Observations in which a pod was not ready, inside a window: so the control plane writes when a node is lost."""
    seen = []
    for o in rec.observations:
        if o.kind != "watch" or o.subject != f"pods/{one.namespace}/{one.name}" or not win.holds(o.seq):
            continue
        conditions = (o.body["object"].get("status") or {}).get("conditions") or []
        if any(c.get("type") == "Ready" and c.get("status") != "True" for c in conditions):
            seen.append(o.seq)
    return tuple(seen[:1])


def claim_of(rec: Recording, owner: Pod) -> Claim | None:
    """The claim of a pod: the one that bears the pod's name, or that was made for it."""
    return next((c for c in claims(rec) if owner.uid in c.owners or c.name == owner.name), None)


def fact(rec: Recording, name: str) -> Observation | None:
    found = facts(rec, name)
    return found[-1] if found else None


def asked(rec: Recording, role: str) -> dict[str, Any]:
    """What the request of a role was; {} if it was never made."""
    return next((dict(o.body) for o in facts(rec, "asked") if o.body["role"] == role), {})


def devices(rec: Recording, when: str = "") -> list[Device]:
    """The devices of the node at one of the counts, or at any of them (the last state of each)."""
    found: dict[tuple[str, str], Device] = {}
    for o in facts(rec, "devices"):
        if not when or o.body["when"] == when:
            found |= {(d["pool"], d["name"]): d for d in o.body["devices"]}
    return list(found.values())


def device(rec: Recording, result: tuple[str, str, str]) -> Device | None:
    """The advertised device that a result names."""
    driver = (rec.facts.get("accelerator") or {}).get("driver")
    return next((d for d in devices(rec) if (driver, d["pool"], d["name"]) == result), None)


def has(found: Device, wanted: dict[str, Any]) -> str:
    """What the device lacks of {attributes, capacity}, in words; "" if it has all."""
    for name, value in (wanted.get("attributes") or {}).items():
        if found["attributes"].get(name) != value:
            return f"its {name} is {_plain(found['attributes'].get(name))}, not {_plain(value)}"
    for name, values in (wanted.get("capacity") or {}).items():
        if found["capacity"].get(name) not in values:
            return f"its {name} is {found['capacity'].get(name)}"
    return ""


def _plain(value: dict[str, Any] | None) -> str:
    """An attribute's value without its kind."""
    return str(next(iter(value.values()), "")) if value else "missing"


def watched(rec: Recording, win: Window) -> Finding | None:
    """UNKNOWN if pods or claims were not seen over this whole window."""
    if rec.damage:
        return unknown("lines of the recording are missing or unreadable", code="recording-damaged")
    if not win.whole:
        return unknown("the suite did not wait until the end of the window", code="interrupted", cites=win.cites())
    place = fact(rec, "place")
    namespace = place.body["namespace"] if place else ""
    for kind in ("pods", CLAIMS):
        if not win.watched(f"{kind}/{namespace}"):
            because = f"{kind} were not watched from beginning to end without a gap"
            return unknown(because, code="api-lost", cites=win.cites())
    return None


def long_enough(rec: Recording, win: Window, deadline: str) -> Finding | None:
    """UNKNOWN if the window was shorter than it had to be, or not watched."""
    blind = watched(rec, win)
    if blind is None and win.seconds < 0.99 * rec.deadline(deadline):
        because = f"the window was only {win.seconds:.0f} s long, not {rec.deadline(deadline):g} s"
        return unknown(because, code="interrupted", cites=win.cites())
    return blind


def api_only(rec: Recording) -> bool:
    """Whether the plan found no devices to allocate."""
    return not rec.facts.get("accelerator")


def untried(rec: Recording, *steps: str) -> Finding | None:
    """UNKNOWN with the reason why allocation, or one of these steps, was not tried."""
    return unable(rec, "claim", *steps)


def facts_not_published(rec: Recording) -> list[str]:
    """ "attributes" or "capacity", where the driver publishes none that all of its devices have."""
    return [str(o.body["what"]) for o in facts(rec, "not-published")]
