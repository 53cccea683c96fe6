"""The judge at the edges. Real recordings lie in recordings/."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from aiconform.checks.ai_service_metrics.check import CHECK
from aiconform.checks.ai_service_metrics.judge import judge
from aiconform.checks.ai_service_metrics.made_history import (
    NONCES,
    QUERY,
    Story,
    failing,
    finding,
    nothing,
    stored,
)
from aiconform.checks.ai_service_metrics.samples import host
from aiconform.checks.ai_service_metrics.stages import literal
from aiconform.judging.metrics import Sample
from aiconform.model import Outcome, Suite

PASS, FAIL, UNKNOWN, NA = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE
SCRAPES, STORES, FOLLOWS, APART, FINDS, BROKEN, FORGETS = (c.id for c in CHECK.clauses)
LONG = 31.0


def test_the_sound_history_passes() -> None:
    v = Story().verdict()
    assert {f.outcome for f in v.findings} == {PASS}, [f for f in v.findings if f.outcome is not PASS]
    assert all(f.cites for f in v.findings)


def test_nothing_seen_is_unknown() -> None:
    v = judge(Story().recording(), Suite(version="0"))
    assert {f.outcome for f in v.findings} == {UNKNOWN} and v.outcome is UNKNOWN


def test_every_beginning_of_a_sound_history_is_no_fail_and_no_whole_pass() -> None:
    whole = Story().tell()
    for n in range(0, len(whole.observations), 3):
        v = judge(replace(whole, observations=whole.observations[:n], ending=None), Suite(version="0"))
        assert v.outcome is UNKNOWN, n


def never(**more: Any) -> Story:
    return Story(changes={"visible": nothing}, lasts={"visible": LONG}, **more)


def test_a_registered_pod_that_is_never_scraped_fails() -> None:
    found = finding(never().verdict(), SCRAPES)
    assert found.outcome is FAIL and found.remedy


@pytest.mark.parametrize(
    ("story", "code"),
    [
        (Story(changes={"visible": nothing}), "deadline"),
        (never(policies=["default-deny"]), "blocked-by"),
        (never(may=False), "blocked-by"),
        (never(collector={"name": "c", "way": "pod", "sure": True, "interval": 60.0}), "deadline"),
        (never(scraped=0.0), "no-reachable-address"),
        (never(collector={"name": "c", "way": "pod-annotations", "sure": False}), "mechanism-ambiguous"),
        (never(collector={"name": "c", "way": "pod", "sure": True, "elsewhere": "?"}), "no-reachable-address"),
        (never(wider=[Sample("up", {"pod": "model-first"}, 0.0)]), "blocked-by"),
    ],
)
def test_what_else_may_keep_the_series_away_is_unknown(story: Story, code: str) -> None:
    found = finding(story.verdict(), SCRAPES)
    assert (found.outcome, found.code) == (UNKNOWN, code), found


def test_whoever_names_the_mechanism_says_that_it_counts() -> None:
    story = never(collector={"name": "c", "way": "pod-annotations", "sure": False}, facts={"claimed": True})
    assert finding(story.verdict(), SCRAPES).outcome is FAIL


def test_a_scraped_pod_without_its_labels_fails() -> None:
    story = never(wider=[Sample("aiconform_nonce", {"pod": "model-first"}, NONCES["first"])])
    assert finding(story.verdict(), SCRAPES).outcome is FAIL


def test_a_pod_that_is_asked_at_another_port_than_registered_fails() -> None:
    def at(port: int) -> Story:
        labels = {"pod": "model-first", "instance": f"10.0.0.5:{port}"}
        return never(wider=[Sample("up", labels, 0.0)])

    assert finding(at(9999).verdict(), SCRAPES).outcome is FAIL
    assert finding(at(8000).verdict(), SCRAPES).code == "blocked-by"


def test_a_number_that_the_pod_never_showed_fails() -> None:
    def rounded(samples: list[Sample]) -> Iterable[Sample]:
        return [replace(s, value=float(f"{s.value:.3g}")) for s in samples]

    v = Story(changes={"visible": rounded}, lasts={"visible": LONG}).verdict()
    assert finding(v, SCRAPES).outcome is FAIL
    assert "111111111, as 111000000" in finding(v, SCRAPES).because


def test_a_store_that_did_not_answer_before_is_no_control() -> None:
    class Silent(Story):
        def answer(self, step: str, samples: Iterable[Sample], query: str = QUERY, status: int = 200) -> None:
            super().answer(step, samples, query, 503 if step == "before" else status)

    assert finding(Silent().verdict(), SCRAPES).code == "control-did-not-run"


@pytest.mark.parametrize("address", ["10.0.0.5", "fd00::5"])
def test_an_address_is_found_before_its_port(address: str) -> None:
    pattern = re.compile(f"({literal(host(address))}):.*")
    assert pattern.fullmatch(f"{host(address)}:8000")
    assert not pattern.fullmatch(f"{host(address)}1:8000") and not pattern.fullmatch("10a0b0c5:8000")


def test_a_pod_that_is_scraped_unasked_passes_with_a_limit() -> None:
    v = Story(before=stored("first")).verdict()
    assert finding(v, SCRAPES).outcome is PASS
    assert any("nobody has registered" in limit for limit in v.limits)


def with_stranger(samples: list[Sample]) -> Iterable[Sample]:
    return [*samples, *stored("stranger")]


def test_a_pod_that_is_never_registered_shows_late_that_nobody_need_be() -> None:
    v = Story(changes={"forget": with_stranger}, showing_at_the_end=False).verdict()
    assert v.outcome is PASS and finding(v, FORGETS).outcome is PASS
    assert any("nobody has registered" in limit for limit in v.limits)
    v = Story(changes={"forget": keeps}, lasts={"forget": LONG}, ages={"kept": 0.0, "first": 1.0}).verdict()
    assert not any("nobody has registered" in limit for limit in v.limits)


def test_another_value_fails_and_nothing_else() -> None:
    def rounded(samples: list[Sample]) -> Iterable[Sample]:
        return [replace(s, value=float(f"{s.value:.1g}")) if "sum" in s.name else s for s in samples]

    v = Story(changes={"grown": rounded}, lasts={"grown": LONG}).verdict()
    assert failing(v) == {STORES}
    assert "latency_seconds_sum is 90" in finding(v, STORES).because


def test_a_missing_bucket_fails() -> None:
    def less(samples: list[Sample]) -> Iterable[Sample]:
        return [s for s in samples if s.labels.get("le") != "1.0"]

    assert failing(Story(changes={"grown": less}, lasts={"grown": LONG}).verdict()) == {STORES}


def test_bounds_of_buckets_may_be_written_in_another_way() -> None:
    def integers(samples: list[Sample]) -> Iterable[Sample]:
        return [replace(s, labels={**s.labels, "le": "1"}) if s.labels.get("le") == "1.0" else s for s in samples]

    assert Story(changes={"grown": integers}).verdict().outcome is PASS


def test_an_old_state_fails_the_counter_and_leaves_the_values_open() -> None:
    def old(samples: list[Sample]) -> Iterable[Sample]:
        del samples
        return stored("first")

    v = Story(changes={"grown": old}, lasts={"grown": LONG}).verdict()
    assert failing(v) == {FOLLOWS}
    assert finding(v, STORES).code == "stale-values"


def test_a_counter_that_is_not_waited_for_is_unknown() -> None:
    def old(samples: list[Sample]) -> Iterable[Sample]:
        del samples
        return stored("first")

    v = Story(changes={"grown": old}).verdict()
    assert (finding(v, FOLLOWS).outcome, finding(v, FOLLOWS).code) == (UNKNOWN, "deadline")


def relabelled(**labels: str | None) -> Story:
    def change(samples: list[Sample]) -> Iterable[Sample]:
        for s in samples:
            changed: dict[str, str | None] = {**s.labels, **labels}
            yield replace(s, labels={k: v for k, v in changed.items() if v is not None})

    return Story(changes={"visible": change})


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        (relabelled(namespace="monitoring"), FAIL),
        (relabelled(pod="somebody-else"), FAIL),
        (relabelled(namespace=None, pod=None, instance="cluster"), FAIL),
        (relabelled(namespace=None, pod=None), PASS),
        (relabelled(namespace=None, pod=None, kubernetes_namespace="ns", kubernetes_pod_name="model-first"), PASS),
        (relabelled(namespace="monitoring", exported_namespace="ns"), PASS),
    ],
)
def test_whose_series_it_is_must_be_told(story: Story, outcome: Outcome) -> None:
    assert finding(story.verdict(), APART).outcome is outcome


def without_second(samples: list[Sample]) -> Iterable[Sample]:
    return [s for s in samples if s.labels["aiconform_target"] != "second"]


def test_a_new_pod_that_is_not_found_fails_when_the_old_one_is_there() -> None:
    v = Story(changes={"second": without_second}, lasts={"second": LONG}).verdict()
    assert failing(v) == {FINDS}
    v = Story(changes={"second": nothing}, lasts={"second": LONG}).verdict()
    assert finding(v, FINDS).code == "control-did-not-run"


@pytest.mark.parametrize(
    ("up", "outcome"),
    [
        ({"first": 1.0, "closed": 1.0}, FAIL),
        ({"first": 1.0}, FAIL),
        ({"first": 0.0}, UNKNOWN),
        ({}, NA),
        ({"first": 1.0, "closed": 0.0}, PASS),
    ],
)
def test_a_closed_port_must_show(up: dict[str, float], outcome: Outcome) -> None:
    assert finding(Story(up=up, lasts={"broken": LONG}).verdict(), BROKEN).outcome is outcome


def test_silence_about_a_closed_port_is_waited_for() -> None:
    assert finding(Story(up={"first": 1.0}).verdict(), BROKEN).code == "deadline"


def test_where_no_new_pod_is_found_a_missing_broken_one_says_nothing() -> None:
    story = Story(up={"first": 1.0}, changes={"second": without_second}, lasts={"broken": LONG, "second": LONG})
    assert finding(story.verdict(), BROKEN).code == "control-did-not-run"


def keeps(samples: list[Sample]) -> Iterable[Sample]:
    return [*samples, *stored("first", 178)]


def test_what_is_scraped_for_good_fails() -> None:
    story = Story(changes={"forget": keeps}, lasts={"forget": LONG}, ages={"kept": 0.0, "first": 1.0})
    assert failing(story.verdict()) == {FORGETS}


def test_a_store_that_only_looks_back_is_unknown() -> None:
    story = Story(changes={"forget": keeps}, lasts={"forget": LONG}, ages={"kept": 0.0, "first": 25.0})
    assert finding(story.verdict(), FORGETS).code == "deadline"


def test_a_store_that_lost_everything_is_unknown() -> None:
    assert finding(Story(changes={"forget": nothing}).verdict(), FORGETS).code == "control-did-not-run"
    assert finding(Story(ages={"kept": 6.0}).verdict(), FORGETS).code == "control-did-not-run"


def test_another_store_that_knows_nothing_does_not_matter() -> None:
    class Two(Story):
        def answer(self, step: str, samples: Iterable[Sample], query: str = QUERY, status: int = 200) -> None:
            super().answer(step, samples, query, status)
            super().answer(step, [], query, status)
            self.seen[-1] = replace(self.seen[-1], subject=self.seen[-1].subject.replace("prometheus", "another"))

    assert Two().verdict().outcome is PASS
    two = Two(changes={"forget": keeps}, lasts={"forget": LONG}, ages={"kept": 0.0, "first": 1.0})
    assert failing(two.verdict()) == {FORGETS}


def test_a_pod_that_has_ended_proves_nothing_about_forgetting() -> None:
    assert finding(Story(showing_at_the_end=False).verdict(), FORGETS).code == "control-did-not-run"
