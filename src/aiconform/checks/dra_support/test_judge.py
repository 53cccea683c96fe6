"""The judge at the edges: the whole, and the clauses that need no driver. Real recordings lie in recordings/."""

from typing import Any

import pytest

from aiconform.checks.dra_support.check import TYPES, VERBS
from aiconform.checks.dra_support.made_history import (
    CLAIMS,
    FAIL,
    NA,
    NO,
    NS,
    OK,
    PASS,
    UNKNOWN,
    History,
    Part,
    control,
    finding,
    nothing,
    objects,
    opening,
    refusals,
    requests,
    story,
)
from aiconform.model import Outcome


def test_the_sound_history_passes() -> None:
    v = story()
    assert {f.outcome for f in v.findings} == {PASS}, [f for f in v.findings if f.outcome is not PASS]
    assert v.outcome is PASS
    assert all(f.cites for f in v.findings)


def test_nothing_seen_is_unknown() -> None:
    assert {f.outcome for f in History().verdict().findings} == {UNKNOWN}


def test_an_interrupted_run_never_passes() -> None:
    assert story(how=None).outcome is UNKNOWN
    assert story(how="failed").outcome is UNKNOWN


def test_without_devices_the_api_alone_passes_with_a_limit() -> None:
    h = History()
    h.facts |= {"accelerator": None, "incomplete": []}
    h.fact("published", {"drivers": {"nic.example.com": 2}})
    for part in (opening, requests, control):
        part(h)
    h.open("waiting")
    objects(h)
    refusals(h)
    h.close("waiting", 61)
    v = h.verdict()
    assert v.outcome is PASS
    assert finding(v, "allocates_by_attribute").outcome is NA
    assert "api-level only" in v.limits[0] and "nic.example.com" in v.limits[0]


@pytest.mark.parametrize("code", ["pool-incomplete", "too-few-accelerators"])
def test_devices_that_could_not_be_tried_are_unknown(code: str) -> None:
    def why(h: History) -> None:
        opening(h)
        h.add("unable", "claim", {"code": code, "because": "so"}, "claim")

    v = story(opening=why, holder=nothing, second=nothing, release=nothing, again=nothing, afterwards=nothing)
    assert v.outcome is UNKNOWN
    assert finding(v, "gives_a_released_device_again").code == code


def test_a_beta_version_is_enough_for_the_first_checklist_only() -> None:
    def beta(required: str) -> Part:
        def part(h: History) -> None:
            opening(h)
            h.facts["required"] = required
            h.fact("served", {"versions": {plural: {"v1beta1": list(VERBS)} for plural in TYPES}})

        return part

    assert finding(story(opening=beta("any")), "serves_the_api").outcome is PASS
    assert finding(story(opening=beta("v1")), "serves_the_api").outcome is FAIL


def test_a_missing_verb_fails() -> None:
    def short(h: History) -> None:
        opening(h)
        h.fact("served", {"versions": {plural: {"v1": sorted(set(VERBS) - {"watch"})} for plural in TYPES}})

    assert finding(story(opening=short), "serves_the_api").outcome is FAIL


@pytest.mark.parametrize(
    ("plural", "change", "outcome"),
    [
        ("resourceslices", {"stored": {}}, FAIL),
        ("resourceclaims", {"got": None}, FAIL),
        ("deviceclasses", {"listed": False}, FAIL),
        ("deviceclasses", {"changed": {**OK, "kept": False}}, FAIL),
        ("resourceslices", {"watched": False}, FAIL),
        ("resourceslices", {"gone": False}, UNKNOWN),
        ("deviceclasses", {"created": NO}, FAIL),
        ("deviceclasses", {"created": {**NO, "code": "rbac-denied"}}, UNKNOWN),
        ("deviceclasses", {"created": {**NO, "code": "admission-denied"}}, UNKNOWN),
        ("deviceclasses", {"created": {**NO, "status": 500}}, UNKNOWN),
        ("deviceclasses", {"changed": {**NO, "status": 429, "kept": False}}, UNKNOWN),
        ("deviceclasses", {"changed": {**NO, "kept": False}}, FAIL),
        ("deviceclasses", {"stored": {"some": "field", "more": 1}}, PASS),
    ],
)
def test_an_object_must_live_a_whole_life(plural: str, change: dict[str, Any], outcome: Outcome) -> None:
    def part(h: History) -> None:
        objects(h)
        body = next(o.body for o in h.lines if o.subject == f"object/{plural}")
        h.fact(f"object/{plural}", body | change)

    assert finding(story(objects=part), "keeps_what_it_is_given").outcome is outcome


def answered(case: str, **answer: Any) -> Part:
    def part(h: History) -> None:
        refusals(h)
        h.fact("answer", {"case": case, "admin": False, **OK, **answer})

    return part


def test_what_must_be_refused() -> None:
    clause = "refuses_broken_selectors"
    assert finding(story(refusals=answered("broken selector")), clause).outcome is FAIL
    assert finding(story(refusals=answered("sound claim", **NO)), clause).code == "control-did-not-run"
    busy = {**NO, "status": 500}
    assert finding(story(refusals=answered("broken selector", **busy)), clause).code == "api-lost"
    assert finding(story(refusals=answered("sound claim", **busy)), clause).code == "api-lost"
    denied = {**NO, "status": 403, "code": "rbac-denied"}
    assert finding(story(refusals=answered("broken selector", **denied)), clause).code == "rbac-denied"
    clause = "refuses_admin_access"
    assert finding(story(refusals=answered("admin access in a template", admin=True)), clause).outcome is FAIL
    dropped = story(refusals=answered("admin access"))
    assert finding(dropped, clause).outcome is PASS, "a server that drops the field grants nothing"


def test_no_claim_from_a_template() -> None:
    def unmade(h: History) -> None:
        requests(h)
        h.lines = [o for o in h.lines if o.subject != f"{CLAIMS}/{NS}/made"]
        h.live["no-match"]["status"].pop("resourceClaimStatuses")
        h._event("MODIFIED", f"pods/{NS}/no-match", h.live["no-match"])

    v = story(requests=unmade)
    assert finding(v, "makes_claims_from_templates").outcome is UNKNOWN, "nobody waited long enough"
    assert finding(v, "keeps_pods_waiting_for_their_claim").code == "no-claim"

    def waited(h: History) -> None:
        h.open("claim_made")
        h.close("claim_made", 61)

    assert finding(story(requests=unmade, end=waited), "makes_claims_from_templates").outcome is FAIL
