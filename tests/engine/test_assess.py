"""A row's outcome counts every attempt that was planned, also those that never began."""

import pytest

from aiconform.checklists import load
from aiconform.engine.assess import assess
from aiconform.model import Finding, Options, Outcome, Row, Run, Suite, Verdict

SUITE = Suite(version="t")


def verdict(attempt: str, outcome: Outcome) -> Verdict:
    check, _, via = attempt.partition(".")
    finding = Finding(clause="c", outcome=outcome, because="seen", code="x" if outcome is Outcome.UNKNOWN else "")
    return Verdict(
        check=check, via=via, outcome=outcome, findings=(finding,), limits=(), recording="0", judged_by=SUITE
    )


def row(planned: tuple[str, ...], *verdicts: Verdict) -> Row:
    run = Run(
        id="r", at="", platform="p", context="c", server_version="v1.37.1", checklist="1.37", suite=SUITE,
        options=Options(), attempts=planned,
    )  # fmt: skip
    made = assess(load("1.37"), verdicts, (), run=run, untried={}, judged_by=SUITE)
    return next(r for r in made.rows if r.requirement == planned[0].partition(".")[0])


EVERY = ("secure_accelerator_access.one", "secure_accelerator_access.two")
SOME = ("gang_scheduling.one", "gang_scheduling.two")


@pytest.mark.parametrize(
    ("planned", "outcome", "expected"),
    [
        (EVERY, Outcome.PASS, Outcome.UNKNOWN),
        (EVERY, Outcome.FAIL, Outcome.FAIL),
        (SOME, Outcome.PASS, Outcome.PASS),
        (SOME, Outcome.FAIL, Outcome.UNKNOWN),
    ],
)
def test_an_attempt_that_never_began_is_unknown(planned: tuple[str, ...], outcome: Outcome, expected: Outcome) -> None:
    got = row(planned, verdict(planned[0], outcome))
    assert got.outcome is expected
    if expected is Outcome.UNKNOWN:
        assert got.code == "interrupted" and planned[1] in got.because
    both = row(planned, verdict(planned[0], outcome), verdict(planned[1], outcome))
    assert both.outcome is outcome
