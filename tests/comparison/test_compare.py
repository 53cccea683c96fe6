"""What counts as a regression, what is told apart, and what is merely said."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from aiconform.cli.compare import _side
from aiconform.comparison import Change, Comparison, compare
from aiconform.comparison.compare import change, is_loss
from aiconform.comparison.facts import lost_units
from aiconform.comparison.types import RowChange
from aiconform.model import Inventory, Options, Outcome, Product, Run, Suite

sys.path.insert(0, str(Path(__file__).parent))
from kept_runs import ACCESS, GANG, INVENTORY, RUN, SOUND, accelerator, make_run, node

LATER = replace(RUN, id="b2", at="2026-02-02T10:00:00Z")


def compared(
    tmp_path: Path,
    before: dict[str, str],
    after: dict[str, str],
    *,
    run: Run = LATER,
    inventory: Inventory = INVENTORY,
    checklist: str = "",
) -> Comparison:
    first = make_run(tmp_path / "a", before)
    second = make_run(tmp_path / "b", after, run=run, inventory=inventory)
    return compare(_side(first, checklist), _side(second, checklist))


def row(c: Comparison, name: str) -> RowChange:
    return next(r for r in c.rows if r.requirement == name)


@pytest.mark.parametrize(
    ("before", "after", "kind", "loss"),
    [
        (Outcome.PASS, Outcome.PASS, Change.SAME, False),
        (Outcome.PASS, Outcome.FAIL, Change.BROKE, True),
        (Outcome.PASS, Outcome.UNKNOWN, Change.UNPROVED, True),
        (Outcome.PASS, Outcome.NOT_APPLICABLE, Change.WAIVED, True),
        (Outcome.PASS, None, Change.VANISHED, True),
        (Outcome.FAIL, None, Change.VANISHED, False),
        (Outcome.UNKNOWN, Outcome.FAIL, Change.WORSE, False),
        (Outcome.NOT_APPLICABLE, Outcome.FAIL, Change.WORSE, False),
        (Outcome.FAIL, Outcome.PASS, Change.BETTER, False),
        (Outcome.FAIL, Outcome.UNKNOWN, Change.OTHER, False),
        (None, Outcome.FAIL, Change.NEW, False),
        (None, None, Change.SAME, False),
    ],
)
def test_every_kind_of_change(before: Outcome | None, after: Outcome | None, kind: Change, loss: bool) -> None:
    assert change(before, after) is kind
    assert is_loss(kind, before) is loss


def test_a_run_compared_with_itself_differs_in_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", SOUND)
    same = compare(_side(run, ""), _side(run, ""))
    assert not same.regressions and not same.facts and not same.settings
    assert {c.change for r in same.rows for c in r.clauses} == {Change.SAME}
    assert "both are the run a1" in same.notes


def test_a_platform_that_broke_is_told_by_row_and_clause(tmp_path: Path) -> None:
    c = compared(tmp_path, SOUND, {**SOUND, GANG: "fail-binds-one-by-one"})
    assert row(c, GANG).change is Change.BROKE and row(c, GANG).regression
    assert f"{GANG}: passed, fails now" in c.regressions
    broken = {k.clause for k in row(c, GANG).clauses if k.change is Change.BROKE}
    assert "starts_none_when_short" in broken
    assert f"{GANG} by native, starts_none_when_short: passed, fails now" in c.regressions
    assert row(c, ACCESS).change is Change.SAME
    assert not any(ACCESS in r for r in c.regressions)


def test_the_other_way_round_it_is_better_and_no_regression(tmp_path: Path) -> None:
    c = compared(tmp_path, {**SOUND, GANG: "fail-binds-one-by-one"}, SOUND)
    assert row(c, GANG).change is Change.BETTER
    assert not c.regressions


def test_not_proved_is_told_apart_from_broken(tmp_path: Path) -> None:
    c = compared(tmp_path, {GANG: "pass-sound"}, {GANG: "unknown-field-dropped"})
    assert row(c, GANG).after is Outcome.UNKNOWN
    assert row(c, GANG).change is Change.UNPROVED
    assert f"{GANG}: passed, is not proved now" in c.regressions


def test_an_attempt_that_vanished_takes_its_clauses_along(tmp_path: Path) -> None:
    """secure_accelerator_access was proved for three ways of asking, and one is not there any more."""
    c = compared(tmp_path, SOUND, {GANG: "pass-sound", ACCESS: "pass-sound/simulated-dra"})
    assert row(c, ACCESS).change is Change.SAME
    gone = {k.via for k in row(c, ACCESS).clauses if k.change is Change.VANISHED}
    assert gone == {"simulated-device-plugin", "simulated-dra-extended"}
    assert sum("is not there now" in r for r in c.regressions) == 2


def test_a_whole_check_that_nobody_tried_again_is_unproved(tmp_path: Path) -> None:
    c = compared(tmp_path, SOUND, {GANG: "pass-sound"})
    assert row(c, ACCESS).change is Change.UNPROVED and row(c, ACCESS).regression


def test_what_the_user_left_out_is_not_compared_and_said(tmp_path: Path) -> None:
    run = replace(LATER, options=Options(only=(GANG,)))
    c = compared(tmp_path, SOUND, {GANG: "pass-sound"}, run=run)
    assert row(c, ACCESS).change is Change.NOT_COMPARED
    assert not c.regressions
    assert any(n.startswith("left out of the second run") and ACCESS in n for n in c.notes)
    assert "run with different settings: only" in c.notes


def test_an_accelerator_that_the_user_left_out_is_not_compared(tmp_path: Path) -> None:
    run = replace(LATER, options=Options(only=(GANG, ACCESS), accelerator=("simulated-dra",)))
    c = compared(tmp_path, SOUND, {GANG: "pass-sound", ACCESS: "pass-sound/simulated-dra"}, run=run)
    assert not c.regressions
    left = {k.via for k in row(c, ACCESS).clauses if k.change is Change.NOT_COMPARED}
    assert left == {"simulated-device-plugin", "simulated-dra-extended"}
    assert "run with different settings: accelerator" in c.notes


def test_two_mechanisms_without_a_partner_are_compared_with_each_other(tmp_path: Path) -> None:
    c = compared(tmp_path, {GANG: "pass-sound"}, {GANG: "fail-volcano-without-gang"})
    pairs = {k.via for k in row(c, GANG).clauses}
    assert pairs == {"native -> volcano"}
    assert any("native -> volcano" in r for r in c.regressions)


def optional_clause_gone(tmp_path: Path, *allowed: tuple[str, ...]) -> Comparison:
    kept = ("pass-extended-cases", "pass-slow-retry")
    sides = [
        _side(make_run(tmp_path / name, {GANG: name}, run=replace(RUN, options=Options(only=(GANG,), allow=allow))), "")
        for name, allow in zip(kept, allowed, strict=True)
    ]
    return compare(*sides)


def test_optional_clauses_that_were_not_asked_for_are_no_loss(tmp_path: Path) -> None:
    c = optional_clause_gone(tmp_path, ("extended",), ())
    kinds = {k.clause: k.change for k in row(c, GANG).clauses}
    assert kinds["finishes_two_competing_gangs"] is Change.NOT_COMPARED
    assert not [r for r in c.regressions if "finishes_two" in r]


def test_optional_clauses_that_were_asked_for_again_are(tmp_path: Path) -> None:
    c = optional_clause_gone(tmp_path, ("extended",), ("extended",))
    assert f"{GANG} by native, finishes_two_competing_gangs: passed, is not proved now" in c.regressions


def test_accelerators_that_vanished(tmp_path: Path) -> None:
    gone = compared(tmp_path / "1", SOUND, SOUND, inventory=replace(INVENTORY, accelerators=()))
    assert gone.regressions == ("accelerator sim: had 8 units (simulated, sim.example/accelerator, device-plugin) on "
                                "n-1 4, n-2 4, is not there now",)  # fmt: skip
    fewer = replace(INVENTORY, accelerators=(accelerator(n_1=4, n_2=3),))
    assert len(compared(tmp_path / "2", SOUND, SOUND, inventory=fewer).regressions) == 1


def test_a_node_that_an_autoscaler_took_is_no_regression(tmp_path: Path) -> None:
    less = replace(INVENTORY, nodes=(node("n-1"),), accelerators=(accelerator(n_1=4),))
    c = compared(tmp_path, SOUND, SOUND, inventory=less)
    assert not c.regressions
    assert {"nodes", "accelerator sim"} <= {f.what for f in c.facts}


def test_lost_units_are_counted_on_nodes_that_are_still_there() -> None:
    assert lost_units(accelerator(a=4, b=2), accelerator(a=1), ["a"]) == {"a": 3}
    assert lost_units(accelerator(a=4), accelerator(a=8, b=1), ["a", "b"]) == {}
    assert lost_units(None, accelerator(a=8), ["a"]) == {}


def test_between_two_platforms_other_accelerators_are_a_fact_and_no_regression(tmp_path: Path) -> None:
    other = replace(INVENTORY, platform="other", accelerators=(accelerator("else", m_1=1),))
    c = compared(tmp_path, SOUND, SOUND, run=replace(LATER, platform="other"), inventory=other)
    assert not c.same_platform and not c.regressions
    assert {"accelerator sim", "accelerator else"} <= {f.what for f in c.facts}
    assert "these are two platforms, example and other" in c.notes


def test_between_two_platforms_attempts_of_other_names_are_counted_as_their_row_does(tmp_path: Path) -> None:
    run = replace(LATER, platform="other")
    c = compared(tmp_path, SOUND, {GANG: "pass-sound/native=third", ACCESS: "pass-sound/simulated-dra=own"}, run=run)
    assert not c.regressions
    assert {k.via for k in row(c, GANG).clauses} == {"native -> third"}
    worse = {GANG: "pass-sound", ACCESS: "fail-allows-foreign-numbers"}
    c = compared(tmp_path / "worse", SOUND, worse, run=run)
    assert any(r.startswith(f"{ACCESS} by ") and r.endswith("passed, fails now") for r in c.regressions)


def test_versions_and_products_behind_it(tmp_path: Path) -> None:
    new = replace(
        INVENTORY, nodes=(node("n-1", "v1.38.0"), node("n-2")), products=(Product(name="volcano", version="1.13"),)
    )
    c = compared(tmp_path, SOUND, SOUND, run=replace(LATER, server_version="v1.38.0"), inventory=new)
    facts = {f.what: (f.before, f.after) for f in c.facts}
    assert facts["Kubernetes"] == ("v1.37.1", "v1.38.0")
    assert facts["product kueue"] == ("0.14.1", "")
    assert facts["product volcano"] == ("", "1.13")
    assert facts["kubelets"] == ("2 x v1.37.1", "1 x v1.37.1, 1 x v1.38.0")


def test_other_suites_checklists_and_a_wrong_order_are_said(tmp_path: Path) -> None:
    run = replace(LATER, suite=Suite(version="0.2.0", commit="abc"), checklist="v1.35", at="2025-01-01T00:00:00Z")
    c = compared(tmp_path, SOUND, SOUND, run=run)
    said = "\n".join(c.notes)
    for part in ("different suites, aiconform 0.1.0 and 0.2.0 (abc)", "v1.37 and v1.35", "older than the first"):
        assert part in said
    assert row(c, "dra_support").change is Change.NOT_COMPARED
    assert "not in the checklist of the first run, so not compared: dra_support" in said
    again = compared(tmp_path / "same", SOUND, SOUND, run=run, checklist="1.36")
    assert again.before.checklist == again.after.checklist == "v1.36"


def test_another_cluster_under_the_same_name_is_suspected(tmp_path: Path) -> None:
    others = replace(INVENTORY, nodes=(node("m-1"), node("m-2")))
    c = compared(tmp_path, SOUND, SOUND, run=replace(LATER, context="staging"), inventory=others)
    said = "\n".join(c.notes)
    assert "the contexts differ, prod and staging" in said and "no node of the first run" in said
    assert not any("no node" in n for n in compared(tmp_path / "same", SOUND, SOUND).notes)


def test_a_should_that_got_lost_is_shown_and_no_regression(tmp_path: Path) -> None:
    a, b = (
        _side(make_run(tmp_path / n, {GANG: k}), "") for n, k in (("a", "pass-sound"), ("b", "fail-binds-one-by-one"))
    )
    as_should = [
        replace(s, assessment=replace(s.assessment, rows=tuple(replace(r, level="SHOULD") for r in s.assessment.rows)))
        for s in (a, b)
    ]
    c = compare(as_should[0], as_should[1])
    assert row(c, GANG).change is Change.BROKE
    assert not c.regressions
