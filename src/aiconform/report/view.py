"""What every form of the report shows, put together once: the assessment joined with verdicts and recordings.

Pure. The report judges nothing: outcomes, sentences and limits come from the assessment and the verdicts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiconform.model import Assessment, Check, Clause, Finding, Outcome, Recording, Row, Verdict

# An outcome is always shown as sign and word together, so that it never rests on colour.
SIGN = {Outcome.PASS: "✓", Outcome.FAIL: "✕", Outcome.UNKNOWN: "?", Outcome.NOT_APPLICABLE: "–"}
WORD = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failed",
    Outcome.UNKNOWN: "unknown",
    Outcome.NOT_APPLICABLE: "not applicable",
}
NO_CHECK = "There is no check for it in this version of the suite."


@dataclass(frozen=True, kw_only=True)
class ClauseView:
    """One finding, with the clause that it is about (None if the check is not known here)."""

    finding: Finding
    clause: Clause | None

    @property
    def sentence(self) -> str:
        """What the clause asks for, in full; the clause's id in words where only that is known."""
        return self.clause.sentence if self.clause else f"The platform {self.finding.clause.replace('_', ' ')}."


@dataclass(frozen=True, kw_only=True)
class AttemptView:
    """One verdict with its recording, if that was given, and its clauses in the check's order.

    `id` is the recording's folder ("gang_scheduling.native"); `anchor` is the same, safe in a link.
    """

    id: str
    anchor: str
    verdict: Verdict
    recording: Recording | None
    clauses: tuple[ClauseView, ...]

    @property
    def seconds(self) -> float:
        """How long the attempt took, to its ending or to the last thing that was seen."""
        if self.recording is None:
            return 0.0
        if self.recording.ending is not None:
            return self.recording.ending.t
        return max((o.t for o in self.recording.observations), default=0.0)

    @property
    def leftovers(self) -> tuple[str, ...]:
        """Objects of the suite that were still there after it had cleaned up."""
        ending = self.recording.ending if self.recording else None
        return ending.leftovers if ending else ()


@dataclass(frozen=True, kw_only=True)
class RequirementView:
    """One row of the checklist with everything that was tried for it."""

    row: Row
    check: Check | None
    attempts: tuple[AttemptView, ...]

    @property
    def because(self) -> str:
        return self.row.because or (NO_CHECK if not self.row.covered else "")


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A clause that explains why a requirement did not pass, for the top of the report."""

    requirement: RequirementView
    attempt: AttemptView
    clause: ClauseView


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything, in the order in which it is shown: `covered` and `uncovered` in the checklist's order."""

    assessment: Assessment
    covered: tuple[RequirementView, ...]
    uncovered: tuple[RequirementView, ...]

    @property
    def requirements(self) -> tuple[RequirementView, ...]:
        return self.covered + self.uncovered


def build(
    assessment: Assessment,
    verdicts: tuple[Verdict, ...],
    recordings: tuple[Recording, ...],
    checks: Mapping[str, Check],
) -> Report:
    """Joins rows, verdicts (by requirement) and recordings (by sha256).

    Attempts that decided their row come first, then the others, each in order of `via`.
    """
    by_digest = {r.sha256: r for r in recordings}

    def one(row: Row) -> RequirementView:
        check = checks.get(row.requirement)
        mine = sorted(
            (v for v in verdicts if v.check == row.requirement),
            key=lambda v: (v.outcome is not row.outcome, v.via, v.recording),
        )
        return RequirementView(
            row=row,
            check=check,
            attempts=tuple(_attempt(v, by_digest.get(v.recording), check) for v in mine),
        )

    rows = tuple(one(row) for row in assessment.rows)
    return Report(
        assessment=assessment,
        covered=tuple(r for r in rows if r.row.covered),
        uncovered=tuple(r for r in rows if not r.row.covered),
    )


def _attempt(verdict: Verdict, recording: Recording | None, check: Check | None) -> AttemptView:
    known = {c.id: c for c in check.clauses} if check else {}
    name = f"{verdict.check}.{verdict.via}"
    return AttemptView(
        id=name,
        anchor=anchor(name),
        verdict=verdict,
        recording=recording,
        clauses=tuple(ClauseView(finding=f, clause=known.get(f.clause)) for f in verdict.findings),
    )


def anchor(name: str) -> str:
    """A name as an HTML id and a link's fragment."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)


def causes(report: Report, outcome: Outcome) -> tuple[Cause, ...]:
    """The clauses with this outcome, of attempts and requirements that came to it as well.

    So a mechanism that failed beside one that works does not appear among the failures, but in its section.
    """
    return tuple(
        Cause(requirement=r, attempt=a, clause=c)
        for r in report.covered
        for a in r.attempts
        for c in a.clauses
        if r.row.outcome is a.verdict.outcome is c.finding.outcome is outcome
    )


def unproved(report: Report) -> tuple[RequirementView, ...]:
    """The requirements that were tried and came to UNKNOWN; those that the user left out are none of them."""
    return tuple(r for r in report.covered if r.row.outcome is Outcome.UNKNOWN and r.row.code != "not-selected")


def headline(assessment: Assessment) -> tuple[str, ...]:
    """One sentence a level: "Of 9 MUST requirements 1 passed, 1 failed and 7 are unknown."."""
    sentences = []
    for level in ("MUST", "SHOULD"):
        rows = [r for r in assessment.rows if r.level == level]
        if rows:
            sentences.append(f"Of {len(rows)} {level} requirements {_counts(rows)}.")
    return tuple(sentences)


def _counts(rows: list[Row]) -> str:
    parts = []
    for outcome in (Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN):
        n = sum(r.outcome is outcome and r.covered for r in rows)
        if n or outcome in (Outcome.PASS, Outcome.FAIL):
            verb = "" if outcome in (Outcome.PASS, Outcome.FAIL) else ("is " if n == 1 else "are ")
            parts.append(f"{n} {verb}{WORD[outcome]}")
    if missing := sum(not r.covered for r in rows):
        parts.append(f"{missing} {'has' if missing == 1 else 'have'} no check in this version")
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def text_of(value: object) -> str:
    """A fact as one line of text: scalars as they are, lists and maps by commas, in a fixed order."""
    if value is None or value == "":
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {text_of(v)}" for k, v in sorted(value.items(), key=lambda kv: str(kv[0])))
    if isinstance(value, (list, tuple)):
        inner = [f"({text_of(v)})" if isinstance(v, (list, tuple)) else text_of(v) for v in value]
        mark = "; " if any(isinstance(v, Mapping) for v in value) else ", "
        return mark.join(inner) if inner else "none"
    return str(value)


def words(name: str) -> str:
    """A key as a label: "server_version" becomes "Server version"."""
    spaced = name.replace("_", " ").replace("-", " ").strip()
    return spaced[:1].upper() + spaced[1:]
