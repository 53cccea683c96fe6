"""Making findings, and a verdict out of them."""

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from aiconform.judging.combine import within
from aiconform.model import Check, Finding, Outcome, Recording, Suite, Verdict

Judge = Callable[[Recording], Finding]

# Steps whose failure leaves every later clause without ground.
_GROUND = ("plan", "setup", "canary")


def passed(because: str, cites: Iterable[int] = ()) -> Finding:
    """The clause holds. `because` is a sentence a reader understands."""
    return Finding(clause="", outcome=Outcome.PASS, because=because, cites=tuple(cites))


def failed(because: str, cites: Iterable[int] = ()) -> Finding:
    """The clause was seen not to hold, and the controls worked."""
    return Finding(clause="", outcome=Outcome.FAIL, because=because, cites=tuple(cites))


def unknown(because: str, *, code: str, cites: Iterable[int] = ()) -> Finding:
    """Nothing was proved. `code` is one of the codes of the documentation (`rbac-denied`, ...)."""
    return Finding(clause="", outcome=Outcome.UNKNOWN, because=because, cites=tuple(cites), code=code)


def not_applicable(because: str, cites: Iterable[int] = ()) -> Finding:
    """The clause has no subject here, by something that was observed."""
    return Finding(clause="", outcome=Outcome.NOT_APPLICABLE, because=because, cites=tuple(cites))


def verdict(
    check: Check,
    rec: Recording,
    judges: Mapping[str, Judge],
    *,
    judged_by: Suite,
    limits: Callable[[Recording, tuple[Finding, ...]], tuple[str, ...]] | None = None,
    facts: Callable[[Recording], dict[str, Any]] | None = None,
    remedies: Mapping[str, str] | None = None,
) -> Verdict:
    """Runs one judge for every clause of the check and combines what they say.

    `remedies`: clause -> what the operator of the mechanism that was tried can do, added to the clause's own remedy.

    A judge that crashes gives UNKNOWN with its traceback. A recording that was not finished, or that is
    damaged, can still show a FAIL, but never a PASS.
    """
    if set(judges) != {c.id for c in check.clauses}:
        raise ValueError(f"{check.requirement}: judges and clauses differ")
    ground = _ground(rec)
    findings = tuple(_one(clause.id, judges[clause.id], rec, ground) for clause in check.clauses)
    findings = tuple(_advised(f, check, remedies or {}) for f in findings)
    findings += _wholeness(rec)
    optional = frozenset(c.id for c in check.clauses if c.optional)
    outcome = within(findings, optional)
    shortened = _shortened(check, rec) if outcome is Outcome.PASS else ()
    return Verdict(
        check=check.requirement,
        via=rec.via,
        outcome=outcome,
        findings=findings,
        limits=(*_safely(limits, rec, findings), *shortened),
        recording=rec.sha256,
        judged_by=judged_by,
        facts=facts(rec) if facts else {},
    )


def _one(clause: str, judge: Judge, rec: Recording, ground: Finding | None) -> Finding:
    try:
        finding = judge(rec)
    except Exception:  # noqa: BLE001 - one of the two broad excepts of the project: a crash is no verdict
        last = traceback.format_exc(limit=-3)
        finding = unknown(f"the judge crashed on this recording: {last}", code="judge-crashed")
    if finding.outcome is Outcome.UNKNOWN and ground is not None and finding.code != "judge-crashed":
        finding = ground
    return replace(finding, clause=clause)


def _advised(finding: Finding, check: Check, remedies: Mapping[str, str]) -> Finding:
    """The finding with what can be done, if it is a FAIL."""
    if finding.outcome is not Outcome.FAIL:
        return finding
    said = (check.clause(finding.clause).remedy, remedies.get(finding.clause, ""))
    return replace(finding, remedy=" ".join(s for s in said if s))


def _ground(rec: Recording) -> Finding | None:
    for o in rec.observations:
        if o.kind == "unable" and o.step in _GROUND:
            return unknown(o.body["because"], code=o.body["code"], cites=(o.seq,))
    if rec.ending is not None and rec.ending.how == "failed":
        return unknown(f"the suite could not go on: {rec.ending.error}", code=rec.ending.code or "suite-failed")
    return None


def _wholeness(rec: Recording) -> tuple[Finding, ...]:
    name = "left_a_whole_recording"
    if rec.damage:
        because = "the recording is damaged: " + "; ".join(rec.damage)
        return (replace(unknown(because, code="recording-damaged"), clause=name),)
    if rec.ending is None or rec.ending.how == "interrupted":
        because = "the suite was stopped before it had finished"
        return (replace(unknown(because, code="interrupted"), clause=name),)
    if rec.ending.how == "failed":
        because = f"the suite could not go on: {rec.ending.error}"
        return (replace(unknown(because, code=rec.ending.code or "suite-failed"), clause=name),)
    return ()


def _shortened(check: Check, rec: Recording) -> tuple[str, ...]:
    """Windows of absences that were shorter than the check says."""
    used = rec.settings.get("deadlines") or {}
    return tuple(
        f"{name}: {used[name]:g} s instead of {d.seconds:g} s ({d.reason})"
        for name, d in sorted(check.deadlines.items())
        if d.fast is not None and used.get(name, d.seconds) < d.seconds
    )


def _safely(
    limits: Callable[[Recording, tuple[Finding, ...]], tuple[str, ...]] | None,
    rec: Recording,
    findings: tuple[Finding, ...],
) -> tuple[str, ...]:
    return limits(rec, findings) if limits else ()
