"""Hand-made histories: what the judge must say at the edges."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconform.checks.secure_accelerator_access.check import CHECK
from aiconform.checks.secure_accelerator_access.judge import judge
from aiconform.model import FORMAT, Ending, Observation, Outcome, Recording, Suite, Verdict

NODE = "n1"
SUITE = Suite(version="0")
CLAUSES = {c.id for c in CHECK.clauses}
HINTS = {"hint_env": {"SIM_VISIBLE": "all"}, "device_paths": ["/dev/sim[0-9]*"]}


def node(n: int, result: str = "ok", *, path: str = "", kind: str = "device") -> dict[str, Any]:
    pattern = "/dev/sim[0-9]*" if kind == "device" else ""
    return {"path": path or f"/dev/sim{n}", "major": 4, "minor": n, "kind": kind, "pattern": pattern, "open": result}


def body(*nodes: dict[str, Any], told: list[str] | None = None, made: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "probe": "devices/1",
        "kernel": "6.1",
        "nodes": list(nodes),
        "made": made or {"control": "ok", "folder": "/dev", "results": {"EPERM": [[4, 60], [4, 61]]}},
        "told": {"names": [], "identity": told or [], "command": None},
    }


class History:
    """A sound recording of three holders on a node with four units; tests take it apart."""

    def __init__(self, form: str = "dra") -> None:
        self.facts: dict[str, Any] = {
            "node": NODE,
            "kernel": "6.1",
            "accelerator": {
                "id": f"sim-{form}", "form": form, "recognised": True, "shared": False, "hints": copy.deepcopy(HINTS),
                "resource": "", "device_class": "c", "driver": "d", "model": "",
            },
        }  # fmt: skip
        self.seen: list[Observation] = []
        self.ending: Ending | None = Ending(how="complete", at="", t=99)

    def add(self, step: str, kind: str, subject: str, what: Any = None) -> Observation:
        seq = len(self.seen) + 1
        o = Observation(seq=seq, t=float(seq), at="", step=step, kind=kind, subject=subject, body=what)
        self.seen.append(o)
        return o

    def pod(self, step: str, name: str, *states: str, ns: str = "a", role: str = "") -> None:
        """The pod goes through these states: Pending, Running, DELETED."""
        for state in states or ("Running",):
            status: dict[str, Any] = {"phase": state if state != "DELETED" else "Running"}
            if state != "Pending":
                status["containerStatuses"] = [{"name": name, "state": {"running": {}}}]
            labels = {"aiconform.dev/step": step, "aiconform.dev/role": role or step}
            meta = {"name": name, "namespace": ns, "uid": f"{ns}/{name}", "labels": labels}
            obj = {"metadata": meta, "spec": {"nodeName": NODE} if state != "Pending" else {}, "status": status}
            kind = "DELETED" if state == "DELETED" else "MODIFIED"
            self.add(step, "watch", f"pods/{ns}/{name}", {"type": kind, "object": obj})

    def probe(self, step: str, pod: str, container: str, answer: dict[str, Any], ns: str = "a") -> None:
        self.add(step, "probe", f"pods/{ns}/{pod}/{container}", answer)

    def claim(self, status: int, *, admin: bool, kept: bool = True, message: str = "") -> None:
        def made(with_admin: bool) -> dict[str, Any]:
            return {"spec": {"devices": {"requests": [{"exactly": {"adminAccess": True} if with_admin else {}}]}}}

        answer = made(admin and kept) if status < 300 else {}
        call = {"status": status, "request": made(admin), "response": answer, "message": message}
        self.add("admin", "call", "POST resourceclaims.resource.k8s.io/a/admin", call)

    def start(self, free: int = 4) -> "History":
        self.add("", "watch.start", "pods/a", {})
        self.add("", "watch.start", "pods/b", {})
        self.add("canary", "fact", f"free/{NODE}", {"free": free, "advertised": free, "held": 0})
        self.pod("holder", "holder", role="holder")
        return self

    def held(self, *nodes: dict[str, Any], told: list[str] | None = None) -> "History":
        self.probe("holder", "holder", "holder", body(*(nodes or (node(0),)), told=told or ["u0"]))
        self.probe("holder", "holder", "neighbour", body())
        return self

    def beside(self, *, second: bool = True) -> "History":
        if self.facts["accelerator"]["form"] == "dra":
            self.claim(201, admin=False)
            self.claim(422, admin=True, message="admin access needs a label")
            self.pod("foreign", "foreign", "Pending", ns="b")
            self.add("foreign", "window.open", "foreign", {"why": ""})
        self.pod("plain", "plain", role="plain")
        self.probe("plain", "plain", "plain", body())
        if second:
            self.probe("second", "second", "second", body(node(1), told=["u1"]))
        self.pod("hint", "hint-0", role="default")
        self.probe("hint", "hint-0", "hint", body(told=["all"]))
        if self.facts["accelerator"]["form"] == "dra":
            self.seen.append(replace(self.add("foreign", "window.close", "foreign", {}), seq=len(self.seen), t=500.0))
            self.seen.pop(-2)
        return self

    def released(self, *later: dict[str, Any], running: int | None = None) -> "History":
        answers = later or tuple(body(node(i), told=[f"u{i}"]) for i in range(2))
        self.pod("holder", "holder", "DELETED", role="holder")
        self.pod("plain", "plain", "DELETED", role="plain")
        self.add("release", "fact", "release", {"waited_out": False})
        for i, answer in enumerate(answers):
            ran = running is None or i < running
            self.pod("reuse", f"reuse-{i}", "Running" if ran else "Pending", ns="b")
            if ran:
                self.probe("reuse", f"reuse-{i}", "reuse", answer, ns="b")
        held = len(answers) if running is None else running
        self.add("reuse", "fact", f"free/{NODE}", {"free": 0, "advertised": 4, "held": held})
        self.add("reuse", "fact", "reuse", {"asked": len(answers), "ran": held, "bound": held, "free": 0})
        return self

    def judged(self) -> Verdict:
        deadlines = {k: d.seconds for k, d in CHECK.deadlines.items()}
        observations = tuple(replace(o, seq=i) for i, o in enumerate(self.seen, 1))
        return judge(
            Recording(
                format=FORMAT, run="r", check=CHECK.requirement, via="sim", suite=SUITE,
                settings={"deadlines": deadlines}, facts=self.facts, observations=observations, ending=self.ending,
                sha256="0",
            ),
            SUITE,
        )  # fmt: skip

    def says(self, clause: str) -> tuple[str, str]:
        """(outcome, code) of one clause."""
        found = next(f for f in self.judged().findings if f.clause == clause)
        assert found.code != "judge-crashed", found.because
        return found.outcome.value, found.code


def sound(form: str = "dra") -> History:
    return History(form).start().held().beside().released()


def without(history: History, test: Any) -> History:
    history.seen = [o for o in history.seen if not test(o)]
    return history


@pytest.mark.parametrize("form", ["dra", "dra-extended", "device-plugin"])
def test_a_sound_history_passes(form: str) -> None:
    verdict = sound(form).judged()
    assert verdict.outcome is Outcome.PASS, verdict.findings
    assert {f.clause for f in verdict.findings} == CLAUSES


def test_an_empty_recording_is_unknown() -> None:
    empty = History()
    verdict = empty.judged()
    assert verdict.outcome is Outcome.UNKNOWN
    assert {f.outcome for f in verdict.findings} == {Outcome.UNKNOWN}
    assert "judge-crashed" not in {f.code for f in verdict.findings}
    empty.facts = {}
    assert empty.judged().outcome is Outcome.UNKNOWN
    assert "judge-crashed" not in {f.code for f in empty.judged().findings}


@given(st.data())
def test_a_recording_with_holes_never_fails(data: st.DataObject) -> None:
    """A sound history in which any observations are missing is no FAIL: nothing forbidden is in it."""
    history = sound(data.draw(st.sampled_from(["dra", "device-plugin"])))
    kept = data.draw(st.lists(st.booleans(), min_size=len(history.seen), max_size=len(history.seen)))
    history.seen = [o for o, keep in zip(history.seen, kept, strict=True) if keep]
    verdict = history.judged()
    failing = [f for f in verdict.findings if f.outcome is Outcome.FAIL or f.code == "judge-crashed"]
    assert not failing


@given(st.integers(min_value=0, max_value=60))
def test_an_interrupted_recording_never_passes(length: int) -> None:
    history = sound()
    history.seen, history.ending = history.seen[:length], None
    assert history.judged().outcome is Outcome.UNKNOWN


def test_more_than_was_asked_for() -> None:
    two = History().start().held(node(0), node(1)).beside()
    assert two.says("gives_exactly_the_granted_device") == ("FAIL", "")
    told = History().start().held(node(0), told=["u0", "u1"]).beside()
    assert told.says("gives_exactly_the_granted_device") == ("FAIL", "")


def test_a_grant_without_a_device_is_the_drivers_business() -> None:
    history = History().start().held(node(0, "ENOENT")).beside().released()
    assert history.judged().outcome is Outcome.UNKNOWN
    assert history.says("gives_exactly_the_granted_device") == ("UNKNOWN", "grant-not-usable")
    assert history.says("gives_nothing_without_a_request") == ("UNKNOWN", "grant-not-usable")


def test_a_node_that_no_adapter_knows_is_no_verdict() -> None:
    history = History().start().held(node(0), node(9, path="/dev/odd", kind="sibling")).beside().released()
    assert history.says("gives_exactly_the_granted_device") == ("UNKNOWN", "unrecognised-device-node")


@pytest.mark.parametrize(
    ("result", "outcome"), [("ok", "FAIL"), ("ENXIO", "FAIL"), ("EBUSY", "FAIL"), ("EPERM", "PASS"), ("EACCES", "PASS")]
)
@pytest.mark.parametrize("kind", ["device", "shared", "number", "vendor"])
def test_a_pod_without_a_request(result: str, outcome: str, kind: str) -> None:
    history = without(sound(), lambda o: o.kind == "probe" and o.step == "plain")
    at = next(i for i, o in enumerate(history.seen) if o.step == "hint")
    added = history.add("plain", "probe", "pods/a/plain/plain", body(node(0, result, kind=kind)))
    history.seen.insert(at, history.seen.pop())
    assert added
    assert history.says("gives_nothing_without_a_request")[0] == outcome


def test_other_nodes_are_not_judged() -> None:
    other = {"path": "/dev/null", "major": 1, "minor": 3, "kind": "other", "pattern": ""}
    history = History().start().held().beside()
    history.probe("plain", "plain", "plain", body(other))
    assert history.says("gives_nothing_without_a_request") == ("PASS", "")


def test_the_holder_must_have_run_beside_it() -> None:
    history = History().start().held()
    history.pod("holder", "holder", "DELETED", role="holder")
    history.beside().released()
    assert history.says("gives_nothing_without_a_request") == ("UNKNOWN", "capacity-changed")
    assert history.says("ignores_runtime_hints") == ("UNKNOWN", "capacity-changed")


def test_the_neighbour_container() -> None:
    history = sound()
    history.probe("holder", "holder", "neighbour", body(node(0)))
    assert history.says("gives_nothing_to_the_neighbour_container") == ("FAIL", "")


def test_two_holders_of_one_device() -> None:
    history = History().start().held().beside(second=False)
    history.probe("second", "second", "second", body(node(0), told=["u9"]))
    assert history.says("gives_each_holder_its_own") == ("FAIL", "")
    told = History().start().held().beside(second=False)
    told.probe("second", "second", "second", body(node(1), told=["u0"]))
    assert told.says("gives_each_holder_its_own") == ("FAIL", "")


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (("u0", "u1"), ("FAIL", "")),
        (("u0", "u0"), ("FAIL", "")),
        (("u0::0", "u0::1"), ("PASS", "")),
        (("sim0-0", "sim0-1"), ("PASS", "")),
        (("sim01", "sim02"), ("FAIL", "")),
        (("", ""), ("UNKNOWN", "probe-missing")),
    ],
)
def test_a_device_plugin_may_advertise_shares(units: tuple[str, str], expected: tuple[str, str]) -> None:
    """Time slices without labels that say so: only the ids of the units tell them from a double grant."""
    history = History("device-plugin").start().held().beside(second=False)
    history.facts["accelerator"]["resource"] = "example.com/sim"
    history.pod("second", "second")
    history.probe("second", "second", "second", body(node(0), told=["u0"]))
    for pod, unit in zip(("holder", "second"), units, strict=True):
        for o in history.seen:
            if o.kind == "watch" and o.subject == f"pods/a/{pod}" and unit:
                told = {"name": "example.com/sim", "resources": [{"resourceID": unit}]}
                o.body["object"]["status"]["containerStatuses"][0]["allocatedResourcesStatus"] = [told]
    assert history.says("gives_each_holder_its_own") == expected


def test_shares_of_a_device_may_be_the_same() -> None:
    history = History().start().held().beside(second=False)
    history.facts["accelerator"]["shared"] = True
    history.probe("second", "second", "second", body(node(0), told=["u0"]))
    assert history.says("gives_each_holder_its_own") == ("PASS", "")
    assert any("shared by design" in text for text in history.judged().limits)


def test_parts_of_a_device_share_its_node() -> None:
    """MIG: both see the parent's node, and each a capability node of its own."""

    def part(n: int, told: list[str]) -> dict[str, Any]:
        own = node(n, path=f"/dev/caps/cap{n}") | {"major": 235, "pattern": "/dev/caps/cap[0-9]*"}
        return body(node(0), own, told=told)

    for told, expected in ((["MIG-b"], ("PASS", "")), ([], ("UNKNOWN", "probe-missing"))):
        history = History().start()
        history.probe("holder", "holder", "holder", part(3, ["MIG-a"]))
        history.probe("second", "second", "second", part(4, told))
        assert history.says("gives_each_holder_its_own") == expected


def test_one_unit_is_enough_if_devices_can_be_made_by_hand() -> None:
    one = History().start(free=1).held().beside(second=False).released(body(node(0), told=["u0"]))
    assert one.says("gives_each_holder_its_own") == ("NOT_APPLICABLE", "")
    assert one.judged().outcome is Outcome.PASS
    for o in one.seen:
        if o.kind == "probe":
            o.body["made"] = {"control": "mknod:EPERM", "folder": "/tmp", "results": {}}
    assert one.says("gives_each_holder_its_own") == ("UNKNOWN", "too-few-accelerators(1<2)")
    assert one.says("denies_devices_made_by_hand") == ("NOT_APPLICABLE", "")
    assert one.judged().outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("result", ["ok", "ENXIO", "ENODEV", "EIO"])
@pytest.mark.parametrize("container", ["holder", "plain"])
def test_a_device_made_by_hand(result: str, container: str) -> None:
    history = sound()
    made = {"control": "ok", "folder": "/dev", "results": {"EPERM": [[4, 5]], result: [[4, 1]]}}
    target = next(o for o in history.seen if o.kind == "probe" and o.subject.endswith(f"/{container}"))
    target.body["made"] = made
    assert history.says("denies_devices_made_by_hand") == ("FAIL", "")


def test_denials_mean_nothing_without_the_control() -> None:
    history = sound()
    for o in history.seen:
        if o.kind == "probe":
            o.body["made"] = {"control": "EACCES", "folder": "/tmp", "results": {}}
    assert history.says("denies_devices_made_by_hand") == ("NOT_APPLICABLE", "")
    assert any("cannot make or open" in text for text in history.judged().limits)


def test_another_kernel_has_other_numbers() -> None:
    """gVisor says ENXIO to every hand-made node; that is no wildcard in the device rules."""
    history = sound()
    for o in history.seen:
        if o.kind == "probe":
            o.body["kernel"] = "4.19.0-gvisor"
            o.body["made"] = {"control": "ok", "folder": "/dev", "results": {"ENXIO": [[4, 1]]}}
    assert history.says("denies_devices_made_by_hand") == ("NOT_APPLICABLE", "")


def test_hints() -> None:
    default = sound()
    default.probe("hint", "hint-0", "hint", body(node(2)))
    assert default.says("ignores_runtime_hints") == ("FAIL", "")
    by_class = sound()
    by_class.pod("hint", "hint-1", role="class-vendor")
    by_class.probe("hint", "hint-1", "hint", body(node(2)))
    assert by_class.says("ignores_runtime_hints") == ("FAIL", "")
    holder = sound("device-plugin")
    holder.pod("hint", "hint-holder", role="holder")
    holder.probe("hint", "hint-holder", "hint", body(node(2), told=["all"]))
    assert holder.says("ignores_runtime_hints") == ("PASS", "")
    holder.probe("hint", "hint-holder", "hint", body(node(2), node(3), told=["all"]))
    assert holder.says("ignores_runtime_hints") == ("FAIL", "")
    none_known = sound()
    none_known.facts["accelerator"]["hints"]["hint_env"] = {}
    assert none_known.says("ignores_runtime_hints") == ("NOT_APPLICABLE", "")


def test_a_hint_that_is_refused_is_ignored() -> None:
    history = without(sound(), lambda o: o.step == "hint")
    at = next(i for i, o in enumerate(history.seen) if o.step == "holder" and o.kind == "watch" and i > 8)
    history.pod("hint", "hint-0", "Pending", role="default")
    pod = history.seen.pop()
    waiting = {"name": "hint", "state": {"waiting": {"reason": "RunContainerError", "message": "no privileges"}}}
    pod.body["object"]["status"]["containerStatuses"] = [waiting]
    history.seen.insert(at, pod)
    assert history.says("ignores_runtime_hints") == ("PASS", "")
    silent = without(sound(), lambda o: o.step == "hint")
    assert silent.says("ignores_runtime_hints")[0] == "UNKNOWN"


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([(201, False, True), (422, True, True)], ("PASS", "")),
        ([(201, False, True), (201, True, False)], ("PASS", "")),
        ([(201, False, True), (201, True, True)], ("FAIL", "")),
        ([(403, False, True), (403, True, True)], ("UNKNOWN", "not-tried")),
        ([(201, False, True), (500, True, True)], ("UNKNOWN", "api-lost")),
        ([(201, False, True), (429, True, True)], ("UNKNOWN", "api-lost")),
        ([(201, False, True)], ("UNKNOWN", "not-tried")),
    ],
)
def test_admin_access(calls: list[tuple[int, bool, bool]], expected: tuple[str, str]) -> None:
    history = without(sound(), lambda o: o.step == "admin")
    for status, admin, kept in calls:
        history.claim(status, admin=admin, kept=kept)
    assert history.says("refuses_admin_access") == expected


def test_a_claim_of_another_namespace() -> None:
    clause = "keeps_claims_in_their_namespace"
    borrowed = sound()
    borrowed.pod("foreign", "foreign", "Running", ns="b")
    borrowed.probe("foreign", "foreign", "foreign", body(node(0), told=["u0"]), ns="b")
    assert borrowed.says(clause) == ("FAIL", "")
    other = sound()
    other.pod("foreign", "foreign", "Running", ns="b")
    other.probe("foreign", "foreign", "foreign", body(node(3), told=["u3"]), ns="b")
    assert other.says(clause) == ("UNKNOWN", "claim-made-by-others")
    no_control = without(sound(), lambda o: o.step == "reuse" and o.kind == "watch")
    assert no_control.says(clause)[0] == "UNKNOWN"
    gap = sound()
    opened = next(i for i, o in enumerate(gap.seen) if o.kind == "window.open")
    gap.add("", "watch.gap", "pods/b", {"why": "410"})
    gap.seen.insert(opened + 1, gap.seen.pop())
    assert gap.says(clause) == ("UNKNOWN", "api-lost")
    short = without(sound(), lambda o: o.kind == "window.close")
    assert short.says(clause) == ("UNKNOWN", "api-lost")


def _waiting(history: History) -> dict[str, Any]:
    pods = [o.body["object"] for o in history.seen if o.step == "reuse" and o.kind == "watch"]
    found: dict[str, Any] = next(p for p in pods if p["status"]["phase"] == "Pending")
    return found


def _unscheduled(message: str) -> dict[str, Any]:
    return {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}


def test_units_that_do_not_come_back() -> None:
    clause = "gives_a_released_device_back"
    lost = History().start().held().beside().released(body(node(1)), body(node(2)), running=1)
    assert lost.says(clause) == ("UNKNOWN", "deadline")
    _waiting(lost)["status"]["conditions"] = [_unscheduled("Insufficient example.com/gpu")]
    assert lost.says(clause) == ("UNKNOWN", "deadline")
    _waiting(lost)["status"]["conditions"] = [_unscheduled("cannot allocate all claims")]
    assert lost.says(clause) == ("FAIL", "")
    unprepared = History().start().held().beside().released(body(node(1)), body(node(2)), running=1)
    _waiting(unprepared)["spec"]["nodeName"] = NODE
    assert unprepared.says(clause) == ("FAIL", "")
    _waiting(unprepared)["status"]["reason"] = "OutOfcpu"
    assert unprepared.says(clause) == ("UNKNOWN", "deadline")
    taken = History().start().held().beside().released(body(node(1)), body(node(2)), running=1)
    count = [o for o in taken.seen if o.subject == f"free/{NODE}"][-1]
    count.body["held"] = 3
    assert taken.says(clause) == ("UNKNOWN", "capacity-changed")
    broken = History().start().held().beside().released(body(told=["u0"]), body(node(1), told=["u1"]))
    assert broken.says(clause) == ("FAIL", "")
    never_worked = History().start().held().beside().released(body(told=["u7"]), body(node(0), told=["u0"]))
    assert never_worked.says(clause) == ("UNKNOWN", "grant-not-usable")
    elsewhere = History().start().held().beside().released(body(node(2)), body(node(3)))
    assert elsewhere.says(clause) == ("PASS", "")
    assert any("not handed out again" in text for text in elsewhere.judged().limits)


def test_a_holder_that_does_not_go_away() -> None:
    clause = "gives_a_released_device_back"
    stuck = History().start().held().beside()
    stuck.pod("plain", "plain", "DELETED", role="plain")
    stuck.add("release", "fact", "release", {"waited_out": True})
    assert stuck.says(clause) == ("FAIL", "")
    slow_node = History().start().held().beside()
    slow_node.add("release", "fact", "release", {"waited_out": True})
    assert slow_node.says(clause) == ("UNKNOWN", "deadline")


def test_an_unknown_vendor_is_judged_by_its_claims_alone() -> None:
    history = sound()
    history.facts["accelerator"] |= {"recognised": False, "hints": None}
    by_claims = ("refuses_admin_access", "keeps_claims_in_their_namespace")
    for clause in CLAUSES - set(by_claims):
        assert history.says(clause) == ("UNKNOWN", "unrecognised-accelerator"), clause
    for clause in by_claims:
        assert history.says(clause) == ("PASS", ""), clause


@pytest.mark.parametrize("step", ["canary", "holder"])
def test_what_could_not_be_tried(step: str) -> None:
    history = History()
    history.add(step, "unable", step, {"code": "image-unavailable", "because": "no image"})
    verdict = history.judged()
    assert verdict.outcome is Outcome.UNKNOWN
    assert "image-unavailable" in {f.code for f in verdict.findings}
