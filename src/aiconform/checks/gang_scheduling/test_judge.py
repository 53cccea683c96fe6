"""Hand-made histories at the edges: when the judge must not say more than was seen. Real ones lie in recordings/."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.checks.gang_scheduling.check import CHECK
from aiconform.checks.gang_scheduling.judge import judge
from aiconform.checks.gang_scheduling.made_history import (
    FAIL,
    NS,
    PASS,
    SUITE,
    UNKNOWN,
    History,
    N,
    Part,
    code,
    control,
    cpu,
    finding,
    gang,
    judged,
    nothing,
    short,
    sound,
    together,
)
from aiconform.model import Outcome


def test_a_sound_platform_passes() -> None:
    verdict = judged(sound())
    assert {f.clause: f.outcome for f in verdict.findings if f.outcome is not PASS} == {
        "finishes_two_competing_gangs": UNKNOWN,
        "leaves_no_member_alone": UNKNOWN,
    }
    assert verdict.outcome is PASS
    assert verdict.limits == ("atomicity: placement",)


def test_every_pass_cites_something() -> None:
    for found in judged(sound()).findings:
        assert found.cites or found.outcome is not PASS, found.clause


def test_an_empty_recording_is_unknown_everywhere() -> None:
    verdict = judged(History())
    assert {f.outcome for f in verdict.findings} == {UNKNOWN}
    assert verdict.outcome is UNKNOWN


def test_a_crash_of_the_judge_is_no_verdict() -> None:
    h = sound()
    h.lines[1] = replace(h.lines[1], body={"size": "many"})
    assert judged(h).outcome is UNKNOWN


@pytest.mark.parametrize("step", ["plan", "setup", "canary"])
def test_what_could_not_begin_is_unknown_with_its_code(step: str) -> None:
    h = History()
    h.add("unable", step, {"code": "image-unavailable", "because": "no such image"}, step)
    verdict = judged(h)
    assert verdict.outcome is UNKNOWN
    assert {f.code for f in verdict.findings} == {"image-unavailable"}


def test_an_interrupted_run_never_passes_but_still_fails() -> None:
    assert judged(sound(), how=None).outcome is UNKNOWN
    h = sound(short=lambda h: short(h, lambda h: h.start("short0"), after=N - 2, held=1))
    assert judged(h, how=None).outcome is FAIL


@pytest.mark.parametrize(
    ("via", "what"),
    [
        ("native", "the feature gate GenericWorkload on"),
        ("native-jobset", "the feature gate GenericWorkload on"),
        ("native-v1alpha2", "GenericWorkload and GangScheduling on"),
        ("native-v1alpha1", "GenericWorkload and GangScheduling on"),
        ("scheduler-plugins", "plugin Coscheduling"),
        ("volcano", "plugin gang"),
        ("kueue", "coveredResources"),
        ("yunikorn", "disableGangScheduling"),
        ("unheard-of", ""),
    ],
)
def test_a_part_that_starts_says_what_to_turn_on_in_that_mechanism(via: str, what: str) -> None:
    h = sound(short=lambda h: short(h, lambda h: h.start("short0"), after=N - 2, held=1))
    found = {f.clause: f for f in judge(replace(h.recording(), via=via), SUITE).findings}
    (general,) = [c.remedy for c in CHECK.clauses if c.id == "starts_none_when_short"]
    failed = found["starts_none_when_short"]
    assert failed.outcome is FAIL and failed.remedy.startswith(general)
    assert what in failed.remedy.removeprefix(general) and (bool(what) or failed.remedy == general)
    assert found["starts_the_whole_gang"].remedy == ""


def test_a_sound_platform_cut_anywhere_never_fails() -> None:
    whole = sound().recording()
    for i in range(len(whole.observations)):
        cut = replace(whole, observations=whole.observations[:i], ending=None)
        assert judge(cut, SUITE).outcome is UNKNOWN, i


@settings(deadline=None)
@given(st.sets(st.integers(min_value=0, max_value=400), max_size=12))
def test_a_sound_platform_with_lines_lost_never_fails(lost: set[int]) -> None:
    whole = sound().recording()
    kept = tuple(o for i, o in enumerate(whole.observations) if i not in lost)
    hurt = replace(whole, observations=kept, damage=("a line is missing",) if lost else ())
    outcome = judge(hurt, SUITE).outcome
    assert outcome is (UNKNOWN if lost else PASS)


def test_a_gap_in_the_window_is_no_absence() -> None:
    h = sound(short=lambda h: short(h, lambda h: h.add("watch.gap", f"pods/{NS}", {"why": "410"})))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "api-lost")


def test_a_watch_that_ended_is_no_absence() -> None:
    h = sound(short=lambda h: short(h, lambda h: h.add("watch.end", f"pods/{NS}", {"why": "lost"})))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "api-lost")


@pytest.mark.parametrize(("latency", "outcome"), [(80, PASS), (100, UNKNOWN)])
def test_who_is_slower_than_the_window_shows_nothing_in_it(latency: float, outcome: Outcome) -> None:
    """A scheduler that looks at new pods every two minutes binds none in 90 s, gang or not."""

    def slowly(h: History) -> None:
        h.room("together", "before", N)
        h.add("window.open", "together", {}, "together")
        for name in gang("a"):
            h.create(name, "together", "member")
        h.fact("created", {"namespace": NS, "refused": ""}, "together")
        h.bind("a0", apart=latency)
        h.start("a1", "a2", "a3")
        h.run("a0")
        h.add("window.close", "together", {}, "together")

    h = sound(together=slowly, short=lambda h: short(h, seconds=91), cpu=lambda h: cpu(h, seconds=91))
    assert finding(judged(h), "starts_none_when_short").outcome is outcome
    assert finding(judged(h), "starts_none_when_short_of_cpu").outcome is outcome


def test_others_that_came_and_went_while_a_gang_was_waited_for() -> None:
    def visited(h: History, units: int) -> None:
        h.add("window.open", "release", {}, "release")
        h.delete("blocker")
        h.room("release", "before", N)
        h.room("release", "meanwhile", units)
        h.add("window.close", "release", {}, "release", seconds=420)
        h.delete(*gang("short"))
        h.room("release", "after", N)
        control(h, "release_control", "e", N)

    clause = "starts_it_when_room_returns"
    assert code(judged(sound(release=lambda h: visited(h, N))), clause) == (FAIL, "")
    assert code(judged(sound(release=lambda h: visited(h, N - 1))), clause) == (UNKNOWN, "capacity-changed")


def test_a_short_window_is_no_absence() -> None:
    h = sound(short=lambda h: short(h, seconds=50))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "deadline")


@pytest.mark.parametrize("how_many", range(1, N))
def test_a_part_of_the_gang_that_starts_fails(how_many: int) -> None:
    act: Part = lambda h: h.start(*gang("short")[:how_many])  # noqa: E731
    h = sound(short=lambda h: short(h, act, after=N - 1 - how_many, held=how_many), release=nothing)
    assert code(judged(h), "starts_none_when_short") == (FAIL, "")


def test_members_that_are_only_bound_fail_too() -> None:
    h = sound(short=lambda h: short(h, lambda h: h.bind("short0", "short1")))
    assert code(judged(h), "starts_none_when_short") == (FAIL, "")


def test_a_partial_start_that_is_evicted_again_fails() -> None:
    def flap(h: History) -> None:
        for _ in range(3):
            h.start(*gang("short")[: N - 1])
            h.delete(*gang("short")[: N - 1])
            for name in gang("short")[: N - 1]:
                h.create(name, "short", "member")

    h = sound(short=lambda h: short(h, flap))
    found = finding(judged(h), "starts_none_when_short")
    assert found.outcome is FAIL
    assert found.because.startswith("3 of 4 members were bound")


def test_a_node_that_refuses_the_last_member_fails() -> None:
    def act(h: History) -> None:
        h.bind(*gang("cpu_short"))
        h.run(*gang("cpu_short")[: N - 1])
        h.refuse(gang("cpu_short")[-1], "OutOfcpu")

    assert code(judged(sound(cpu=lambda h: cpu(h, act))), "starts_none_when_short_of_cpu") == (FAIL, "")


def test_a_whole_gang_that_runs_was_not_short() -> None:
    h = sound(short=lambda h: short(h, lambda h: h.start(*gang("short"))), release=nothing)
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "capacity-changed")


def test_foreign_pods_that_move_make_it_unknown() -> None:
    h = sound(short=lambda h: short(h, after=N - 2))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "capacity-changed")


def test_a_blocker_that_ends_makes_it_unknown() -> None:
    h = sound(short=lambda h: short(h, lambda h: h.finish("blocker")))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "capacity-changed")

    def act(h: History) -> None:
        h.finish("blocker")
        h.start("short0")

    h = sound(short=lambda h: short(h, act))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "capacity-changed")


@pytest.mark.parametrize(
    ("ran", "says"), [(0, "control-did-not-run"), (1, "control-did-not-run"), (N, "capacity-changed")]
)
def test_a_control_that_did_not_run_as_it_should(ran: int, says: str) -> None:
    h = sound(control=lambda h: control(h, ran=ran))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, says)


def test_no_control_at_all() -> None:
    assert code(judged(sound(control=nothing)), "starts_none_when_short")[0] is UNKNOWN


def test_a_control_that_a_webhook_gates_is_replaced_by_counting() -> None:
    def gated(h: History) -> None:
        h.room("control", "before", N - 1)
        for name in gang("c"):
            h.create(name, "control", "plain")
            h.pods[name]["spec"]["schedulingGates"] = [{"name": "queue"}]
            h.bind()
            h._event(name, "MODIFIED")
        h.delete(*gang("c"))

    assert code(judged(sound(control=gated)), "starts_none_when_short") == (PASS, "")


def test_a_mechanism_that_never_starts_anything_passes_nothing() -> None:
    def never(h: History) -> None:
        h.room("together", "before", N)
        h.add("window.open", "together", {}, "together")
        for name in gang("a"):
            h.create(name, "together", "member")
        h.fact("created", {"namespace": NS, "refused": ""}, "together")
        h.add("window.close", "together", {}, "together", seconds=300)
        h.delete(*gang("a"))
        h.room("together", "after", N)
        for name in gang("p"):
            h.create(name, "together_control", "plain")
        h.start(*gang("p"))

    verdict = judged(sound(together=never, release=nothing))
    assert code(verdict, "starts_the_whole_gang") == (FAIL, "")
    assert code(verdict, "starts_none_when_short") == (UNKNOWN, "not-tried")
    assert code(verdict, "runs_all_members_at_once") == (UNKNOWN, "not-tried")
    assert code(verdict, "lets_members_meet") == (UNKNOWN, "not-tried")
    h = sound(together=never, release=nothing)
    h.lines = [o for o in h.lines if o.step != "together_control" and "/p" not in o.subject]
    assert code(judged(h), "starts_the_whole_gang")[0] is UNKNOWN


def test_a_dropped_field_is_unknown_even_if_members_start_alone() -> None:
    def dropped(h: History, step: str) -> None:
        h.fact("membership", {"dropped": ["spec.schedulingGroup.podGroupName"]}, step)
        h.start(f"{step}0")

    def first(h: History) -> None:
        together(h)
        h.fact("membership", {"dropped": ["spec.schedulingGroup.podGroupName"]}, "together")

    h = sound(
        together=first,
        short=lambda h: short(h, lambda h: dropped(h, "short")),
        release=nothing,
        cpu=lambda h: cpu(h, lambda h: dropped(h, "cpu_short")),
    )
    verdict = judged(h)
    assert verdict.outcome is UNKNOWN
    assert code(verdict, "starts_none_when_short") == (UNKNOWN, "field-dropped")


def test_members_far_apart_fail_and_a_slow_cluster_does_not() -> None:
    def slow(h: History) -> None:
        h.room("together", "before", N)
        h.add("window.open", "together", {}, "together")
        for name in gang("a"):
            h.create(name, "together", "member")
        h.bind(*gang("a"), apart=20)
        h.run(*gang("a"))
        h.add("window.close", "together", {}, "together")
        h.room("together", "after", N)

    def slow_control(h: History) -> None:
        for name in gang("c"):
            h.create(name, "control", "plain")
        h.bind(*gang("c")[: N - 1], apart=20)
        h.run(*gang("c")[: N - 1])
        h.delete(*gang("c"))

    assert code(judged(sound(together=slow)), "runs_all_members_at_once") == (FAIL, "")
    both = judged(sound(together=slow, control=slow_control))
    assert code(both, "runs_all_members_at_once") == (UNKNOWN, "deadline")


def test_members_that_never_ran_at_one_instant_fail() -> None:
    def relay(h: History) -> None:
        h.room("together", "before", N)
        h.add("window.open", "together", {}, "together")
        for name in gang("a"):
            h.create(name, "together", "member")
        for name in gang("a"):
            h.start(name)
            h.finish(name)
        h.add("window.close", "together", {}, "together", seconds=300)

    assert code(judged(sound(together=relay)), "runs_all_members_at_once") == (FAIL, "")
