"""Windows that end before their time: only if the autoscaler itself showed that it had decided often enough."""

from typing import Any

import pytest

from aiconform.checks.pod_autoscaling import decisions
from aiconform.checks.pod_autoscaling.judge import judge
from aiconform.checks.pod_autoscaling.made_history import NS, SUITE, History, sound
from aiconform.model import Finding, Outcome

PASS, UNKNOWN = Outcome.PASS, Outcome.UNKNOWN


def judged(clause: str, **instead: Any) -> tuple[Outcome, str]:
    found: Finding = next(f for f in judge(sound(**instead).recording(), SUITE).findings if f.clause == clause)
    return found.outcome, found.code


def nothing(h: History) -> None:
    del h


def status(h: History, current: int, desired: int, load: str, *, source: str = "pods", least: int = 1) -> None:
    """The autoscaler's status is seen."""
    metric = {"type": "x", source: {"current": {"averageValue": load}}}
    obj = {
        "metadata": {"name": "load", "namespace": NS},
        "spec": {"minReplicas": least},
        "status": {
            "currentReplicas": current,
            "desiredReplicas": desired,
            "currentMetrics": [metric],
            "conditions": [{"type": "ScalingActive", "status": "True"}],
        },
    }
    h.add("watch", f"horizontalpodautoscalers.autoscaling/{NS}/load", {"type": "MODIFIED", "object": obj})


def holding(*said: tuple[int, str, int]) -> Any:
    """Loads of the target and just below, in turn; after each, this is in the status: (load set, shown, wanted)."""

    def part(h: History) -> None:
        h.step = "hold"
        for i, (load, shown, wanted) in enumerate(said):
            h.command(load)
            h.metric(load)
            if not i:
                h.open("hold")
            status(h, 1, wanted, shown)
        h.close("hold", 2)

    return part


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (((50, "50", 1), (49, "49", 1), (50, "50000m", 1)), (PASS, "")),
        # Too few, not computed with, or not decided so.
        (((50, "50", 1), (49, "49", 1)), (UNKNOWN, "interrupted")),
        (((50, "50", 1), (49, "49", 1), (50, "49", 1)), (UNKNOWN, "interrupted")),
        (((50, "100", 1), (49, "49", 1), (50, "50", 1)), (UNKNOWN, "interrupted")),
        (((50, "50", 1), (49, "49", 2), (50, "50", 1)), (UNKNOWN, "interrupted")),
    ],
)
def test_a_short_window_counts_only_with_decisions_at_each_load(said: Any, outcome: tuple[Outcome, str]) -> None:
    assert judged("holds_at_the_target", hold=holding(*said)) == outcome


def test_a_number_that_moves_fails_however_much_was_decided_before() -> None:
    def part(h: History) -> None:
        holding((50, "50", 1), (49, "49", 1), (50, "50", 1))(h)
        h.lines.pop()
        h.replicas(2)
        h.close("hold", 1)

    rest: dict[str, Any] = dict.fromkeys(("apart", "up", "replica", "gone", "between", "down"), nothing)
    assert judged("holds_at_the_target", hold=part, **rest)[0] is Outcome.FAIL


@pytest.mark.parametrize(("loads", "outcome"), [((49, 50), PASS), ((49,), UNKNOWN)])
def test_beside_anothers_load_two_decisions_are_enough(loads: tuple[int, ...], outcome: Outcome) -> None:
    def apart(h: History) -> None:
        h.open("apart")
        h.add("fact", "shown_elsewhere", {"value": 1000, "seen": True})
        for load in loads:
            h.command(load)
            status(h, 1, 1, str(load))
        h.close("apart", 2)

    assert judged("keeps_namespaces_apart", apart=apart)[0] is outcome


def event(h: History, count: int, *, reason: str = "FailedGetPodsMetric", name: str = "load") -> None:
    about = {"kind": "HorizontalPodAutoscaler", "name": name}
    obj = {
        "metadata": {"name": f"{name}.1", "namespace": NS},
        "involvedObject": about,
        "reason": reason,
        "count": count,
    }
    h.add("watch", f"events/{NS}/{name}.1", {"type": "MODIFIED", "object": obj})


@pytest.mark.parametrize(
    ("before", "counts", "outcome"),
    [(0, (1, 2, 3), PASS), (4, (5, 6, 7), PASS), (4, (5, 6), UNKNOWN), (0, (2,), UNKNOWN)],
)
def test_without_the_metric_the_growing_count_of_an_event_is_enough(
    before: int, counts: tuple[int, ...], outcome: Outcome
) -> None:
    def gone(h: History) -> None:
        h.open("withdraw")
        h.command(None)
        h.metric(status=404)
        if before:
            event(h, before)
        h.add("fact", "withdrawn", {"values": {}})
        h.close("withdraw")
        h.open("gone")
        h.condition("ScalingActive", "False", "FailedGetPodsMetric")
        for count in counts:
            event(h, count)
        h.close("gone", 2)
        h.command(90)
        h.metric(90)

    assert judged("holds_when_the_metric_is_gone", gone=gone)[0] is outcome


@pytest.mark.parametrize(
    ("current", "desired", "outcome"), [(2, 2, PASS), (1, 2, UNKNOWN), (2, 3, UNKNOWN), (1, 1, UNKNOWN)]
)
def test_a_number_that_was_reached_may_be_left_when_the_autoscaler_looked_again(
    current: int, desired: int, outcome: Outcome
) -> None:
    def up(h: History) -> None:
        h.open("up")
        h.command(90)
        h.metric(90)
        h.add("fact", "asked_for", {"from": 1, "to": 2, "shown": True})
        h.replicas(2)
        status(h, current, desired, "45")
        h.close("up", 1)

    assert judged("scales_up_by_the_formula", up=up)[0] is outcome


def test_none_is_a_decision_only_of_an_autoscaler_that_may_go_to_none() -> None:
    shown = {"status": {"currentReplicas": 0, "desiredReplicas": 0}}
    assert decisions.stays({**shown, "spec": {"minReplicas": 0}}, 0)
    assert not decisions.stays({**shown, "spec": {"minReplicas": 1}}, 0)
    assert not decisions.stays({**shown, "spec": {}}, 0)
    assert not decisions.stays(None, 0)


def test_events_of_others_do_not_count() -> None:
    mine = {"kind": "HorizontalPodAutoscaler", "name": "load"}
    made = [
        {"metadata": {"name": "a"}, "involvedObject": mine, "reason": "FailedGetExternalMetric", "count": 4},
        {"metadata": {"name": "b"}, "involvedObject": {**mine, "name": "x"}, "reason": "FailedGetX", "count": 9},
        {"metadata": {"name": "c"}, "involvedObject": mine, "reason": "SuccessfulRescale", "count": 9},
    ]
    assert decisions.failures(made, "load") == {"a": 4}
    assert decisions.more({"a": 1}, {"a": 4, "b": 1}) == 3
