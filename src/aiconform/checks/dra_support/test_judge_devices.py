"""The judge at the edges: devices that are given, kept, and given again."""

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.checks.dra_support.judge_api import missing
from aiconform.checks.dra_support.made_history import (
    CLAIMS,
    FAIL,
    NA,
    NS,
    PASS,
    UNKNOWN,
    History,
    Part,
    device,
    finding,
    holder,
    nothing,
    opening,
    story,
)
from aiconform.model import Observation, Outcome

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


@pytest.mark.parametrize(("got", "code"), [("d0", ""), ("d2", "capacity-changed")])
def test_what_became_free_at_the_end_was_not_refused_before(got: str, code: str) -> None:
    """Somebody's pod ended just when the next request was made: a busy cluster, and no scheduler that ignores CEL."""

    def later(h: History) -> None:
        unallocated(h, reasons=(("class-only", True), ("driver-only", True)))
        h.devices("diagnosis", device(0), device(1, held=True), device(2))
        h.claim("class-only")
        h.allocate("class-only", got)

    rest: dict[str, Part] = dict.fromkeys(("second", "release", "again", "afterwards"), nothing)
    assert finding(story(holder=later, **rest), "allocates_by_attribute").code == code


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


def given_and_broken(*more: Part) -> Part:
    """The second claim is satisfied, and its pod does not run."""

    def part(h: History) -> None:
        h.allocate("second", "d0")
        for one in more:
            one(h)

    return part


def after_runs(h: History) -> None:
    h.pod("after", "release", "after")
    h.start("after")


def evicted(h: History) -> None:
    h.bind("second")
    h.live["second"]["status"] = {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}
    h.bind("second")


def part_of_a_device(*others: bool) -> Part:
    """Afterwards d0, which shares counters, is free, and others hold these further parts."""

    def part(h: History) -> None:
        parts = [device(i + 1, counters=True, held=held) for i, held in enumerate(others)]
        h.devices("after release", device(0, counters=True), *parts)

    return part


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
        ({"again": given_and_broken(after_runs)}, FAIL),
        ({"again": given_and_broken()}, UNKNOWN),
        ({"again": given_and_broken(after)}, UNKNOWN),
        ({"again": given_and_broken(after_runs, evicted)}, UNKNOWN),
        ({"again": after, "afterwards": part_of_a_device(False)}, FAIL),
        ({"again": after, "afterwards": part_of_a_device(False, True)}, UNKNOWN),
        ({"release": nothing, "again": nothing}, UNKNOWN),
    ],
)
def test_a_released_device(parts: dict[str, Part], outcome: Outcome) -> None:
    assert finding(story(**parts), "gives_a_released_device_again").outcome is outcome


def test_a_node_that_is_lost_says_nothing_of_its_devices() -> None:
    """Bound with a device, and not running: a driver that does nothing, or a node that has died."""

    def holder_waits(h: History, *, lost: bool) -> None:
        h.asked("holder", attributes={"model": {"string": "m"}}, capacity={})
        h.open("claim")
        h.pod("holder", "claim", "holder")
        h.claim("holder-x", owner="holder")
        h.allocate("holder-x", "d0", "holder")
        h.bind("holder")
        h.live["canary"]["status"]["conditions"] = [{"type": "Ready", "status": "False" if lost else "True"}]
        h.bind("canary")
        h.close("claim", 301)

    later = dict.fromkeys(LATER[1:], nothing)
    for lost, outcome in ((False, FAIL), (True, UNKNOWN)):
        v = story(holder=partial(holder_waits, lost=lost), **later)
        assert finding(v, "starts_the_pod_with_its_claim").outcome is outcome


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
