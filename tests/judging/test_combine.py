"""The one order of badness, as a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconform.judging import across, exit_code, within
from aiconform.model import Finding, Outcome

P, F, U, N = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE


def findings(*outcomes: Outcome) -> list[Finding]:
    return [Finding(clause=f"c{i}", outcome=o, because="") for i, o in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ((), U),
        ((P,), P),
        ((P, P), P),
        ((P, U), U),
        ((P, F), F),
        ((U, F), F),
        ((P, U, F), F),
        ((N,), N),
        ((N, N), N),
        ((P, N), P),
        ((U, N), U),
        ((F, N), F),
    ],
)
def test_within_a_check(outcomes: tuple[Outcome, ...], together: Outcome) -> None:
    assert within(findings(*outcomes)) is together


@pytest.mark.parametrize(("optional", "together"), [(U, P), (N, P), (P, P), (F, F)])
def test_an_optional_clause_counts_only_when_it_fails(optional: Outcome, together: Outcome) -> None:
    assert within(findings(P, optional), frozenset({"c1"})) is together


@pytest.mark.parametrize(
    ("outcomes", "some", "every"),
    [
        ((), U, U),
        ((P, F), P, F),
        ((P, U), P, U),
        ((U, F), U, F),
        ((F, F), F, F),
        ((N, U), N, U),
        ((P, N), P, N),
    ],
)
def test_across_attempts(outcomes: tuple[Outcome, ...], some: Outcome, every: Outcome) -> None:
    assert across(outcomes, "some mechanism") is some
    assert across(outcomes, "every accelerator") is every


@pytest.mark.parametrize(("outcomes", "code"), [((P, P), 0), ((P, N), 0), ((P, U), 2), ((U, F), 1), ((), 2)])
def test_the_exit_code_uses_the_same_order(outcomes: tuple[Outcome, ...], code: int) -> None:
    assert exit_code({str(i): o for i, o in enumerate(outcomes)}) == code


@given(st.lists(st.sampled_from(list(Outcome))))
def test_a_pass_needs_a_pass_and_no_doubt(outcomes: list[Outcome]) -> None:
    together = within(findings(*outcomes))
    if together is P:
        assert P in outcomes and F not in outcomes and U not in outcomes
    assert (together is F) == (F in outcomes)
