"""The judge of pod_autoscaling on histories made by hand: what it must not mistake for what."""

from collections.abc import Callable
from typing import Any

import pytest

from aiconform.checks.pod_autoscaling.check import CHECK
from aiconform.checks.pod_autoscaling.judge import judge
from aiconform.checks.pod_autoscaling.made_history import (
    NS,
    SUITE,
    History,
    gone,
    none,
    scale,
    shown,
    sound,
    wake,
)
from aiconform.model import Finding, Outcome, Recording, Verdict

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
Part = Callable[[History], None]


def finding(found: Verdict, clause: str) -> Finding:
    return next(f for f in found.findings if f.clause == clause)


def judged(clause: str, *, total: bool = False, **instead: Part) -> Finding:
    return finding(judge(sound(total=total, **instead).recording(), SUITE), clause)


def nothing(h: History) -> None:
    del h


def test_an_empty_recording_proves_nothing() -> None:
    found = judge(History().recording(), SUITE)
    assert found.outcome is UNKNOWN
    assert {f.outcome for f in found.findings} == {UNKNOWN} and len(found.findings) == len(CHECK.clauses)


@pytest.mark.parametrize("total", [False, True])
def test_a_sound_platform_passes(total: bool) -> None:
    found = judge(sound(total=total).recording(), SUITE)
    assert found.outcome is PASS, [f for f in found.findings if f.outcome is not PASS]
    assert all(f.cites for f in found.findings)


@pytest.mark.parametrize("how", [None, "failed", "interrupted"])
def test_an_unfinished_recording_is_no_pass(how: str | None) -> None:
    assert judge(sound().recording(how), SUITE).outcome is UNKNOWN


@pytest.mark.parametrize("drop", range(60))
def test_no_single_line_that_is_missing_makes_a_fail(drop: int) -> None:
    """Whatever got lost of a sound history, the platform is not blamed for it."""
    whole = sound().recording()
    if drop < len(whole.observations):
        fewer = tuple(o for o in whole.observations if o.seq != drop + 1)
        found = judge(_with(whole, fewer), SUITE)
        assert found.outcome is not FAIL, (whole.observations[drop], [f for f in found.findings if f.outcome is FAIL])


def _with(rec: Recording, observations: Any) -> Recording:
    from dataclasses import replace

    return replace(rec, observations=observations)


# -- the metric


def wrong(
    value: int, said: int | None, *, page: int | None = None, seconds: float = CHECK.deadlines["visible"].seconds
) -> Part:
    def part(h: History) -> None:
        h.open("visible")
        h.command(value)
        h.page(value if page is None else page)
        h.metric(*([said] if said is not None else []), status=200 if said is not None else 404)
        h.close("visible", seconds)

    return part


def test_a_value_that_was_never_set_fails() -> None:
    assert judged("shows_the_exact_value", visible=wrong(33, 37)).outcome is FAIL
    assert judged("follows_a_change", visible=wrong(33, 37)).outcome is UNKNOWN


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (wrong(33, None), "metric-not-visible"),
        (wrong(33, 37, page=36), "control-failed"),
        (wrong(33, 37, seconds=20), "interrupted"),
    ],
)
def test_a_value_that_is_not_shown_is_not_blamed_without_grounds(part: Part, code: str) -> None:
    found = judged("shows_the_exact_value", visible=part)
    assert (found.outcome, found.code) == (UNKNOWN, code)


def test_the_old_value_for_too_long_fails() -> None:
    def follow(h: History) -> None:
        h.open("follow")
        h.command(24)
        h.page(24)
        h.metric(33)
        h.close("follow", 300)

    assert judged("follows_a_change", follow=follow).outcome is FAIL


def test_quantities_are_compared_as_numbers() -> None:
    def visible(h: History) -> None:
        shown(h, "visible", 33)
        h.lines[-2].body["values"] = {"p0": "33.0"}

    assert judged("shows_the_exact_value", visible=visible).outcome is PASS


# -- absences


def moved(step: str, seconds: float = 60) -> Part:
    def part(h: History) -> None:
        h.step = step
        if step == "hold":
            h.command(50)
        h.open(step)
        h.replicas(2)
        h.close(step, seconds)

    return part


@pytest.mark.parametrize(("step", "clause"), [("hold", "holds_at_the_target"), ("apart", "keeps_namespaces_apart")])
def test_a_number_that_moves_on_its_own_fails_at_once(step: str, clause: str) -> None:
    rest: dict[str, Any] = dict.fromkeys(("up", "replica", "gone", "between", "down"), nothing)
    if step == "hold":
        rest["apart"] = nothing
    found = judge(sound(**{**rest, step: moved(step)}).recording(), SUITE)
    assert [f.clause for f in found.findings if f.outcome is FAIL] == [clause]


def test_a_number_that_moves_because_a_replica_went_is_not_blamed() -> None:
    def part(h: History) -> None:
        h.step = "hold"
        h.command(50)
        h.open("hold")
        h.pod("p0", gone=True)
        h.replicas(2)
        h.close("hold", 60)

    found = judged("holds_at_the_target", hold=part)
    assert (found.outcome, found.code) == (UNKNOWN, "capacity-changed")


def test_stillness_of_an_autoscaler_that_never_moves_proves_nothing() -> None:
    def up(h: History) -> None:
        h.open("up")
        h.command(90)
        h.metric(90)
        h.add("fact", "asked_for", {"from": 1, "to": 2, "shown": True})
        h.condition("ScalingActive", "False", "FailedGetPodsMetric")
        h.close("up", 180)

    rest: dict[str, Any] = dict.fromkeys(("replica", "gone", "between", "down"), nothing)
    found = judge(sound(up=up, **rest).recording(), SUITE)
    assert finding(found, "scales_up_by_the_formula").outcome is FAIL
    assert "FailedGetPodsMetric" in finding(found, "scales_up_by_the_formula").because
    for clause in ("holds_at_the_target", "keeps_namespaces_apart"):
        assert (finding(found, clause).outcome, finding(found, clause).code) == (UNKNOWN, "control-failed")


def test_stillness_of_an_autoscaler_that_had_not_looked_proves_nothing() -> None:
    def part(h: History) -> None:
        h.step = "hold"
        h.command(50)
        h.open("hold")
        h.close("hold", 60)

    found = judged("holds_at_the_target", hold=part)
    assert (found.outcome, found.code) == (UNKNOWN, "control-failed")


def test_a_window_with_a_gap_or_cut_short_is_unknown() -> None:
    def with_gap(h: History) -> None:
        h.step = "hold"
        h.command(50)
        h.open("hold")
        h.condition("ScalingActive", "True")
        h.add("watch.gap", f"deployments.apps/{NS}", {"why": "lost"})
        h.close("hold", 60)

    assert judged("holds_at_the_target", hold=with_gap).code == "api-lost"

    def short(h: History) -> None:
        h.step = "hold"
        h.command(50)
        h.open("hold")
        h.condition("ScalingActive", "True")
        h.close("hold", 20)

    assert judged("holds_at_the_target", hold=short).code == "interrupted"


def test_a_load_that_was_not_seen_elsewhere_could_not_be_mixed_up() -> None:
    def apart(h: History) -> None:
        h.open("apart")
        h.add("fact", "shown_elsewhere", {"value": 1000, "seen": False})
        h.close("apart", 345)

    assert judged("keeps_namespaces_apart", apart=apart).code == "metric-not-visible"


# -- numbers


@pytest.mark.parametrize(
    ("step", "clause", "loads", "numbers"),
    [
        ("up", "scales_up_by_the_formula", (90,), (1, 5, 2)),
        ("up", "scales_up_by_the_formula", (90,), (1, 2, 1, 2)),
        ("between", "scales_to_a_number_between", (90, 50), (2, 5, 3)),
        ("between", "scales_to_a_number_between", (90, 50), (2, 1, 3)),
        ("down", "scales_down", (3, 3, 3), (3, 0, 1)),
        ("down", "scales_down", (3, 3, 3), (3, 1, 2, 1)),
    ],
)
def test_another_number_on_the_way_fails(
    step: str, clause: str, loads: tuple[int, ...], numbers: tuple[int, ...]
) -> None:
    instead: dict[str, Any] = {step: lambda h: scale(h, step, loads, numbers)}
    found = judge(sound(**instead).recording(), SUITE)
    assert finding(found, clause).outcome is FAIL


def test_going_down_by_steps_is_right() -> None:
    assert judged("scales_down", down=lambda h: scale(h, "down", (3, 3, 3), (3, 2, 1))).outcome is PASS


def test_a_number_that_never_comes_fails_only_if_the_load_was_shown() -> None:
    def never(said: int) -> Part:
        def part(h: History) -> None:
            h.open("down")
            h.command(3, 3, 3)
            h.metric(*([said] * 3))
            h.add("fact", "asked_for", {"from": 3, "to": 1, "shown": said == 3})
            h.close("down", 300)

        return part

    assert judged("scales_down", down=never(3)).outcome is FAIL
    assert (judged("scales_down", down=never(90)).outcome, judged("scales_down", down=never(90)).code) == (
        UNKNOWN,
        "deadline",
    )


# -- without the metric


def test_scaling_without_a_metric_fails() -> None:
    def part(h: History) -> None:
        h.open("withdraw")
        h.command(None)
        h.metric(0)
        h.replicas(1)
        h.add("fact", "withdrawn", {"values": {"p0": "0"}})
        h.close("withdraw")
        h.open("gone")
        h.close("gone")

    rest: dict[str, Any] = dict.fromkeys(("between", "down"), nothing)
    assert judged("holds_when_the_metric_is_gone", gone=part, **rest).outcome is FAIL


def test_an_old_value_is_no_proof_of_anything() -> None:
    def part(h: History) -> None:
        h.open("withdraw")
        h.command(None)
        h.metric(90, seconds=360)
        h.add("fact", "withdrawn", {"values": {"p0": "90"}})
        h.close("withdraw")
        h.open("gone")
        h.close("gone")

    found = judged("holds_when_the_metric_is_gone", gone=part)
    assert (found.outcome, found.code) == (UNKNOWN, "deadline")


def test_an_autoscaler_that_did_not_look_proves_nothing() -> None:
    def part(h: History) -> None:
        gone(h)
        h.lines = [o for o in h.lines if not o.subject.startswith("horizontalpodautoscalers.")]
        h.lines = [type(o)(**{**_fields(o), "seq": i}) for i, o in enumerate(h.lines, 1)]

    assert judged("holds_when_the_metric_is_gone", gone=part).code == "control-failed"


def _fields(o: Any) -> dict[str, Any]:
    return {f: getattr(o, f) for f in ("seq", "t", "at", "step", "kind", "subject", "body", "blob")}


# -- the new replica


def added(*minors: int, node: str = "n") -> Part:
    def part(h: History) -> None:
        h.open("replica")
        h.pod("p1", node=node)
        h.device("p1", "replica", *minors)
        h.close("replica")

    return part


def test_a_replica_needs_a_device_of_its_own() -> None:
    clause = "gives_new_replicas_accelerators"
    assert judged(clause, replica=added()).outcome is FAIL
    assert judged(clause, replica=added(1)).outcome is FAIL
    assert judged(clause, replica=added(1, node="another")).outcome is PASS
    assert judged(clause, replica=added(2)).outcome is PASS


def test_shared_and_unknown_devices_are_not_compared() -> None:
    h = sound(replica=added(1))
    h.shared = True
    assert finding(judge(h.recording(), SUITE), "gives_new_replicas_accelerators").outcome is PASS
    h = sound(replica=added())
    h.hints = None
    found = judge(h.recording(), SUITE)
    assert finding(found, "gives_new_replicas_accelerators").outcome is PASS
    assert any("does not know" in limit for limit in found.limits)


def absent(units: int, **pod: Any) -> Part:
    def part(h: History) -> None:
        h.free(units)
        h.open("replica")
        if pod:
            h.pod("p1", **pod)
        h.close("replica", 300)

    return part


@pytest.mark.parametrize(
    ("part", "outcome", "code"),
    [
        (absent(1, node="", running=False), UNKNOWN, "too-few-accelerators"),
        (absent(4, node="", running=False), UNKNOWN, "capacity-changed"),
        (absent(4), UNKNOWN, "deadline"),
        (absent(4, running=False, waiting="ImagePullBackOff"), UNKNOWN, "image-unavailable"),
        (absent(4, running=False, waiting="ContainerCreating", node="m"), UNKNOWN, "control-failed"),
        (absent(4, running=False, waiting="ContainerCreating"), FAIL, ""),
        (absent(4), UNKNOWN, "deadline"),
    ],
)
def test_a_replica_that_does_not_run(part: Part, outcome: Outcome, code: str) -> None:
    found = judged("gives_new_replicas_accelerators", replica=part)
    assert (found.outcome, found.code) == (outcome, code), found.because


# -- to no replica, and back


def judged_none(**instead: Any) -> dict[str, tuple[Outcome, str]]:
    found = judge(sound(total=True, **instead).recording(), SUITE)
    said = {c: finding(found, c) for c in ("scales_to_none", "starts_from_none")}
    return {"": (found.outcome, "")} | {c: (f.outcome, f.code) for c, f in said.items()}


def stuck(step: str, loads: tuple[int, ...], numbers: tuple[int, int], said: int) -> Part:
    """The second number never comes, and the metrics API says this."""

    def part(h: History) -> None:
        if step == "none":
            none(h, ok=True)
            h.lines = [o for o in h.lines if o.step != "none" or o.subject == "none_allowed"]
            h.replicas(1)
        h.open(step)
        h.command(*loads)
        h.metric(said)
        h.add("fact", "asked_for", {"from": numbers[0], "to": numbers[1], "shown": said == sum(loads)})
        h.close(step, 300)

    return part


def test_going_to_none_and_back_is_judged_where_the_autoscaler_may() -> None:
    assert judged_none() == {"": (PASS, ""), "scales_to_none": (PASS, ""), "starts_from_none": (PASS, "")}
    refused = judged_none(none=lambda h: none(h, ok=False, code="refused"))
    na = (Outcome.NOT_APPLICABLE, "")
    assert refused == {"": (PASS, ""), "scales_to_none": na, "starts_from_none": na}
    of_pods = judge(sound().recording(), SUITE)
    assert finding(of_pods, "scales_to_none").outcome is Outcome.NOT_APPLICABLE
    unasked = judged_none(none=nothing)
    assert unasked["scales_to_none"] == unasked["starts_from_none"] == (UNKNOWN, "not-tried")


def test_not_being_allowed_to_change_the_autoscaler_is_not_the_platforms_answer() -> None:
    assert judged_none(none=lambda h: none(h, ok=False, code="rbac-denied"))["scales_to_none"] == (
        UNKNOWN,
        "rbac-denied",
    )


def test_a_replica_that_stays_without_load_fails_if_the_load_was_shown() -> None:
    found = judged_none(none=stuck("none", (0,), (1, 0), 0))
    assert found == {"": (FAIL, ""), "scales_to_none": (FAIL, ""), "starts_from_none": (UNKNOWN, "not-tried")}
    assert judged_none(none=stuck("none", (0,), (1, 0), 9))["scales_to_none"] == (UNKNOWN, "deadline")


def test_no_replica_for_a_load_fails() -> None:
    found = judged_none(wake=stuck("wake", (30,), (0, 1), 30))
    assert found == {"": (FAIL, ""), "scales_to_none": (PASS, ""), "starts_from_none": (FAIL, "")}


def test_the_replica_that_comes_from_none_needs_an_accelerator() -> None:
    def without(h: History) -> None:
        wake(h)
        h.lines[-2].body["opened"] = []

    assert judged_none(wake=without)["starts_from_none"] == (FAIL, "")
    # The device of the one that had gone may be taken again.
    assert judged_none(wake=lambda h: wake(h, 1))["starts_from_none"] == (PASS, "")


def test_with_one_unit_the_replica_from_none_is_the_new_one() -> None:
    def alone(h: History) -> None:
        h.lines = [o for o in h.lines if o.subject != "free/n"]
        absent(1, node="", running=False)(h)

    clause = "gives_new_replicas_accelerators"
    assert judged(clause, total=True, replica=alone).outcome is PASS
    assert judged(clause, total=True, replica=alone, none=nothing).code == "too-few-accelerators"
