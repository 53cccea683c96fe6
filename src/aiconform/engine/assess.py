"""One set of verdicts, held against one checklist version. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from aiconform.engine import registry
from aiconform.judging import across, exit_code
from aiconform.model import (
    Assessment,
    Checklist,
    Claim,
    Finding,
    Outcome,
    Requirement,
    Row,
    Run,
    Suite,
    Verdict,
)


def assess(
    checklist: Checklist,
    verdicts: Iterable[Verdict],
    claims: Iterable[Claim],
    *,
    run: Run,
    untried: Mapping[str, str],
    judged_by: Suite,
) -> Assessment:
    """Rows in the checklist's order. `untried` says why nothing was tried for a row."""
    verdicts, claims = tuple(verdicts), tuple(claims)
    rows = tuple(
        _row(
            r,
            [v for v in verdicts if v.check == r.id],
            tuple(c for c in claims if c.requirement == r.id),
            untried.get(r.id, ""),
            run.attempts,
        )
        for r in checklist.requirements
    )
    return Assessment(
        checklist=checklist.version,
        official_sha256=checklist.official_sha256,
        run=run.id,
        platform=run.platform,
        server_version=run.server_version,
        rows=rows,
        judged_by=judged_by,
        started=run.at,
        facts={"context": run.context, "suite": run.suite.version, **run.facts},
    )


def musts(assessment: Assessment) -> dict[str, Outcome]:
    """The outcomes that decide the exit code: MUST rows, without those that the user left out."""
    return {r.requirement: r.outcome for r in assessment.rows if r.level == "MUST" and r.code != "not-selected"}


def code(assessment: Assessment) -> int:
    """The exit code of a run (0, 1 or 2)."""
    return exit_code(musts(assessment))


def _row(
    requirement: Requirement,
    verdicts: list[Verdict],
    claims: tuple[Claim, ...],
    untried: str,
    planned: tuple[str, ...],
) -> Row:
    covered = requirement.id in registry.names()
    empty = Row(
        requirement=requirement.id,
        level=requirement.level,
        section=requirement.section,
        summary=requirement.summary,
        claims=claims,
        outcome=Outcome.UNKNOWN,
        because="",
        covered=covered,
    )
    if not verdicts:
        if untried == "not selected":
            return replace(empty, code="not-selected", because="left out of this run by --only or --skip")
        if not covered:
            return replace(empty, code="no-check", because="this version of aiconform has no check for it yet")
        return replace(empty, code="not-tried", because=untried or "the run holds no recording of it")
    recorded = {f"{v.check}.{v.via}" for v in verdicts}
    missing = [a for a in planned if a.startswith(f"{requirement.id}.") and a not in recorded]
    # What was planned and never begun counts like the other attempts: nobody knows what it would have come to.
    outcomes = [*(v.outcome for v in verdicts), *(Outcome.UNKNOWN for _ in missing)]
    outcome = across(outcomes, registry.load(requirement.id).check.over)
    if outcome is Outcome.UNKNOWN and not any(v.outcome is outcome for v in verdicts):
        because = f"{', '.join(missing)} was planned, and the run ended before it began"
        return replace(empty, code="interrupted", because=because, via=tuple(v.via for v in verdicts))
    telling = [v for v in verdicts if v.outcome is outcome]
    finding = deciding(telling[0])
    reason = f"{telling[0].via}: {finding.because}" if len(verdicts) > 1 else finding.because
    if outcome is Outcome.PASS:
        reason = "every clause held by " + ", ".join(v.via for v in telling)
    return replace(
        empty,
        outcome=outcome,
        because=reason,
        code=finding.code if outcome is Outcome.UNKNOWN else "",
        via=tuple(v.via for v in verdicts),
        limits=tuple(dict.fromkeys(limit for v in telling for limit in v.limits)),
    )


def deciding(verdict: Verdict) -> Finding:
    """The finding that made the outcome what it is: the first one of that outcome."""
    return next((f for f in verdict.findings if f.outcome is verdict.outcome), verdict.findings[0])
