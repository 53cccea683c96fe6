"""Hand-made histories for the tests of the judge: one sound story, in parts that a test can replace."""

import copy
from collections.abc import Callable
from typing import Any

from aiconform.checks.dra_support.check import CHECK, TYPES, VERBS
from aiconform.checks.dra_support.judge import judge
from aiconform.model import FORMAT, Ending, Finding, Observation, Options, Outcome, Recording, Suite, Verdict

PASS, FAIL, UNKNOWN, NA = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE
NS, DRIVER = "ns", "accel.example.com"
CLAIMS = "resourceclaims.resource.k8s.io"
SUITE = Suite(version="test")
ACCELERATOR = {
    "id": "some-dra", "driver": DRIVER, "device_class": "some", "recognised": True,
    "hints": {"device_paths": ["/dev/some[0-9]*"], "identity_env": "SOME"},
}  # fmt: skip
OK = {"ok": True, "status": 201, "code": "", "message": ""}
NO = {"ok": False, "status": 422, "code": "refused", "message": "invalid"}


def device(n: int, **changes: Any) -> dict[str, Any]:
    attributes = {"model": {"string": "m"}, "uuid": {"string": f"UUID-000{n}"}}
    plain = {"shared": False, "counters": False, "tainted": False, "held": False}
    return {"pool": "p", "name": f"d{n}", "attributes": attributes, "capacity": {"memory": "1Gi"}, **plain, **changes}


class History:
    """Writes a recording line by line, as `observe` would, with a clock of its own."""

    def __init__(self) -> None:
        self.lines: list[Observation] = []
        self.t = 0.0
        self.live: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, Any] = {"mechanism": "v1", "required": "v1", "accelerator": ACCELERATOR}

    def add(self, kind: str, subject: str, body: Any = None, step: str = "", seconds: float = 0.01) -> None:
        self.t += seconds
        self.lines.append(
            Observation(seq=len(self.lines) + 1, t=self.t, at="", step=step, kind=kind, subject=subject, body=body)
        )

    def fact(self, name: str, body: Any, step: str = "") -> None:
        self.add("fact", name, body, step)

    def open(self, step: str) -> None:
        self.add("window.open", step, {"why": ""}, step)

    def close(self, step: str, seconds: float) -> None:
        self.add("window.close", step, {}, step, seconds=seconds)

    def _event(self, what: str, subject: str, obj: dict[str, Any]) -> None:
        self.add("watch", subject, {"type": what, "object": copy.deepcopy(obj)})

    def pod(self, name: str, step: str, role: str, status: dict[str, Any] | None = None) -> None:
        labels = {"aiconform.dev/step": step, "aiconform.dev/role": role}
        obj = {
            "metadata": {"name": name, "namespace": NS, "uid": f"uid-{name}", "labels": labels},
            "spec": {}, "status": {"phase": "Pending", **(status or {})},
        }  # fmt: skip
        self.live[name] = obj
        self._event("ADDED", f"pods/{NS}/{name}", obj)

    def bind(self, name: str) -> None:
        self.live[name]["spec"]["nodeName"] = "node"
        self._event("MODIFIED", f"pods/{NS}/{name}", self.live[name])

    def start(self, name: str) -> None:
        self.bind(name)
        status = {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}
        self.live[name]["status"] |= status
        self._event("MODIFIED", f"pods/{NS}/{name}", self.live[name])

    def delete(self, name: str) -> None:
        self._event("DELETED", f"pods/{NS}/{name}", self.live[name])

    def claim(self, name: str, owner: str = "") -> None:
        meta: dict[str, Any] = {"name": name, "namespace": NS, "uid": f"claim-{name}"}
        if owner:
            meta["ownerReferences"] = [{"uid": f"uid-{owner}"}]
        self.live[f"claim {name}"] = {"metadata": meta, "status": {}}
        self._event("ADDED", f"{CLAIMS}/{NS}/{name}", self.live[f"claim {name}"])

    def allocate(self, name: str, device: str, pod: str = "") -> None:
        obj = self.live[f"claim {name}"]
        obj["status"]["allocation"] = {"devices": {"results": [{"driver": DRIVER, "pool": "p", "device": device}]}}
        if pod:
            obj["status"]["reservedFor"] = [{"uid": f"uid-{pod}"}]
        self._event("MODIFIED", f"{CLAIMS}/{NS}/{name}", obj)

    def looks(self, pod: str, *paths: str, identities: list[str] | None = None) -> None:
        nodes = [{"path": p} for p in ("/dev/null", *paths)]
        body = {"devices": nodes, "env": [], "mounts": [], "identities": identities}
        self.add("probe", f"pods/{NS}/{pod}/probe", body)

    def devices(self, when: str, *found: dict[str, Any]) -> None:
        self.fact("devices", {"when": when, "node": "node", "driver": DRIVER, "devices": list(found)})

    def asked(self, role: str, **what: Any) -> None:
        self.fact("asked", {"role": role, **what})

    def verdict(self, how: Any = "complete", damage: tuple[str, ...] = ()) -> Verdict:
        recording = Recording(
            format=FORMAT, run="r", check=CHECK.requirement, via="some", suite=SUITE,
            settings=Options().settings_for(CHECK), facts=self.facts, observations=tuple(self.lines),
            ending=Ending(how=how, at="", t=self.t) if how else None, sha256="0", damage=damage,
        )  # fmt: skip
        return judge(recording, SUITE)


# -- one sound history, in parts that a test can replace -----------------------------------------------------

Part = Callable[[History], None]


def nothing(h: History) -> None:
    del h


def opening(h: History) -> None:
    h.fact("served", {"versions": {plural: {"v1": list(VERBS)} for plural in TYPES}})
    for subject in (f"pods/{NS}", f"{CLAIMS}/{NS}"):
        h.add("watch.start", subject, {})
    h.devices("before", device(0), device(1))
    h.fact("place", {"namespace": NS, "node": "node", "api": "resource.k8s.io/v1"})
    h.pod("canary", "canary", "plain")
    h.start("canary")
    h.looks("canary")


def objects(h: History) -> None:
    for plural in TYPES:
        spec: dict[str, Any] = {"some": "field"}
        if plural in ("resourceclaims", "resourceclaimtemplates"):
            spec = {"devices": {"requests": [{"exactly": {"allocationMode": "ExactCount", "count": 1}}]}}
        body = {"sent": spec, "created": OK, "stored": spec, "got": spec, "listed": True, "watched": True}
        h.fact(f"object/{plural}", {**body, "changed": {**OK, "kept": True}, "gone": True})


def refusals(h: History) -> None:
    for case in ("sound claim", "sound template"):
        h.fact("answer", {"case": case, "admin": False, **OK})
    for case in ("broken selector", "broken selector in a template", "admin access", "admin access in a template"):
        h.fact("answer", {"case": case, "admin": False, **NO})


def requests(h: History) -> None:
    """Made before the window opens."""
    h.pod("no-match", "waiting", "no-match", {"resourceClaimStatuses": [{"resourceClaimName": "made"}]})
    h.claim("made", owner="no-match")
    for role in ("no-attribute", "no-capacity", "too-many"):
        h.asked(role, cel="x", words="3 devices, where the node has 2")
        h.claim(role)
        h.pod(role, "waiting", role)


def control(h: History) -> None:
    h.pod("control", "waiting", "control")
    h.bind("control")


def holder(h: History) -> None:
    h.asked("holder", attributes={"model": {"string": "m"}}, capacity={"memory": ["1Gi"]})
    h.open("claim")
    h.pod("holder", "claim", "holder")
    h.claim("holder-x", owner="holder")
    h.allocate("holder-x", "d0", "holder")
    h.start("holder")
    h.close("claim", 1)
    h.looks("holder", "/dev/some0", identities=["UUID-0000"])
    h.devices("held", device(0, held=True), device(1))


def second(h: History) -> None:
    h.asked("second", attributes={"uuid": {"string": "UUID-0000"}})
    h.claim("second")
    h.pod("second", "held", "second")
    h.open("held")


def release(h: History) -> None:
    h.fact("released", {"pods": ["holder", "canary"]})
    h.open("release")
    h.delete("canary")
    h.delete("holder")


def again(h: History) -> None:
    h.allocate("second", "d0", "second")
    h.start("second")


def afterwards(h: History) -> None:
    h.devices("after release", device(0, held=True), device(1))
    h.looks("second", "/dev/some0", identities=["UUID-0000"])


def story(how: Any = "complete", **parts: Part) -> Verdict:
    """The sound history; a part named here replaces the one of that name."""
    p = {
        "opening": opening, "requests": requests, "control": control, "objects": objects, "refusals": refusals,
        "waiting": nothing, "holder": holder, "second": second, "held": nothing, "release": release, "again": again,
        "afterwards": afterwards, "end": nothing,
    } | parts  # fmt: skip
    h = History()
    for name in ("opening", "requests", "control"):
        p[name](h)
    h.open("waiting")
    for name in ("objects", "refusals", "waiting"):
        p[name](h)
    h.close("waiting", 61)
    h.devices("after waiting", device(0), device(1))
    p["holder"](h)
    p["second"](h)
    p["held"](h)
    if p["second"] is not nothing:
        h.close("held", 61)
    for name in ("release", "again"):
        p[name](h)
    if p["release"] is not nothing:
        h.close("release", 301)
    p["afterwards"](h)
    p["end"](h)
    return h.verdict(how)


def finding(v: Verdict, clause: str) -> Finding:
    return next(f for f in v.findings if f.clause == clause)
