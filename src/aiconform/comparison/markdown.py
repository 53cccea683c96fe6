"""A comparison as Markdown, for an issue or a repository. Pure."""

from aiconform.comparison.types import Change, Comparison, FactChange, RowChange
from aiconform.comparison.words import Attempt, attempts, no_regression, said, shown, total
from aiconform.report.markdown import code, text


def render(c: Comparison) -> str:
    """The whole comparison. Everything that came from a cluster is escaped."""
    out = ["# Two runs compared", ""]
    out += [
        f"- {name}: {text(s.platform or 'platform not named')}, Kubernetes {text(s.server_version)}, run {code(s.run)} "
        f"of {text(s.started)}, checklist {text(s.checklist)}, recorded by aiconform {text(s.suite)}"
        for name, s in (("First", c.before), ("Second", c.after))
    ]
    out += [f"- Both judged by aiconform {text(c.judged_by)}", ""]
    out += [f"> - {text(note)}." for note in c.notes] + ([""] if c.notes else [])
    out += _regressions(c)
    out += ["## Requirements", "", *_rows(c), ""]
    for row in shown(c.rows):
        out += _row(row)
    for title, changes in (("Settings", c.settings), ("What else differs", c.facts)):
        if changes:
            out += [f"## {title}", "", *_changes(changes), ""]
    return "\n".join(out).rstrip("\n") + "\n"


def _regressions(c: Comparison) -> list[str]:
    if not c.regressions:
        return [text(no_regression(c)), ""]
    return ["## Regressions", "", text(total(c)) + ".", "", *(f"- **{text(r)}**" for r in c.regressions), ""]


def _rows(c: Comparison) -> list[str]:
    out = ["| Change | Requirement | Level | First | Second |", "| --- | --- | --- | --- | --- |"]
    for r in shown(c.rows):
        mark = f"**{r.change.value}**" if r.regression else r.change.value
        out.append(f"| {mark} | {code(r.requirement)} | {r.level} | {said(r.before)} | {said(r.after)} |")
    return out


def _row(row: RowChange) -> list[str]:
    changed = attempts(row)
    if row.change is Change.NOT_COMPARED or not (
        changed or row.limits_gained or row.limits_lost or row.change is not Change.SAME
    ):
        return []
    out = [f"## {row.requirement}: {row.change.value}", ""]
    out += [
        f"- First: {said(row.before)}. {text(row.because_before)}",
        f"- Second: {said(row.after)}. {text(row.because_after)}",
    ]
    out += [f"- Limit that is new: {text(limit)}" for limit in row.limits_gained]
    out += [f"- Limit that is gone: {text(limit)}" for limit in row.limits_lost]
    for a in changed:
        out += _attempt(a)
    if row.facts:
        out += ["", *_changes(row.facts)]
    return [*out, ""]


def _attempt(a: Attempt) -> list[str]:
    if a.whole:
        return [f"- {a.whole.value}: all {len(a.changed)} clauses by {text(a.via)}"]
    out = []
    for c in a.changed:
        mark = f"**{c.change.value}**" if c.regression else c.change.value
        outcomes = f"{said(c.before)}, then {said(c.after)}"
        out.append(f"- {mark} {code(c.clause)} by {text(c.via)}: {outcomes}. {text(c.because_after)}".rstrip())
    return out


def _changes(changes: tuple[FactChange, ...]) -> list[str]:
    out = ["| | First | Second |", "| --- | --- | --- |"]
    for c in changes:
        what = f"**{text(c.what)}**" if c.regression else text(c.what)
        out.append(f"| {what} | {text(c.before) or '-'} | {text(c.after) or '-'} |")
    return out
