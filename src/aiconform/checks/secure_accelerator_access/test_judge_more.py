"""Hand-made histories at the edges: hints to the runtime, claims, release."""

from typing import Any

import pytest

from aiconform.checks.secure_accelerator_access.testing import NODE, History, body, node, sound, without


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


def test_parts_of_devices_are_not_counted_on() -> None:
    """How many units are free depends on which parts are given; none at all is another matter."""
    clause = "gives_a_released_device_back"
    for running, expected in ((1, ("UNKNOWN", "capacity-changed")), (0, ("FAIL", ""))):
        history = History().start().held().beside().released(body(node(1)), body(node(2)), running=running)
        for o in history.seen:
            if o.subject == f"free/{NODE}":
                o.body["partitions"] = 14
            if o.step == "reuse" and o.kind == "watch":
                o.body["object"]["status"]["conditions"] = [_unscheduled("cannot allocate all claims")]
        assert history.says(clause) == expected


def test_the_node_that_was_chosen_counts_and_not_the_planned_one() -> None:
    history = sound()
    history.facts |= {"node": "busy", "kernel": "5.4"}
    history.add("choose", "fact", "place", {"node": NODE, "kernel": "6.1"})
    verdict = history.judged()
    assert (verdict.outcome.value, verdict.facts["node"], verdict.facts["free units"]) == ("PASS", NODE, 4)
    assert verdict.limits[0] == f"one node was tested: {NODE}"


def test_runtime_classes_that_were_not_tried_are_a_limit() -> None:
    history = sound()
    history.facts["more_runtime_classes"] = ["last", "least"]
    assert any("last, least" in text for text in history.judged().limits)


def test_a_holder_that_does_not_go_away() -> None:
    clause = "gives_a_released_device_back"
    stuck = History().start().held().beside()
    stuck.pod("plain", "plain", "DELETED", role="plain")
    stuck.add("release", "fact", "release", {"waited_out": True})
    assert stuck.says(clause) == ("FAIL", "")
    stuck.pod("holder", "holder", "DELETED", role="holder")  # later, at cleanup
    assert stuck.says(clause) == ("FAIL", "")
    slow_node = History().start().held().beside()
    slow_node.add("release", "fact", "release", {"waited_out": True})
    assert slow_node.says(clause) == ("UNKNOWN", "deadline")
