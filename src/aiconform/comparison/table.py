"""A comparison on a terminal. Pure."""

from collections.abc import Iterator

from rich.console import Group
from rich.table import Table
from rich.text import Text

from aiconform.comparison.types import Change, ClauseChange, Comparison, FactChange, RowChange
from aiconform.comparison.words import attempts, headline, said, shown

_STYLE = {
    Change.BROKE: "bold red", Change.UNPROVED: "yellow", Change.WAIVED: "yellow", Change.VANISHED: "yellow",
    Change.WORSE: "red", Change.BETTER: "green", Change.OTHER: "", Change.NEW: "cyan", Change.SAME: "dim",
    Change.NOT_COMPARED: "dim",
}  # fmt: skip


def render(comparison: Comparison) -> Group:
    """Headline, what limits the comparison, the rows with the clauses that changed, then everything else."""
    parts: list[Text | Table] = [Text(line) for line in headline(comparison)]
    parts += [Text(f"Note: {note}", style="yellow") for note in comparison.notes]
    parts += [Text(""), _rows(comparison)]
    for title, changes in (("Settings", comparison.settings), ("Behind it", _facts(comparison))):
        if changes:
            parts += [Text(""), _changes(title, changes)]
    return Group(*parts)


def _facts(comparison: Comparison) -> tuple[FactChange, ...]:
    changed = [r for r in comparison.rows if r.change not in (Change.SAME, Change.NOT_COMPARED)]
    return comparison.facts + tuple(f for r in changed for f in r.facts)


def _rows(comparison: Comparison) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("Change", "Requirement", "Level", "First", "Second", "What was seen in the second run"):
        table.add_column(name, no_wrap=name != "What was seen in the second run")
    for row in shown(comparison.rows):
        style = _STYLE[row.change]
        table.add_row(
            Text(row.change.value, style=style), Text(row.requirement), Text(row.level), Text(said(row.before)),
            Text(said(row.after)), Text(_seen(row)),
        )  # fmt: skip
        for clause_cells in _clauses(row):
            table.add_row(*clause_cells)
    return table


def _seen(row: RowChange) -> str:
    gained = f" New limits: {'; '.join(row.limits_gained)}." if row.limits_gained else ""
    return (row.because_after if row.change is not Change.SAME else "") + gained


def _clauses(row: RowChange) -> Iterator[tuple[Text, ...]]:
    for a in attempts(row):
        if a.whole:
            yield _cells(a.whole, f"  {a.via}: all {len(a.changed)} clauses", "", "", "")
            continue
        for c in a.changed:
            yield _cells(c.change, f"  {a.via}: {c.clause}", said(c.before), said(c.after), _because(c))


def _because(c: ClauseChange) -> str:
    return c.because_after or c.because_before


def _cells(change: Change, name: str, before: str, after: str, seen: str) -> tuple[Text, ...]:
    style = _STYLE[change]
    return Text(f"  {change.value}", style=style), Text(name), Text(""), Text(before), Text(after), Text(seen)


def _changes(title: str, changes: tuple[FactChange, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in (title, "First", "Second"):
        table.add_column(name, overflow="fold")
    for c in changes:
        style = "bold red" if c.regression else ""
        table.add_row(Text(c.what, style=style), Text(c.before or "-"), Text(c.after or "-"))
    return table
