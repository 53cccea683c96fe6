"""Hand-made histories at the edges. Real ones lie in recordings/."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.checks.dra_support.check import CHECK, TYPES, VERBS
from aiconform.checks.dra_support.judge import judge
from aiconform.checks.dra_support.judge_api import missing
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


def test_the_sound_history_passes() -> None:
    v = story()
    assert {f.outcome for f in v.findings} == {PASS}, [f for f in v.findings if f.outcome is not PASS]
    assert v.outcome is PASS
    assert all(f.cites for f in v.findings)


def test_nothing_seen_is_unknown() -> None:
    assert {f.outcome for f in History().verdict().findings} == {UNKNOWN}


def test_an_interrupted_run_never_passes() -> None:
    assert story(how=None).outcome is UNKNOWN
    assert story(how="failed").outcome is UNKNOWN


def test_without_devices_the_api_alone_passes_with_a_limit() -> None:
    h = History()
    h.facts |= {"accelerator": None, "incomplete": []}
    h.fact("published", {"drivers": {"nic.example.com": 2}})
    for part in (opening, requests, control):
        part(h)
    h.open("waiting")
    objects(h)
    refusals(h)
    h.close("waiting", 61)
    v = h.verdict()
    assert v.outcome is PASS
    assert finding(v, "allocates_by_attribute").outcome is NA
    assert "api-level only" in v.limits[0] and "nic.example.com" in v.limits[0]


@pytest.mark.parametrize("code", ["pool-incomplete", "too-few-accelerators"])
def test_devices_that_could_not_be_tried_are_unknown(code: str) -> None:
    def why(h: History) -> None:
        opening(h)
        h.add("unable", "claim", {"code": code, "because": "so"}, "claim")

    v = story(opening=why, holder=nothing, second=nothing, release=nothing, again=nothing, afterwards=nothing)
    assert v.outcome is UNKNOWN
    assert finding(v, "gives_a_released_device_again").code == code


def test_a_beta_version_is_enough_for_the_first_checklist_only() -> None:
    def beta(required: str) -> Part:
        def part(h: History) -> None:
            opening(h)
            h.facts["required"] = required
            h.fact("served", {"versions": {plural: {"v1beta1": list(VERBS)} for plural in TYPES}})

        return part

    assert finding(story(opening=beta("any")), "serves_the_api").outcome is PASS
    assert finding(story(opening=beta("v1")), "serves_the_api").outcome is FAIL


def test_a_missing_verb_fails() -> None:
    def short(h: History) -> None:
        opening(h)
        h.fact("served", {"versions": {plural: {"v1": sorted(set(VERBS) - {"watch"})} for plural in TYPES}})

    assert finding(story(opening=short), "serves_the_api").outcome is FAIL


@pytest.mark.parametrize(
    ("plural", "change", "outcome"),
    [
        ("resourceslices", {"stored": {}}, FAIL),
        ("resourceclaims", {"got": None}, FAIL),
        ("deviceclasses", {"listed": False}, FAIL),
        ("deviceclasses", {"changed": {**OK, "kept": False}}, FAIL),
        ("resourceslices", {"watched": False}, FAIL),
        ("resourceslices", {"gone": False}, UNKNOWN),
        ("deviceclasses", {"created": NO}, FAIL),
        ("deviceclasses", {"created": {**NO, "code": "rbac-denied"}}, UNKNOWN),
        ("deviceclasses", {"created": {**NO, "code": "admission-denied"}}, UNKNOWN),
        ("deviceclasses", {"created": {**NO, "status": 500}}, UNKNOWN),
        ("deviceclasses", {"changed": {**NO, "status": 429, "kept": False}}, UNKNOWN),
        ("deviceclasses", {"changed": {**NO, "kept": False}}, FAIL),
        ("deviceclasses", {"stored": {"some": "field", "more": 1}}, PASS),
    ],
)
def test_an_object_must_live_a_whole_life(plural: str, change: dict[str, Any], outcome: Outcome) -> None:
    def part(h: History) -> None:
        objects(h)
        body = next(o.body for o in h.lines if o.subject == f"object/{plural}")
        h.fact(f"object/{plural}", body | change)

    assert finding(story(objects=part), "keeps_what_it_is_given").outcome is outcome


def answered(case: str, **answer: Any) -> Part:
    def part(h: History) -> None:
        refusals(h)
        h.fact("answer", {"case": case, "admin": False, **OK, **answer})

    return part


def test_what_must_be_refused() -> None:
    clause = "refuses_broken_selectors"
    assert finding(story(refusals=answered("broken selector")), clause).outcome is FAIL
    assert finding(story(refusals=answered("sound claim", **NO)), clause).code == "control-did-not-run"
    busy = {**NO, "status": 500}
    assert finding(story(refusals=answered("broken selector", **busy)), clause).code == "api-lost"
    assert finding(story(refusals=answered("sound claim", **busy)), clause).code == "api-lost"
    denied = {**NO, "status": 403, "code": "rbac-denied"}
    assert finding(story(refusals=answered("broken selector", **denied)), clause).code == "rbac-denied"
    clause = "refuses_admin_access"
    assert finding(story(refusals=answered("admin access in a template", admin=True)), clause).outcome is FAIL
    dropped = story(refusals=answered("admin access"))
    assert finding(dropped, clause).outcome is PASS, "a server that drops the field grants nothing"


def test_no_claim_from_a_template() -> None:
    def unmade(h: History) -> None:
        requests(h)
        h.lines = [o for o in h.lines if o.subject != f"{CLAIMS}/{NS}/made"]
        h.live["no-match"]["status"].pop("resourceClaimStatuses")
        h._event("MODIFIED", f"pods/{NS}/no-match", h.live["no-match"])

    v = story(requests=unmade)
    assert finding(v, "makes_claims_from_templates").outcome is UNKNOWN, "nobody waited long enough"
    assert finding(v, "keeps_pods_waiting_for_their_claim").code == "no-claim"

    def waited(h: History) -> None:
        h.open("claim_made")
        h.close("claim_made", 61)

    assert finding(story(requests=unmade, end=waited), "makes_claims_from_templates").outcome is FAIL


LATER = ("holder", "second", "release", "again", "afterwards")


def bound(name: str) -> Part:
    return lambda h: h.bind(name)


def gap(subject: str) -> Part:
    return lambda h: h.add("watch.gap", subject, {"why": "410"})


@pytest.mark.parametrize(
    ("parts", "clause", "outcome"),
    [
        ({"waiting": bound("no-match")}, "keeps_pods_waiting_for_their_claim", FAIL),
        ({"waiting": gap(f"pods/{NS}")}, "keeps_pods_waiting_for_their_claim", UNKNOWN),
        ({"control": nothing}, "keeps_pods_waiting_for_their_claim", UNKNOWN),
        ({"waiting": bound("too-many")}, "leaves_requests_for_too_many_waiting", FAIL),
        ({"waiting": lambda h: h.allocate("too-many", "d0")}, "leaves_requests_for_too_many_waiting", FAIL),
        ({"waiting": lambda h: h.allocate("no-attribute", "d0")}, "leaves_impossible_requests_waiting", FAIL),
        ({"waiting": lambda h: h.allocate("no-capacity", "d0")}, "leaves_impossible_requests_waiting", FAIL),
        ({"waiting": gap(f"{CLAIMS}/{NS}")}, "leaves_impossible_requests_waiting", UNKNOWN),
        (dict.fromkeys(LATER, nothing), "leaves_impossible_requests_waiting", UNKNOWN),
    ],
)
def test_requests_that_must_wait(parts: dict[str, Part], clause: str, outcome: Outcome) -> None:
    assert finding(story(**parts), clause).outcome is outcome


def given_to(device_name: str, **more: Any) -> Part:
    def part(h: History) -> None:
        h.asked("holder", attributes={"model": {"string": "m"}}, capacity={})
        h.open("claim")
        h.pod("holder", "claim", "holder")
        h.claim("holder-x", owner="holder")
        h.allocate("holder-x", device_name, more.get("reserved", "holder"))
        h.start("holder")
        h.close("claim", 1)
        h.looks("holder", *more.get("paths", ["/dev/some0"]), identities=more.get("identities"))

    return part


def test_what_the_holder_gets() -> None:
    assert finding(story(holder=given_to("ghost")), "allocates_by_attribute").outcome is FAIL
    assert finding(story(holder=given_to("d0", reserved="")), "starts_the_pod_with_its_claim").outcome is FAIL
    clause = "gives_the_container_its_device"
    assert finding(story(holder=given_to("d0", paths=[])), clause).outcome is FAIL
    assert finding(story(holder=given_to("d0", identities=["UUID-0001"])), clause).outcome is FAIL
    assert finding(story(holder=given_to("d0", identities=["UUID-0000", "UUID-0001"])), clause).outcome is PASS
    assert finding(story(holder=given_to("d0", identities=["void"])), clause).outcome is PASS
    assert finding(story(holder=given_to("d0", identities=["1"])), clause).outcome is PASS


def test_devices_that_every_pod_sees() -> None:
    def visible(h: History) -> None:
        opening(h)
        h.looks("canary", "/dev/some0", "/dev/some1")

    def holds(opens: bool) -> Part:
        def part(h: History) -> None:
            holder(h)
            h.looks("holder", "/dev/some0", "/dev/some1")
            h.lines[-1].body["devices"][1]["opens"] = opens

        return part

    clause = "gives_the_container_its_device"
    assert finding(story(opening=visible, holder=holds(True)), clause).outcome is PASS
    assert finding(story(opening=visible, holder=holds(False)), clause).outcome is UNKNOWN


def test_the_second_claim_gets_something_else() -> None:
    v = story(again=lambda h: h.allocate("second", "d1"))
    assert finding(v, "allocates_by_attribute").outcome is FAIL


def unallocated(
    h: History, *, seconds: float = 301, reasons: tuple[tuple[str, bool], ...] = (), room: bool = True
) -> None:
    h.asked("holder", attributes={}, capacity={})
    h.open("claim")
    h.pod("holder", "claim", "holder")
    h.claim("holder-x", owner="holder")
    h.close("claim", seconds)
    h.devices("diagnosis", device(0), device(1))
    h.pod("beside", "diagnosis", "beside")
    if room:
        h.bind("beside")
    for role, allocated in reasons:
        h.open(role)
        h.close(role, 61)
        h.fact("diagnosed", {"pod": role, "allocated": allocated})


@pytest.mark.parametrize(
    ("reasons", "outcome"),
    [
        ((), UNKNOWN),
        ((("class-only", True), ("driver-only", True)), FAIL),
        ((("class-only", False), ("driver-only", True)), UNKNOWN),
        ((("class-only", False), ("driver-only", False)), FAIL),
    ],
)
def test_nothing_is_given(reasons: tuple[tuple[str, bool], ...], outcome: Outcome) -> None:
    rest: dict[str, Part] = dict.fromkeys(("second", "release", "again", "afterwards"), nothing)
    v = story(holder=lambda h: unallocated(h, reasons=reasons), **rest)
    assert finding(v, "allocates_by_attribute").outcome is outcome
    early = story(holder=lambda h: unallocated(h, seconds=2, reasons=reasons), **rest)
    assert finding(early, "allocates_by_attribute").outcome is UNKNOWN


def test_nothing_is_given_where_there_is_no_room_for_a_pod() -> None:
    none = (("class-only", False), ("driver-only", False))
    rest: dict[str, Part] = dict.fromkeys(("second", "release", "again", "afterwards"), nothing)
    v = story(holder=lambda h: unallocated(h, reasons=none, room=False), **rest)
    assert finding(v, "allocates_by_attribute").code == "control-did-not-run"


def test_nothing_free_any_more_is_no_failure() -> None:
    def taken(h: History) -> None:
        unallocated(h, reasons=(("class-only", False), ("driver-only", False)))
        h.devices("diagnosis", device(0, held=True), device(1, tainted=True))

    rest: dict[str, Part] = dict.fromkeys(("second", "release", "again", "afterwards"), nothing)
    assert finding(story(holder=taken, **rest), "allocates_by_attribute").code == "capacity-changed"


@pytest.mark.parametrize(
    ("held", "outcome"),
    [
        (lambda h: h.allocate("second", "d0"), FAIL),
        (lambda h: h.bind("second"), FAIL),
        (lambda h: h.delete("holder"), UNKNOWN),
        (gap(f"{CLAIMS}/{NS}"), UNKNOWN),
    ],
)
def test_one_device_one_claim(held: Part, outcome: Outcome) -> None:
    assert finding(story(held=held), "gives_a_device_to_one_claim_at_a_time").outcome is outcome


def after(h: History) -> None:
    """Nothing is given, but a plain pod is bound."""
    h.pod("after", "release", "after")
    h.bind("after")


def test_a_wait_that_nothing_ended_proves_nothing() -> None:
    v = story(again=nothing)
    assert finding(v, "gives_a_device_to_one_claim_at_a_time").code == "control-did-not-run"


def test_a_shared_device_may_be_given_twice() -> None:
    def shared(h: History) -> None:
        holder(h)
        h.devices("held", device(0, shared=True))

    def shared_pool(h: History) -> None:
        opening(h)
        h.lines = [o for o in h.lines if o.subject != "devices"]
        h.devices("before", device(0, shared=True))

    v = story(holder=shared, held=lambda h: h.allocate("second", "d0"), afterwards=nothing, opening=shared_pool)
    assert finding(v, "gives_a_device_to_one_claim_at_a_time").outcome is NA


@pytest.mark.parametrize(
    ("parts", "outcome"),
    [
        ({"again": after, "afterwards": lambda h: h.devices("after release", device(0))}, FAIL),
        ({"again": nothing, "afterwards": lambda h: h.devices("after release", device(0))}, UNKNOWN),
        ({"again": nothing, "afterwards": lambda h: h.devices("after release", device(0, tainted=True))}, UNKNOWN),
        ({"again": nothing, "afterwards": lambda h: h.devices("after release", device(1))}, UNKNOWN),
        ({"afterwards": lambda h: h.looks("second")}, FAIL),
        ({"afterwards": nothing}, UNKNOWN),
        ({"again": lambda h: h.allocate("second", "d0")}, FAIL),
        ({"release": nothing, "again": nothing}, UNKNOWN),
    ],
)
def test_a_released_device(parts: dict[str, Part], outcome: Outcome) -> None:
    assert finding(story(**parts), "gives_a_released_device_again").outcome is outcome


def test_a_pod_that_never_goes() -> None:
    def stays(*gone: str) -> Part:
        def part(h: History) -> None:
            h.fact("released", {"pods": ["holder", "canary"]})
            h.open("release")
            for name in gone:
                h.delete(name)

        return part

    clause = "gives_a_released_device_again"
    assert finding(story(release=stays("canary"), again=nothing), clause).outcome is FAIL
    assert finding(story(release=stays(), again=nothing), clause).code == "control-did-not-run"


json = st.recursive(
    st.integers() | st.text(max_size=3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(json, st.dictionaries(st.text(min_size=4, max_size=5), json, max_size=2))
def test_what_admission_adds_is_no_loss(sent: Any, more: dict[str, Any]) -> None:
    assert missing(sent, sent) == ""
    if isinstance(sent, dict):
        assert missing(sent, sent | more) == ""
        for key in sent:
            assert missing(sent, {k: v for k, v in sent.items() if k != key})


def test_a_policy_may_add_a_condition_to_a_selector() -> None:
    sent = {"cel": {"expression": "a == 1"}}
    assert missing(sent, {"cel": {"expression": "(a == 1) && b"}}) == ""
    assert missing(sent, {"cel": {"expression": "true"}}) == "spec.cel.expression"


@settings(deadline=None)
@given(st.integers(0, 200), st.sampled_from(["complete", None, "failed"]))
def test_a_recording_that_breaks_off_never_passes(cut: int, how: Any) -> None:
    whole = story_lines()
    h = History()
    h.lines = whole[: min(cut, len(whole) - 1)]
    v = h.verdict(how)
    assert v.outcome is UNKNOWN, [f for f in v.findings if f.outcome is FAIL]


def story_lines() -> list[Observation]:
    kept: list[Observation] = []
    story(end=lambda h: kept.extend(h.lines))
    return kept
