"""Hand-made histories at the edges: what exporters say, and what it comes to."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.checks.accelerator_metrics.testing import CLAUSES, MIB, NODE, SIZE, History, Values, idle, sound, text
from aiconform.model import Outcome

LOADED = (99.0, 10.0 + SIZE)
HELD = (1.0, 10.0)


def test_a_sound_history_passes() -> None:
    verdict = sound().judged()
    assert verdict.outcome is Outcome.PASS, verdict.findings
    assert {f.clause for f in verdict.findings} == CLAUSES
    assert verdict.facts["devices"] == 4 and verdict.facts["temperature"] == "not told"


def test_an_empty_recording_is_unknown() -> None:
    for facts in ({}, History().facts):
        empty = History()
        empty.facts = facts
        verdict = empty.judged()
        assert verdict.outcome is Outcome.UNKNOWN
        assert {f.outcome for f in verdict.findings} == {Outcome.UNKNOWN}
        assert {f.code for f in verdict.findings} == {"not-tried"}


@settings(deadline=None)
@given(st.data())
def test_a_recording_with_holes_never_fails(data: st.DataObject) -> None:
    """A sound history in which any observations are missing is no FAIL: nothing wrong is in it."""
    history = sound()
    kept = data.draw(st.lists(st.booleans(), min_size=len(history.seen), max_size=len(history.seen)))
    history.seen = [o for o, keep in zip(history.seen, kept, strict=True) if keep]
    assert history.failing() == set()


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=60))
def test_an_interrupted_recording_never_passes(length: int) -> None:
    history = sound()
    history.seen, history.ending = history.seen[:length], None
    assert history.judged().outcome is Outcome.UNKNOWN


def test_what_could_not_be_tried_says_why() -> None:
    nothing = History()
    nothing.add("find", "unable", "find", {"code": "mechanism-not-found", "because": "no exporter"})
    assert {f.code for f in nothing.judged().findings} == {"mechanism-not-found"}
    no_burner = History().began()
    no_burner.add("load", "unable", "load", {"code": "probe-missing", "because": "no load for it"})
    assert no_burner.of("covers_every_device") == ("PASS", "")
    assert no_burner.of("shows_utilisation") == ("UNKNOWN", "probe-missing")
    assert no_burner.judged().outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (idle(3), ("FAIL", "")),
        (idle(5), ("PASS", "")),
        (idle(d3=(0.0, None)), ("FAIL", "")),
        (idle(d3=(None, 0.0)), ("FAIL", "")),
        (text({}), ("FAIL", "")),
        ("DCGM_FI_DEV_GPU_UTIL 3\nDCGM_FI_DEV_FB_USED 0\n", ("FAIL", "")),
        (idle(d3=(float("nan"), 0.0)), ("FAIL", "")),
        ("other_metric 1\n", ("UNKNOWN", "no-reachable-address")),
    ],
)
def test_devices_are_counted_by_their_samples(before: Values | str, expected: tuple[str, str]) -> None:
    history = History().began(before).idled().loaded().released()
    assert history.of("covers_every_device") == expected


def test_parts_that_cannot_be_there_at_one_time_are_not_counted() -> None:
    three = idle(3)
    for held, expected in ((1, ("UNKNOWN", "probe-missing")), (0, ("FAIL", ""))):
        history = History().found().says("baseline", *[three] * 3)
        numbers = {"free": 4 - held, "advertised": 4, "held": held, "partitions": 4}
        history.add("canary", "fact", f"free/{NODE}", numbers)
        assert history.of("covers_every_device") == expected


def test_shares_of_a_device_are_not_counted() -> None:
    history = History().began(idle(1)).idled(*[idle(1, d0=HELD)] * 5).loaded(*[idle(1, d0=LOADED)] * 10)
    history.facts["accelerator"]["shared"] = True
    assert history.of("covers_every_device") == ("PASS", "")
    still = History().began().idled().loaded(*[idle(d0=HELD)] * 10).released()
    still.facts["accelerator"]["shared"] = True
    assert still.failing() == set()
    assert still.of("shows_utilisation") == ("UNKNOWN", "capacity-changed")


def test_text_that_cannot_be_read() -> None:
    broken = text(idle()).replace(" 0\n", " 0%\n")
    history = History().began(broken).idled(*[broken] * 5).loaded(*[broken] * 9).released(broken)
    assert history.failing() == {"serves_readable_metrics"}
    once = sound()
    once.seen[3].body["body"] = broken  # one answer that was cut off on its way
    assert once.of("serves_readable_metrics") == ("PASS", "")
    away = History().found().says("baseline", *["gone"] * 3, status=503)
    assert away.failing() == set()
    assert away.of("serves_readable_metrics") == ("UNKNOWN", "no-reachable-address")


@pytest.mark.parametrize(
    ("idling", "loading", "failing"),
    [
        # One value all the time, the same for the free and the used.
        ((42.0, 10.0), (42.0, 10.0 + SIZE), {"shows_utilisation"}),
        ((100.0, 10.0), (100.0, 10.0 + SIZE), {"shows_utilisation"}),
        (HELD, (2.0, 10.0 + SIZE), {"shows_utilisation"}),
        (HELD, (99.0, 10.0), {"shows_memory"}),
        # Bytes under a name that stands for MiB, and a part of what was allocated.
        (HELD, (99.0, 10.0 + SIZE * MIB), {"shows_memory"}),
        (HELD, (99.0, 10.0 + SIZE / 2), {"shows_memory"}),
        ((100.0, 16384.0), (100.0, 16384.0), {"shows_utilisation", "shows_memory"}),
        (HELD, HELD, {"shows_utilisation", "shows_memory"}),
        (HELD, (None, 10.0 + SIZE), set()),
        (HELD, (32.0, 10.0 + SIZE * 1.15), set()),
    ],
)
def test_values_must_follow_the_load(idling: Any, loading: Any, failing: set[str]) -> None:
    history = History().began().idled(*[idle(d0=idling)] * 6).loaded(*[idle(d0=loading)] * 10).released()
    assert history.failing() == failing


def test_a_device_that_is_not_told_of_is_no_other_clauses_business() -> None:
    three = {f"d{i}": (0.0, 0.0) for i in (1, 2, 3)}
    history = History().began(three).idled(*[three] * 5).loaded(*[three] * 10).released(three)
    assert history.failing() == {"covers_every_device"}
    assert history.of("shows_utilisation") == ("UNKNOWN", "metric-missing")


def test_a_load_that_was_not_there_fails_nothing() -> None:
    still = [idle(d0=HELD)] * 10
    weak = History().began().idled().loaded(*[idle(d0=(9.0, 10.0 + SIZE))] * 10, busy=0.1).released()
    assert weak.of("shows_utilisation") == ("UNKNOWN", "load-too-weak")
    assert weak.failing() == set()
    short = History().began().idled().loaded(*still[:3])
    assert short.of("shows_utilisation") == ("UNKNOWN", "interrupted")
    broken = History().began().idled().loaded(*still, error="no driver library")
    assert broken.of("shows_memory") == ("UNKNOWN", "probe-failed")
    assert broken.failing() == set()


def test_a_device_that_somebody_else_uses_is_no_proof() -> None:
    noise = [idle(d0=(u, 10.0)) for u in (80.0, 91.0, 85.0, 95.0, 88.0, 90.0)]
    history = History().began().idled(*noise).loaded(*noise, *noise).released()
    assert history.of("shows_utilisation") == ("UNKNOWN", "capacity-changed")


def test_the_right_device_must_move() -> None:
    swapped = History().began().idled(*[idle(d1=HELD)] * 5).loaded(*[idle(d1=LOADED)] * 10).released()
    assert swapped.failing() == {"names_the_right_device"}
    everywhere = [{f"d{i}": v for i in range(4)} for v in (HELD, LOADED)]
    summed = History().began().idled(*[everywhere[0]] * 5).loaded(*[everywhere[1]] * 10).released()
    assert summed.failing() == {"names_the_right_device"}
    only_use = History().began().idled().loaded(*[idle(d0=(1.0, 266.0), d1=(99.0, 0.0))] * 10).released()
    assert only_use.failing() == {"names_the_right_device"}


def test_devices_of_others_may_move() -> None:
    busy = History().began(held=1).idled().loaded(*[idle(d0=LOADED, d1=(70.0, 99.0))] * 10, held=2).released(held=1)
    assert busy.judged().outcome is Outcome.PASS
    assert any("other pods held" in text for text in busy.judged().limits)
    # Others may compute while ours is not to be seen yet, or has hardly begun.
    late = History().began(held=1).idled().loaded(*[idle(d0=HELD, d1=(70.0, 0.0))] * 3, held=2).released(held=1)
    assert late.of("names_the_right_device") == ("UNKNOWN", "interrupted")
    went = History().began().idled().free("load", 2).loaded(*[idle(d0=LOADED, d1=(70.0, 99.0))] * 10).released()
    assert went.failing() == set()
    came = History().began().idled().loaded(*[idle(d0=LOADED, d1=(70.0, 99.0))] * 10, held=2).released(held=1)
    assert came.failing() == set()


def test_a_device_may_be_known_by_its_holder() -> None:
    def named(pod: str, value: tuple[float, float]) -> str:
        return text({"x": value}, f',namespace="a",pod="{pod}"') + text({f"y{i}": (0.0, 0.0) for i in range(3)})

    history = History().began(named("", (0.0, 0.0))).idled(*[named("holder", HELD)] * 5)
    history.loaded(*[named("holder", LOADED)] * 10).released(named("", (0.0, 0.0)))
    assert history.judged().outcome is Outcome.PASS, history.judged().findings
    assert any("holder's name" in text for text in history.judged().limits)
    nameless = History().began(named("", (0.0, 0.0))).idled(*[named("", HELD)] * 5)
    nameless.loaded(*[named("", LOADED)] * 10).released(named("", (0.0, 0.0)))
    assert nameless.of("names_the_right_device") == ("UNKNOWN", "probe-missing")


@pytest.mark.parametrize("after", [(99.0, 0.0), (0.0, 10.0 + SIZE), (99.0, 10.0 + SIZE)])
def test_values_must_go_back(after: tuple[float, float]) -> None:
    history = History().began().idled().loaded().released(*[idle(d0=after)] * 2)
    assert history.failing() == {"shows_the_release"}
    taken = History().began().idled().loaded().released(idle(d0=after), held=1)
    assert taken.of("shows_the_release") == ("UNKNOWN", "capacity-changed")
    early = History().began().idled().loaded()
    early.holder("DELETED").says("release", idle(d0=after), seconds=5.0).free("release", 0)
    assert early.of("shows_the_release") == ("UNKNOWN", "interrupted")


def test_a_parent_may_move_with_its_instance() -> None:
    def both(part: tuple[float, float]) -> str:
        rows = text({"gpu": part}) + text({"x": part}).replace('UUID="x"', 'UUID="gpu",GPU_I_ID="1"')
        ends = "".join(text({"x": (0.0, 0.0)}).replace('UUID="x"', f'UUID="gpu",GPU_I_ID="{i}"') for i in (2, 3, 4))
        named = rows.replace('GPU_I_ID="1"', 'GPU_I_ID="1",namespace="a",pod="holder"')
        return (named + ends).replace('DCGM_FI_DEV_GPU_UTIL{UUID="gpu",', 'DCGM_FI_PROF_X{UUID="gpu",')

    def instances(part: tuple[float, float]) -> str:
        lines = both(part).splitlines()
        more = [
            f'DCGM_FI_PROF_GR_ENGINE_ACTIVE{{UUID="gpu",GPU_I_ID="{i}"}} {part[0] / 100 if i == 1 else 0}'
            for i in (1, 2, 3, 4)
        ]
        return "\n".join([*(line for line in lines if "PROF_X" not in line), *more, ""])

    history = History().began(instances((0.0, 0.0))).idled(*[instances(HELD)] * 5)
    history.loaded(*[instances(LOADED)] * 10).released(instances((0.0, 0.0)))
    assert history.judged().outcome is Outcome.PASS, history.judged().findings


def test_a_series_may_end_with_its_holder() -> None:
    only_held = idle(4, d0=(None, None))
    history = History().began(only_held).idled().loaded().released(only_held)
    assert history.of("shows_the_release") == ("PASS", "")
    # A device that was told of while it was free must be told of again: an exporter may have broken down under load.
    lost = History().began().idled().loaded()
    assert lost.released(only_held).of("shows_the_release") == ("UNKNOWN", "metric-missing")
    once = History().began().idled().loaded().released(idle(), only_held)
    assert once.of("shows_the_release") == ("PASS", "")


def test_one_solution_that_works_is_enough() -> None:
    history = sound()
    other = dict(history.source) | {"name": "other", "subject": "GET pods/other:1/metrics"}
    history.seen[0].body.append(other)
    for step, count in (("baseline", 2), ("idle", 3), ("load", 3)):
        for _ in range(count):
            answer = {"status": 200, "headers": {}, "body": text(idle(2))}
            history.add(step, "http", other["subject"], answer)
    assert history.judged().outcome is Outcome.PASS
    assert any("other" in text for text in history.judged().limits)


def test_an_unknown_family_is_named_and_not_judged() -> None:
    def strange(use: float, memory: float) -> str:
        return f'acme_accel_utilisation{{id="0"}} {use}\nacme_accel_memory{{id="0"}} {memory}\nacme_fan 900\n'

    history = History().found(families=[])
    history.says("baseline", *[strange(0, 0)] * 3).free("canary", 0).holder("Running")
    history.idled(*[strange(0, 0)] * 4).loaded(*[strange(97, SIZE * MIB)] * 5).released(strange(0, 0))
    verdict = history.judged()
    assert {f.code for f in verdict.findings} == {"unrecognised-accelerator"}
    assert "acme_accel_memory, acme_accel_utilisation" in verdict.findings[0].because


def stored(use: float, memory: float) -> str:
    """A store's answer: four devices of our node, of which the first one is used, and four of another node."""
    rows = [
        {"metric": {"__name__": name, "UUID": device, "Hostname": node, "exported_pod": ""}, "value": [1, str(v)]}
        for node in ("n1", "n2")
        for device in [f"d{i}" if node == "n1" else f"e{i}" for i in range(4)]
        for name, v in (
            ("DCGM_FI_DEV_GPU_UTIL", use if device == "d0" else 0),
            ("DCGM_FI_DEV_FB_USED", memory if device == "d0" else 0),
        )
    ]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}})


def in_store() -> History:
    history = History().found(kind="store", where={"Hostname": "n1"})
    history.says("baseline", *[stored(0, 0)] * 3).free("canary", 0).holder("Running")
    return history.idled(*[stored(*HELD)] * 4).loaded(*[stored(*LOADED)] * 10)


def test_a_store_is_asked_for_our_node_only() -> None:
    verdict = in_store().released(stored(0, 0)).judged()
    assert verdict.outcome is Outcome.PASS, verdict.findings
    assert verdict.facts["devices"] == 4


def test_a_store_may_look_back() -> None:
    assert in_store().released(*[stored(*LOADED)] * 3).of("shows_the_release") == ("UNKNOWN", "interrupted")
    assert in_store().released(*[stored(*LOADED)] * 5).failing() == {"shows_the_release"}
    still = History().found(kind="store", where={"Hostname": "n1"})
    still.says("baseline", *[stored(0, 0)] * 3).free("canary", 0).holder("Running").idled(*[stored(*HELD)] * 4)
    before = list(still.seen)
    assert still.loaded(*[stored(*HELD)] * 10).of("shows_memory") == ("UNKNOWN", "interrupted")
    still.seen = before
    assert still.loaded(*[stored(*HELD)] * 40).failing() == {"shows_utilisation", "shows_memory"}


def test_what_a_store_says_of_itself_is_no_fault_of_an_exporter() -> None:
    error = json.dumps({"status": "error", "errorType": "timeout", "error": "query timed out"})
    history = History().found(kind="store").says("baseline", *[error] * 4)
    assert history.failing() == set()
    assert history.of("serves_readable_metrics") == ("UNKNOWN", "no-reachable-address")
