"""How outcomes combine. The only place that knows an order of badness."""

from collections.abc import Iterable, Mapping
from typing import Literal

from aiconform.model import Finding, Outcome

# From best to worst. Everything that combines outcomes takes the first or the last of this order.
ORDER = (Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN, Outcome.FAIL)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst one; UNKNOWN for an empty set, because nothing seen proves nothing."""
    return max(outcomes, key=ORDER.index, default=Outcome.UNKNOWN)


def best(outcomes: Iterable[Outcome]) -> Outcome:
    """The best one; UNKNOWN for an empty set."""
    return min(outcomes, key=ORDER.index, default=Outcome.UNKNOWN)


def within(findings: Iterable[Finding], optional: frozenset[str] = frozenset()) -> Outcome:
    """The outcome of one check from its clauses.

    An UNKNOWN or NOT_APPLICABLE of a clause named in `optional` does not count; its FAIL does.
    NOT_APPLICABLE beside a PASS is a PASS: the clause had nothing to say here.
    """
    counted = [f.outcome for f in findings if f.clause not in optional or f.outcome is Outcome.FAIL]
    if Outcome.PASS in counted and set(counted) <= {Outcome.PASS, Outcome.NOT_APPLICABLE}:
        return Outcome.PASS
    return worst(counted)


def across(outcomes: Iterable[Outcome], over: Literal["some mechanism", "every accelerator"]) -> Outcome:
    """The outcome of a requirement from several attempts at it."""
    return best(outcomes) if over == "some mechanism" else worst(outcomes)


def exit_code(musts: Mapping[str, Outcome]) -> int:
    """0: every MUST passed (or does not apply); 1: one failed; 2: none failed, but some are unknown."""
    outcome = worst(musts.values())
    return {Outcome.PASS: 0, Outcome.NOT_APPLICABLE: 0, Outcome.UNKNOWN: 2, Outcome.FAIL: 1}[outcome]
