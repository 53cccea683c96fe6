"""Hand-made histories at the edges: what holders and others could open."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.checks.secure_accelerator_access.testing import CLAUSES, History, body, node, sound, without
from aiconform.model import Outcome


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


@settings(deadline=None)
@given(st.data())
def test_a_recording_with_holes_never_fails(data: st.DataObject) -> None:
    """A sound history in which any observations are missing is no FAIL: nothing forbidden is in it."""
    history = sound(data.draw(st.sampled_from(["dra", "device-plugin"])))
    kept = data.draw(st.lists(st.booleans(), min_size=len(history.seen), max_size=len(history.seen)))
    history.seen = [o for o, keep in zip(history.seen, kept, strict=True) if keep]
    verdict = history.judged()
    failing = [f for f in verdict.findings if f.outcome is Outcome.FAIL or f.code == "judge-crashed"]
    assert not failing


@settings(deadline=None)
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


@pytest.mark.parametrize(
    ("devices", "second_nodes", "outcome"),
    [((0,), (0, 1), "PASS"), ((0,), (), "PASS"), ((0, 1, 2), (0,), "FAIL"), ((), (0, 1), "FAIL")],
)
def test_devices_are_counted_by_their_first_node(
    devices: tuple[int, ...], second_nodes: tuple[int, ...], outcome: str
) -> None:
    """A runtime that adds every device's node, and one second node, has given more than one device all the same."""
    history = sound()
    history.facts["accelerator"]["hints"]["device_paths"] += ["/dev/caps/cap[0-9]*"]
    caps = [node(n, path=f"/dev/caps/cap{n}") | {"major": 235, "pattern": "/dev/caps/cap[0-9]*"} for n in second_nodes]
    target = next(o for o in history.seen if o.kind == "probe" and o.subject.endswith("/holder"))
    target.body["nodes"] = [*map(node, devices), *caps]
    assert history.says("gives_exactly_the_granted_device")[0] == outcome


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


@pytest.mark.parametrize("result", ["EIO", "EBUSY", "ENODEV"])
def test_a_sick_device_is_its_holders_own(result: str) -> None:
    """Its driver refuses to open it, by name and by hand: the device rules let the holder have it, as they should."""
    history = sound()
    target = next(o for o in history.seen if o.kind == "probe" and o.subject.endswith("/holder"))
    target.body["nodes"] = [node(0, result)]
    target.body["made"] = {"control": "ok", "folder": "/dev", "results": {"EPERM": [[4, 5]], result: [[4, 0]]}}
    assert history.says("denies_devices_made_by_hand") == ("UNKNOWN", "grant-not-usable")
    target.body["made"]["results"][result].append([4, 1])
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
