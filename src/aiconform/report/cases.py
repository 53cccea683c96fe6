"""The report as test cases, for the forms that test tools read (junit.xml, e2e.log, results.json). Pure.

The programme's gate takes any failed test anywhere in such a file as an error, so a file must not contain
failures that do not count. "At least one mechanism works" is proved by one mechanism, whatever the others do: a
clause that failed in an attempt that did not decide its row is written as skipped, with the failure as its reason.
Whenever the row itself failed, its failed clauses are failed tests. UNKNOWN and NOT_APPLICABLE are skipped tests.
"""

from dataclasses import dataclass
from typing import Literal

from aiconform.model import Finding, Outcome
from aiconform.report.view import AttemptView, Report, RequirementView

Status = Literal["pass", "fail", "skip"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One test. `clause` and `attempt` are "" for the requirement as a whole.

    `name` is "gang_scheduling" or "gang_scheduling/starts_none_when_short"; with several attempts at one
    requirement the second form has `via` in the middle. `seconds` is the attempt's whole length for a requirement
    (the longest one), and for a clause the time between the first and the last observation that it cites.
    """

    name: str
    requirement: str
    clause: str
    attempt: str
    status: Status
    message: str
    seconds: float
    at: str


def cases(report: Report) -> tuple[Case, ...]:
    """All cases: each requirement's clauses, then the requirement. Names are unique."""
    return tuple(c for r in report.requirements for c in of(r, report.assessment.started))


def of(r: RequirementView, started: str) -> tuple[Case, ...]:
    """The cases of one requirement; the last one is the requirement itself. `started` stands in for times not seen."""
    found = [_clause(r, a, f, started) for a in r.attempts for f in a.verdict.findings]
    whole = Case(
        name=r.row.requirement,
        requirement=r.row.requirement,
        clause="",
        attempt="",
        status=_status(r.row.outcome),
        message=one_line(_labelled(r.row.outcome, r.row.code, r.because)),
        seconds=max((a.seconds for a in r.attempts), default=0.0),
        at=max([c.at for c in found] + [_end(a, started) for a in r.attempts], default=started),
    )
    return (*found, whole)


def _clause(r: RequirementView, a: AttemptView, f: Finding, started: str) -> Case:
    middle = f"{a.verdict.via}/" if len(r.attempts) > 1 else ""
    status = _status(f.outcome)
    message = _labelled(f.outcome, f.code, f.because)
    if status == "fail" and r.row.outcome is not Outcome.FAIL:
        status = "skip"
        message = f"does not count, because {r.row.requirement} is {r.row.outcome} by another attempt: {message}"
    if status == "fail" and f.remedy:
        message = f"{message} What to do: {f.remedy}"
    times = [(o.t, o.at) for o in (a.recording.observations if a.recording else ()) if o.seq in f.cites]
    return Case(
        name=one_word(f"{r.row.requirement}/{middle}{f.clause}"),
        requirement=r.row.requirement,
        clause=f.clause,
        attempt=a.id,
        status=status,
        message=one_line(message),
        seconds=max(times)[0] - min(times)[0] if times else 0.0,
        at=max(times)[1] if times else _end(a, started),
    )


def _status(outcome: Outcome) -> Status:
    return {Outcome.PASS: "pass", Outcome.FAIL: "fail"}.get(outcome, "skip")  # type: ignore[return-value]


def _labelled(outcome: Outcome, code: str, because: str) -> str:
    if outcome in (Outcome.PASS, Outcome.FAIL):
        return because
    return f"{outcome}{f'({code})' if code else ''}: {because}"


def _end(a: AttemptView, started: str) -> str:
    if a.recording is None:
        return started
    if a.recording.ending is not None:
        return a.recording.ending.at
    return a.recording.observations[-1].at if a.recording.observations else started


def one_line(text: str) -> str:
    """Text on one line, without characters that XML forbids: no message can pass for a line of a test's result."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def one_word(text: str) -> str:
    """A test's name: no blanks, as `go test` writes them."""
    return "_".join(one_line(text).split())
