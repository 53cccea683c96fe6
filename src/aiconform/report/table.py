"""The last thing that a run prints: the table of requirements, for a terminal and as plain lines. Pure."""

from rich.table import Table
from rich.text import Text

from aiconform.model import Assessment, Outcome, Row
from aiconform.report.view import NO_CHECK, SIGN, headline

_STYLE = {
    Outcome.PASS: "green",
    Outcome.FAIL: "bold red",
    Outcome.UNKNOWN: "yellow",
    Outcome.NOT_APPLICABLE: "cyan",
}


def rows(assessment: Assessment) -> Table:
    """A Rich table of all rows: those that were checked first, both in the checklist's order."""
    table = Table(
        title=f"Kubernetes AI Conformance {assessment.checklist}, {assessment.platform or 'platform not named'}",
        title_justify="left",
        caption="\n".join(headline(assessment)),
        caption_justify="left",
        expand=False,
        box=None,
        padding=(0, 2, 0, 0),
    )
    for name, fixed in (("Outcome", True), ("Requirement", True), ("Level", True), ("What was seen", False)):
        table.add_column(name, no_wrap=fixed)
    for row in _ordered(assessment):
        style = _STYLE[row.outcome] if row.covered else "dim"
        table.add_row(
            Text(f"{SIGN[row.outcome]} {_outcome(row)}", style=style),
            Text(row.requirement, style="" if row.covered else "dim"),
            Text(row.level, style="" if row.covered else "dim"),
            Text(_seen(row), style="" if row.covered else "dim"),
        )
    return table


def plain(assessment: Assessment) -> str:
    """The same without colour or width: one line a row, columns set with blanks, then the counts."""
    lines = [(_outcome(r), r.requirement, r.level, " ".join(_seen(r).split())) for r in _ordered(assessment)]
    head = ("OUTCOME", "REQUIREMENT", "LEVEL", "WHAT WAS SEEN")
    wide = [max(len(line[i]) for line in (head, *lines)) for i in range(3)]
    out = [
        "  ".join([*(cell.ljust(w) for cell, w in zip(line, wide, strict=False)), line[3]]).rstrip()
        for line in (head, *lines)
    ]
    return "\n".join([*out, "", *headline(assessment)]) + "\n"


def _ordered(assessment: Assessment) -> list[Row]:
    return sorted(assessment.rows, key=lambda r: not r.covered)


def _outcome(row: Row) -> str:
    return row.outcome.value.replace("_", " ")


def _seen(row: Row) -> str:
    """The row's sentence, its code, its limits, and whether a person claims something about it."""
    parts = [row.because if row.covered else NO_CHECK]
    if row.covered and row.code:
        parts.append(f"[{row.code}]")
    if row.limits:
        parts.append("Limits: " + "; ".join(row.limits) + ".")
    parts += [f"Claimed by {c.who}: {c.says}." for c in row.claims]
    return " ".join(p for p in parts if p)
