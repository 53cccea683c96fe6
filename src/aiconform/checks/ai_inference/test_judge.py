"""Hand-made histories at the edges: when the judge must not say more than was seen. Real ones lie in recordings/."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.checks.ai_inference import orders
from aiconform.checks.ai_inference.judge import judge
from aiconform.checks.ai_inference.made_history import (
    FAIL,
    PARTS,
    PASS,
    SUITE,
    UNKNOWN,
    History,
    What,
    chat,
    delete,
    failures,
    finding,
    grant,
    headers,
    judged,
    nothing,
    refuse,
    rows,
    settled,
    shares,
    sound,
)


def test_a_sound_platform_passes() -> None:
    verdict = judged(sound())
    assert {f.outcome for f in verdict.findings} == {PASS}, [f for f in verdict.findings if f.outcome is not PASS]
    assert verdict.outcome is PASS
    assert verdict.limits == ("one Gateway with one HTTP listener: TLS was not tried",)
    assert verdict.facts["answers in parts"] == "incremental"
    assert verdict.facts["mesh features"] == "Mesh"


def test_every_pass_cites_something() -> None:
    for found in judged(sound()).findings:
        assert found.cites, found.clause


def test_an_empty_recording_is_unknown_everywhere() -> None:
    h = History()
    h.facts = {}
    assert {f.outcome for f in judged(h).findings} == {UNKNOWN}


@pytest.mark.parametrize("step", ["plan", "setup", "canary"])
def test_what_could_not_begin_is_unknown_with_its_code(step: str) -> None:
    h = History()
    h.unable(step, "some-code")
    assert {(f.outcome, f.code) for f in judged(h).findings} == {(UNKNOWN, "some-code")}


@pytest.mark.parametrize("part", PARTS)
def test_without_one_part_nothing_passes(part: str) -> None:
    verdict = judged(sound(**{part: nothing}))
    assert verdict.outcome is not PASS
    wrongly = {f.clause for f in verdict.findings if f.outcome is FAIL}
    # A route of which nobody says anything is not in order, although the Gateway is.
    assert wrongly <= ({"refuses_missing_backends"} if part == "routes" else set())


@given(st.integers(min_value=0, max_value=60))
@settings(max_examples=60, deadline=None)
def test_one_that_was_cut_short_never_passes(count: int) -> None:
    rec = sound().recording()
    if count < len(rec.observations):
        cut = replace(rec, observations=rec.observations[:count], ending=None)
        assert judge(cut, SUITE).outcome is not PASS


# -- the Gateway and the way in ------------------------------------------------------------------------------------


def gateway(*said: tuple[str, str, str], **more: Any) -> Any:
    return lambda h: h.gateway(*said, **more)


def test_a_condition_about_an_older_generation_does_not_count() -> None:
    old = gateway(("Accepted", "True", "Accepted"), ("Programmed", "True", "Programmed"), generation=2)
    found = finding(sound(programmed=old), "programs_a_gateway")
    assert (found.outcome, found.code) == (UNKNOWN, "mechanism-silent")


@pytest.mark.parametrize(("claimed", "outcome"), [(False, UNKNOWN), (True, FAIL)])
def test_a_silent_controller_fails_only_where_the_operator_named_it(claimed: bool, outcome: Any) -> None:
    h = sound(programmed=gateway(), reach=nothing)
    h.facts["claimed"] = claimed
    assert finding(h, "programs_a_gateway").outcome is outcome


@pytest.mark.parametrize(
    ("reason", "reached", "outcome"),
    [
        ("AddressNotAssigned", True, PASS),
        ("AddressNotAssigned", False, UNKNOWN),
        ("NoResources", False, UNKNOWN),
        ("Pending", True, FAIL),
        ("Invalid", False, FAIL),
    ],
)
def test_why_a_gateway_is_not_programmed_decides(reason: str, reached: bool, outcome: Any) -> None:
    part = gateway(("Accepted", "True", "Accepted"), ("Programmed", "False", reason))
    h = sound(programmed=part) if reached else sound(programmed=part, reach=nothing)
    assert finding(h, "programs_a_gateway").outcome is outcome


def test_a_class_that_has_none_of_the_ports_is_unknown() -> None:
    part = gateway(("Accepted", "False", "ListenersNotValid"), port="PortUnavailable")
    found = finding(sound(programmed=part, reach=nothing), "programs_a_gateway")
    assert (found.outcome, found.code) == (UNKNOWN, "no-port")


def test_what_is_said_while_the_gateway_is_deleted_does_not_count() -> None:
    h = sound()
    h.gateway(("Accepted", "True", "Accepted"), ("Programmed", "False", "Pending"))
    h.lines[-1].body["object"]["metadata"]["deletionTimestamp"] = "2000-01-01T00:00:00Z"
    assert finding(h, "programs_a_gateway").outcome is PASS


def test_a_route_that_another_controller_accepted_is_not_in_order() -> None:
    def routes(h: History) -> None:
        h.route("split", controller="somebody/else")

    assert finding(sound(routes=routes), "programs_a_gateway").outcome is FAIL


@pytest.mark.parametrize(
    ("what", "outcome"),
    [(404, FAIL), (503, FAIL), ("refused", FAIL), ("timeout", UNKNOWN), ("closed", UNKNOWN), (308, UNKNOWN)],
)
def test_what_the_stated_address_answers_decides(what: What, outcome: Any) -> None:
    def reach(h: History) -> None:
        h.search(("status", what))
        h.search(("status", what), subject="here/reach")
        h.add("fact", "services", {"listed": True}, "reach")
        h.add("fact", "nodes", ["10.1.0.1"], "reach")

    h = sound(reach=reach)
    assert finding(h, "carries_requests_to_backends").outcome is outcome
    assert failures(h) <= {"carries_requests_to_backends"}


@pytest.mark.parametrize("read", [True, False])
@pytest.mark.parametrize(("what", "outcome"), [(503, UNKNOWN), ("refused", UNKNOWN), (404, FAIL)])
def test_network_policies_may_keep_the_gateway_from_the_backends(what: What, outcome: Any, read: bool) -> None:
    def reach(h: History) -> None:
        h.search(("status", what))
        h.add("fact", "services", {"listed": True}, "reach")
        h.add("fact", "nodes", ["10.1.0.1"], "reach")
        h.add("fact", "network_policies", ["same-namespace-only"] if read else [], "reach")

    h = sound(reach=reach)
    h.facts["policy_apis"] = [] if read else ["ciliumclusterwidenetworkpolicies.example.io"]
    found = finding(h, "carries_requests_to_backends")
    assert found.outcome is outcome and found.code == ("" if outcome is FAIL else "blocked-by")


@pytest.mark.parametrize(
    ("services", "nodes"), [({"listed": False}, ["10.1.0.1"]), ({"listed": True}, ["10.0.0.1"]), (None, None)]
)
def test_a_closed_port_proves_nothing_where_another_one_may_be_meant(services: Any, nodes: Any) -> None:
    def reach(h: History) -> None:
        h.search(("status", "refused"))
        for name, value in (("services", services), ("nodes", nodes)):
            if value is not None:
                h.add("fact", name, value, "reach")

    assert finding(sound(reach=reach), "carries_requests_to_backends").outcome is UNKNOWN


@pytest.mark.parametrize(("nodes", "from_here"), [(["10.0.0.1"], "timeout"), (None, "timeout"), (["10.1.0.1"], 404)])
def test_an_answer_that_may_be_somebody_elses_proves_nothing(nodes: Any, from_here: What) -> None:
    def reach(h: History) -> None:
        h.search(("status", "timeout" if from_here == 404 else 404))
        h.search(("status", from_here), subject="here/reach")
        h.add("fact", "services", {"listed": True}, "reach")
        if nodes is not None:
            h.add("fact", "nodes", nodes, "reach")

    assert finding(sound(reach=reach), "carries_requests_to_backends").outcome is UNKNOWN


def test_somebody_elses_server_on_the_node_proves_nothing() -> None:
    def reach(h: History) -> None:
        h.search(("status", "timeout"), ("node", 404))

    found = finding(sound(reach=reach), "carries_requests_to_backends")
    assert (found.outcome, found.code) == (UNKNOWN, "no-reachable-address")


def test_an_unprogrammed_gateway_is_not_blamed_for_its_address() -> None:
    part = gateway(("Accepted", "True", "Accepted"), ("Programmed", "False", "AddressNotAssigned"))
    h = sound(programmed=part, reach=lambda h: h.search(("node", "refused")))
    assert failures(h) == set()


# -- weights -------------------------------------------------------------------------------------------------------


def samples(*taken: list[What]) -> Any:
    def part(h: History) -> None:
        for number, answers in enumerate(taken):
            h.answer("split", {f"sample-{number}": rows("split", answers)}, subject=f"pods/ns/client-{number}/probe")

    return part


LOW, HIGH, RIGHT = shares(500, 500), shares(900, 100), shares(700, 300)


@pytest.mark.parametrize(
    ("taken", "outcome"),
    [
        ([shares(383, 117)], PASS),
        ([shares(384, 116)], UNKNOWN),
        ([LOW, LOW, LOW, LOW], FAIL),
        ([HIGH, HIGH, HIGH, HIGH], FAIL),
        ([LOW, LOW, RIGHT], PASS),
        ([LOW, LOW, LOW], UNKNOWN),
        ([LOW, HIGH, LOW, HIGH], UNKNOWN),
        ([shares(280, 120, other=100)], UNKNOWN),
        ([shares(0, 0, other=500)], UNKNOWN),
    ],
)
def test_shares_fail_only_if_all_samples_are_out_on_one_side(taken: list[list[What]], outcome: Any) -> None:
    assert finding(sound(split=samples(*taken)), "splits_by_weight").outcome is outcome


def test_one_request_to_weight_zero_is_enough() -> None:
    h = sound(split=samples(shares(350, 149, 1)))
    assert failures(h) == {"sends_nothing_to_weight_zero"}


@pytest.mark.parametrize(
    ("last", "seconds", "outcome"),
    [("one", 200, FAIL), (503, 200, FAIL), ("one", 20, UNKNOWN), ("timeout", 200, UNKNOWN), ("three", 5, PASS)],
)
def test_a_change_fails_only_after_its_whole_time(last: What, seconds: int, outcome: Any) -> None:
    def change(h: History) -> None:
        rounds = orders.ROUNDS + 3
        every = 1000 * seconds // (rounds * orders.TIMES)
        h.answer("change", {"change": settled("split", *["one"] * 3, *[last] * orders.ROUNDS, every=every)})

    assert finding(sound(change=change), "follows_a_change_of_weights").outcome is outcome


@pytest.mark.parametrize(
    ("lost", "outcome"), [(["closed"] * 2, PASS), (["closed"] * 5, UNKNOWN), ([503] * 5, FAIL), (["one"], FAIL)]
)
def test_connections_that_are_lost_are_no_wrong_weights(lost: list[What], outcome: Any) -> None:
    def change(h: History) -> None:
        last: list[What] = [*["three"] * (orders.ROUNDS * orders.TIMES - len(lost)), *lost]
        h.answer("change", {"change": rows("split", [*["one"] * 15, *last], every=5000)})

    assert finding(sound(change=change), "follows_a_change_of_weights").outcome is outcome


# -- headers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [{"a": "three"}, {"b": "one"}, {"none": "one"}, {"other": "two"}])
def test_a_header_that_is_not_looked_at_fails(other: dict[str, What]) -> None:
    assert failures(sound(headers=lambda h: headers(h, **other))) == {"routes_by_header"}


def test_a_header_whose_requests_are_lost_is_unknown() -> None:
    assert finding(sound(headers=lambda h: headers(h, a=503)), "routes_by_header").outcome is UNKNOWN


@pytest.mark.parametrize("seen", [{"body": "other"}, {"credential": ""}, {"credential": "other"}])
def test_a_request_that_arrives_changed_fails(seen: dict[str, str]) -> None:
    assert failures(sound(headers=lambda h: chat(h, seen=seen))) == {"passes_requests_unchanged"}


@pytest.mark.parametrize(("what", "outcome"), [("two", FAIL), (401, UNKNOWN)])
def test_a_chat_completion_must_reach_the_backend_of_its_header(what: What, outcome: Any) -> None:
    assert finding(sound(headers=lambda h: chat(h, what=what)), "passes_requests_unchanged").outcome is outcome


def test_answers_that_are_held_back_are_a_limit_and_no_failure() -> None:
    h = sound()
    at = next(i for i, o in enumerate(h.lines) if o.step == "headers")
    body = h.lines[at].body
    body["batches"]["stream"] = {"status": 200, "arrivals": [1900]}
    verdict = judged(h)
    assert verdict.outcome is PASS
    assert any("held back" in limit for limit in verdict.limits)


# -- refusals ------------------------------------------------------------------------------------------------------


def test_somebody_elses_answer_for_an_unknown_host_is_only_a_limit() -> None:
    verdict = judged(sound(refuse=lambda h: refuse(h, unknown=200)))
    assert verdict.outcome is PASS
    assert "unknown hosts are answered with 200 and not with 404" in verdict.limits


@pytest.mark.parametrize(
    ("other", "clause"),
    [
        ({"unknown": "three"}, "keeps_unknown_hosts_out"),
        ({"missing": "one"}, "refuses_missing_backends"),
        ({"missing": 200}, "refuses_missing_backends"),
        ({"foreign": "foreign"}, "refuses_foreign_backends"),
    ],
)
def test_what_must_reach_nobody_fails_where_it_does(other: dict[str, What], clause: str) -> None:
    assert failures(sound(refuse=lambda h: refuse(h, **other))) == {clause}


def test_an_unknown_host_that_is_served_later_fails() -> None:
    def late(h: History) -> None:
        delete(h)
        h.lines[-1].body["batches"]["delete"] += rows("unknown", ["foreign"])

    assert failures(sound(delete=late)) == {"keeps_unknown_hosts_out"}


def test_refusals_prove_nothing_while_the_gateway_serves_nobody() -> None:
    verdict = judged(sound(refuse=lambda h: refuse(h, split=503)))
    assert {f.clause for f in verdict.findings if f.code == "control-failed"} == {
        "keeps_unknown_hosts_out", "refuses_missing_backends", "refuses_foreign_backends",
    }  # fmt: skip


def test_a_missing_backend_that_is_said_to_be_there_fails() -> None:
    def routes(h: History) -> None:
        PARTS["routes"](h)
        h.route("missing")

    assert failures(sound(routes=routes)) == {"refuses_missing_backends"}


def test_a_request_that_only_the_foreign_log_shows_fails() -> None:
    def seen(h: History) -> None:
        refuse(h)
        h.add("log", "pods/other/backend-foreign/probe", {"text": 'x\n{"case": "foreign"}\n'}, "canary")

    assert failures(sound(refuse=seen)) == {"refuses_foreign_backends"}


def test_a_foreign_reference_said_to_be_in_order_fails() -> None:
    def routes(h: History) -> None:
        PARTS["routes"](h)
        h.route("foreign")

    assert failures(sound(routes=routes)) == {"refuses_foreign_backends"}


def test_a_controller_that_is_quicker_than_the_answer_to_the_grant_is_sound() -> None:
    def quick(h: History) -> None:
        h.route("foreign")
        grant(h)

    assert judged(sound(grant=quick)).outcome is PASS


def test_without_a_grant_that_serves_the_silence_proves_nothing() -> None:
    def useless(h: History) -> None:
        grant(h)
        h.lines.pop()
        h.answer("grant", {"grant": settled("foreign", *[500] * orders.ROUNDS)})

    found = finding(sound(grant=useless), "refuses_foreign_backends")
    assert (found.outcome, found.code) == (UNKNOWN, "control-failed")


def test_a_route_that_the_server_refuses_reaches_nobody() -> None:
    def without(h: History) -> None:
        refuse(h)
        h.add("call", "POST httproutes.gateway.networking.k8s.io/ns/foreign", {"status": 403}, "gateway")
        h.unable("grant", "admission-denied")

    assert finding(sound(refuse=without, grant=nothing), "refuses_foreign_backends").outcome is PASS


@pytest.mark.parametrize(
    ("gone", "kept", "outcome"), [("three", "three", UNKNOWN), (404, 404, UNKNOWN), (503, "three", PASS)]
)
def test_a_deleted_route_needs_one_that_still_serves(gone: What, kept: What, outcome: Any) -> None:
    found = finding(sound(delete=lambda h: delete(h, gone, kept)), "stops_when_the_route_is_deleted")
    assert found.outcome is outcome


def test_a_deleted_route_that_serves_for_the_whole_time_fails() -> None:
    def late(h: History) -> None:
        mixed = settled("models", *["one"] * 6, every=7000) + settled("split", *["three"] * 6, every=7000)
        h.answer("delete", {"delete": mixed})

    assert failures(sound(delete=late)) == {"stops_when_the_route_is_deleted"}
