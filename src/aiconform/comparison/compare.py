"""Two judged runs, clause by clause. Pure.

Both runs are judged by the same release before they come here, so that a difference is one of the platforms and
never one of the judges.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from aiconform.comparison import facts, words
from aiconform.comparison.types import Change, ClauseChange, Comparison, RowChange, RunLabel, Side
from aiconform.judging import across
from aiconform.model import Finding, Options, Outcome, Row, Verdict

# Codes of rows and clauses that one run did not try because its user did not ask for them.
_LEFT_OUT = "not-selected"
_NOT_ASKED = "not-tried"
_FROM_PASS = {Outcome.FAIL: Change.BROKE, Outcome.UNKNOWN: Change.UNPROVED, Outcome.NOT_APPLICABLE: Change.WAIVED}


def compare(before: Side, after: Side) -> Comparison:
    """What changed from the first run to the second. Rows in the second checklist's order, then the rest."""
    same_platform = before.run.platform == after.run.platform
    rows = tuple(_rows(before, after))
    settings = facts.settings(before.run.options, after.run.options)
    changed = facts.platform(before, after, same_platform=same_platform)
    return Comparison(
        before=_label(before),
        after=_label(after),
        same_platform=same_platform,
        judged_by=after.assessment.judged_by.version,
        notes=tuple(words.notes(before, after, rows, settings)),
        regressions=tuple(words.regressions(rows, changed)),
        rows=rows,
        settings=settings,
        facts=changed,
    )


def change(before: Outcome | None, after: Outcome | None) -> Change:
    """The kind of change between two outcomes; None where something was not judged."""
    if before is after:
        return Change.SAME
    if before is None:
        return Change.NEW
    if after is None:
        return Change.VANISHED
    if before is Outcome.PASS:
        return _FROM_PASS[after]
    if after is Outcome.PASS:
        return Change.BETTER
    return Change.WORSE if after is Outcome.FAIL else Change.OTHER


def pair(before: Iterable[Verdict], after: Iterable[Verdict]) -> list[tuple[Verdict | None, Verdict | None]]:
    """Attempts of one requirement by their names; if one is left over on each side, those two belong together."""
    old, new = {v.via: v for v in before}, {v.via: v for v in after}
    gone, come = [v for v in old if v not in new], [v for v in new if v not in old]
    pairs: list[tuple[Verdict | None, Verdict | None]] = [(old[v], new[v]) for v in old if v in new]
    if len(gone) == len(come) == 1:
        return [*pairs, (old[gone[0]], new[come[0]])]
    return [*pairs, *((old[v], None) for v in gone), *((None, new[v]) for v in come)]


def _label(side: Side) -> RunLabel:
    return RunLabel(
        run=side.run.id,
        platform=side.run.platform,
        server_version=side.run.server_version,
        started=side.run.at,
        checklist=side.assessment.checklist,
        suite=side.run.suite.version + (f" ({side.run.suite.commit[:12]})" if side.run.suite.commit else ""),
    )


def _rows(before: Side, after: Side) -> Iterable[RowChange]:
    old = {r.requirement: r for r in before.assessment.rows}
    new = {r.requirement: r for r in after.assessment.rows}
    for name in [*new, *(n for n in old if n not in new)]:
        yield _row(old.get(name), new.get(name), before, after)


def _row(old: Row | None, new: Row | None, before: Side, after: Side) -> RowChange:
    known = new or old
    assert known is not None
    kind = _row_change(old, new)
    must = known.level == "MUST"
    attempts = _attempts(old, new, before, after)
    # Optional clauses are tried where --allow asks for them: without it nothing is known of them, and nothing lost.
    same_allowed = set(before.run.options.allow) == set(after.run.options.allow)
    optional = (
        frozenset() if same_allowed else _optional(known.requirement, before) | _optional(known.requirement, after)
    )
    narrowed = _narrowed(known.requirement, before.run.options, after.run.options)
    compared = kind is not Change.NOT_COMPARED
    limits_before, limits_after = (set(r.limits) if r else set() for r in (old, new))
    return RowChange(
        requirement=known.requirement,
        level=known.level,
        before=old.outcome if old else None,
        after=new.outcome if new else None,
        change=kind,
        regression=must and is_loss(kind, old.outcome if old else None),
        because_before=old.because if old else "",
        because_after=new.because if new else "",
        limits_gained=tuple(sorted(limits_after - limits_before)) if compared else (),
        limits_lost=tuple(sorted(limits_before - limits_after)) if compared else (),
        clauses=tuple(c for a, b in attempts for c in _clauses(a, b, must, optional, narrowed)) if compared else (),
        facts=tuple(f for a, b in attempts for f in facts.attempt(a, b)) if compared else (),
    )


def _attempts(
    old: Row | None, new: Row | None, before: Side, after: Side
) -> list[tuple[Verdict | None, Verdict | None]]:
    """Of one platform each attempt with itself; of two platforms all attempts of one with all of the other.

    Two platforms have other mechanisms and accelerators, and that one lacks the other's is no loss.
    """
    name = (new or old).requirement  # type: ignore[union-attr]
    then, now = ([v for v in s.verdicts if v.check == name] for s in (before, after))
    if before.run.platform == after.run.platform:
        return pair(then, now)
    return [(_together(then, old, before), _together(now, new, after))] if then or now else []


def _together(verdicts: list[Verdict], row: Row | None, side: Side) -> Verdict | None:
    """Attempts as one: each clause as its row counts it, over the attempts that decided the row."""
    if len(verdicts) < 2 or row is None:
        return verdicts[0] if verdicts else None
    over = side.checks[row.requirement].over
    counted = [v for v in verdicts if over == "every accelerator" or v.outcome is row.outcome]
    found: dict[str, list[Finding]] = {}
    for verdict in counted:
        for finding in verdict.findings:
            found.setdefault(finding.clause, []).append(finding)
    findings = []
    for same in found.values():
        outcome = across((f.outcome for f in same), over)
        findings.append(next(f for f in same if f.outcome is outcome))
    via = ", ".join(v.via for v in counted)
    return replace(counted[0], via=via, outcome=row.outcome, findings=tuple(findings), facts={})


def _row_change(old: Row | None, new: Row | None) -> Change:
    if old is None or new is None or _LEFT_OUT in (old.code, new.code):
        return Change.NOT_COMPARED
    return change(old.outcome, new.outcome)


def is_loss(kind: Change, before: Outcome | None) -> bool:
    """Whether something that passed does not pass any more."""
    return before is Outcome.PASS and kind in (Change.BROKE, Change.UNPROVED, Change.WAIVED, Change.VANISHED)


def _optional(requirement: str, side: Side) -> frozenset[str]:
    check = side.checks.get(requirement)
    return frozenset(c.id for c in check.clauses if c.optional) if check else frozenset()


def _clauses(
    old: Verdict | None, new: Verdict | None, must: bool, optional: frozenset[str], narrowed: bool
) -> Iterable[ClauseChange]:
    then, now = _findings(old), _findings(new)
    for name in dict.fromkeys([*then, *now]):
        a, b = then.get(name), now.get(name)
        kind = change(a.outcome if a else None, b.outcome if b else None)
        not_asked = name in optional and _NOT_ASKED in (a.code if a else "", b.code if b else "")
        if kind is not Change.SAME and (not_asked or (new is None and narrowed)):
            kind = Change.NOT_COMPARED
        some = old or new
        assert some is not None
        yield ClauseChange(
            requirement=some.check,
            clause=name,
            via_before=old.via if old else "",
            via_after=new.via if new else "",
            before=a.outcome if a else None,
            after=b.outcome if b else None,
            change=kind,
            regression=must and is_loss(kind, a.outcome if a else None),
            because_before=a.because if a else "",
            because_after=b.because if b else "",
        )


def _narrowed(requirement: str, before: Options, after: Options) -> bool:
    """Whether the second run's user chose mechanisms, accelerators or nodes that the first run's did not choose."""
    chosen = (
        (before.accelerator, after.accelerator),
        (before.node_selector, after.node_selector),
        (before.mechanisms(requirement), after.mechanisms(requirement)),
    )
    return any(now and now != then for then, now in chosen)


def _findings(verdict: Verdict | None) -> Mapping[str, Finding]:
    return {f.clause: f for f in verdict.findings} if verdict else {}
