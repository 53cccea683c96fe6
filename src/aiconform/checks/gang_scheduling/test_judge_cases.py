"""Hand-made histories of meeting, release, cpu-only, competing gangs and lost members."""

from collections.abc import Sequence

import pytest

from aiconform.checks.gang_scheduling.made_history import (
    FAIL,
    NA,
    NS,
    PASS,
    UNKNOWN,
    History,
    N,
    Part,
    code,
    finding,
    gang,
    judged,
    nothing,
    opening,
    release,
    short,
    sound,
    together,
)
from aiconform.model import Outcome


def unmet(h: History, *, waited: float = 60) -> None:
    together(h)
    h.lines = [o for o in h.lines if not (o.kind == "probe" and o.step == "together")]
    h.add("window.open", "meet", {}, "meet")
    h.add("window.close", "meet", {}, "meet", seconds=waited)
    for name in gang("a"):
        h.add("probe", f"pods/{NS}/{name}/main", {"name": name, "met": [], "trouble": "refused"}, "together")


def lonely(h: History) -> None:
    opening(h)
    h.lines = [o for o in h.lines if o.kind != "probe"]


def test_members_that_cannot_meet() -> None:
    assert code(judged(sound(together=unmet)), "lets_members_meet") == (FAIL, "")
    impatient: Part = lambda h: unmet(h, waited=5)  # noqa: E731
    assert code(judged(sound(together=impatient)), "lets_members_meet") == (UNKNOWN, "deadline")


@pytest.mark.parametrize(
    ("here", "apis", "outcome"),
    [([], [], FAIL), (["default-deny"], [], UNKNOWN), ([], ["ciliumnetworkpolicies.cilium.io"], UNKNOWN)],
)
def test_when_plain_pods_cannot_meet_a_policy_may_be_why(here: list[str], apis: list[str], outcome: Outcome) -> None:
    h = sound(opening=lonely, together=unmet)
    h.facts["policy_apis"] = apis
    h.fact("policies", {"here": here}, "together")
    assert finding(judged(h), "lets_members_meet").outcome is outcome


def late(h: History) -> None:
    release(h, nothing, seconds=420)
    for name in gang("r"):
        h.create(name, "release_control", "plain")


def test_a_gang_that_never_starts_after_release() -> None:
    def with_control(h: History) -> None:
        late(h)
        h.start(*gang("r"))

    verdict = judged(sound(release=with_control))
    assert code(verdict, "starts_it_when_room_returns") == (FAIL, "")
    assert code(verdict, "sees_the_waiting_gang") == (PASS, "")
    assert code(judged(sound(release=late)), "starts_it_when_room_returns") == (UNKNOWN, "control-did-not-run")
    silent = judged(sound(short=lambda h: short(h, signs=()), release=with_control))
    assert code(silent, "sees_the_waiting_gang") == (FAIL, "")
    assert code(judged(sound(short=lambda h: short(h, signs=()))), "sees_the_waiting_gang") == (PASS, "")
    unsure = judged(sound(short=lambda h: short(h, signs=()), release=late))
    assert code(unsure, "sees_the_waiting_gang") == (UNKNOWN, "mechanism-silent")


def test_a_release_that_starts_a_part_first_fails() -> None:
    def part(h: History) -> None:
        h.start("short0", "short1")
        h.delete("short0", "short1")
        for name in ("short0", "short1"):
            h.create(name, "short", "member")
        h.start(*gang("short"))

    assert code(judged(sound(release=lambda h: release(h, part))), "starts_it_when_room_returns") == (FAIL, "")


def test_a_node_that_refuses_a_released_member_is_not_the_schedulers_fault() -> None:
    def act(h: History) -> None:
        h.bind(*gang("short"))
        h.run(*gang("short")[: N - 1])
        h.refuse(gang("short")[-1], "UnexpectedAdmissionError")

    h = sound(release=lambda h: release(h, act, seconds=420))
    assert code(judged(h), "starts_it_when_room_returns") == (UNKNOWN, "node-refused")


def test_a_released_member_that_is_preempted_by_others_is_not_the_mechanisms_fault() -> None:
    def released(reason: str) -> Part:
        def act(h: History) -> None:
            h.start("short0")
            h.displace("short0", reason)
            h.delete("short0")
            h.create("short0", "short", "member")
            h.start(*gang("short"))

        return lambda h: release(h, act)

    for reason, outcome in (("PreemptionByScheduler", PASS), ("EvictionByEvictionAPI", FAIL)):
        verdict = judged(sound(release=released(reason)))
        assert finding(verdict, "starts_it_when_room_returns").outcome is outcome


def test_a_sidecar_that_goes_on_is_no_deadlock() -> None:
    def act(h: History) -> None:
        pair(h, done=False)
        del h.lines[next(i for i, o in enumerate(h.lines) if o.kind == "window.close" and o.step == "pair") :]
        for name in ("x0", "x1"):
            states = [{"state": {"terminated": {"exitCode": 0}}}, {"state": {"running": {}}}]
            h.pods[name]["status"] = {"phase": "Running", "containerStatuses": states}
            h._event(name, "MODIFIED")
        h.add("window.close", "pair", {}, "pair", seconds=600)
        h.room("pair", "after", N)

    assert code(judged(sound(pair=act)), "finishes_two_competing_gangs") == (UNKNOWN, "blocked-by")


def test_a_whole_gang_that_does_not_finish_is_no_deadlock() -> None:
    """It began late, or its members cannot meet, which is another clause."""

    def act(h: History) -> None:
        pair(h, done=False, run=gang("x"))

    assert code(judged(sound(pair=act)), "finishes_two_competing_gangs") == (UNKNOWN, "deadline")


def test_placeholders_are_no_members() -> None:
    def act(h: History) -> None:
        h.create("tg-1", "short", "member")
        h.fact("placeholder", {"uids": [h.pods["tg-1"]["metadata"]["uid"]]}, "short")
        h.start("tg-1")

    assert code(judged(sound(short=lambda h: short(h, act))), "starts_none_when_short") == (PASS, "")


def test_without_accelerators_the_cpu_case_is_the_main_case() -> None:
    h = sound(cpu=nothing)
    h.facts["cpu_only"] = True
    verdict = judged(h)
    assert code(verdict, "starts_none_when_short_of_cpu") == (NA, "")
    assert verdict.outcome is PASS
    assert verdict.limits[1].startswith("cpu-only")


def pair(h: History, *, done: bool, run: Sequence[str] = ("x0", "y0", "x1", "y1")) -> None:
    h.room("pair", "before", N)
    h.add("window.open", "pair", {}, "pair")
    for a, b in zip(gang("x"), gang("y"), strict=True):
        h.create(a, "pair", "member-a")
        h.create(b, "pair", "member-b")
    if done:
        for names in (gang("x"), gang("y")):
            h.start(*names)
            h.finish(*names)
    else:
        h.start(*run)
    h.add("window.close", "pair", {}, "pair", seconds=1 if done else 600)
    h.delete(*gang("x"), *gang("y"))
    h.room("pair", "after", N)


@pytest.mark.parametrize(("done", "outcome"), [(True, PASS), (False, FAIL)])
def test_two_competing_gangs(done: bool, outcome: Outcome) -> None:
    verdict = judged(sound(pair=lambda h: pair(h, done=done)))
    assert finding(verdict, "finishes_two_competing_gangs").outcome is outcome
    assert verdict.outcome is outcome


def alone(h: History, after: Part, seconds: float) -> None:
    h.room("alone", "before", N)
    for name in gang("k"):
        h.create(name, "alone", "member")
    h.start(*gang("k"))
    h.add("window.open", "alone", {}, "alone")
    h.delete("k0")
    after(h)
    h.add("window.close", "alone", {}, "alone", seconds=seconds)
    h.delete("k1", "k2", "k3")
    h.room("alone", "after", N)


def refill(h: History) -> None:
    h.create("k9", "alone", "member")
    h.start("k9")


@pytest.mark.parametrize(
    ("after", "seconds", "outcome"),
    [
        (refill, 1, PASS),
        (lambda h: h.delete("k1", "k2", "k3"), 1, PASS),
        (nothing, 300, FAIL),
        (nothing, 10, UNKNOWN),
    ],
)
def test_a_gang_that_loses_a_member(after: Part, seconds: float, outcome: Outcome) -> None:
    verdict = judged(sound(alone=lambda h: alone(h, after, seconds)))
    assert finding(verdict, "leaves_no_member_alone").outcome is outcome
