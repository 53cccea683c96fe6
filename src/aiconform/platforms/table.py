"""The registry on a terminal. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from aiconform.platforms import words
from aiconform.platforms.types import Entry, Platform, PlatformRow

_STATE = {"valid": "green", "expired": "red", "unknown": "yellow", "not yet": "yellow"}


def entries(these: Iterable[Entry], on: date, requirements: Sequence[str] = ()) -> Table:
    """One line a submission, with what it says of each of these requirements."""
    table = _table(
        "Platform", "Checklist", "Vendor", "Runs", "State", "Expires", "MUSTs",
        *(requirements or ("Implemented rows by evidence", "Repeats")),
    )  # fmt: skip
    for e in these:
        state = words.state(e, on)
        repeats = f"{e.repeated}/{e.comparable}" if e.previous else ""
        table.add_row(
            e.product.lower(), e.version, e.vendor, ", ".join(e.kinds) or "not known",
            _text(state, style=_STATE[state]), str(e.expires or "unknown"), words.musts(e),
            *([in_short(e.row(r)) for r in requirements] or [words.evidence(e), repeats]),
        )  # fmt: skip
    return table


def show(platform: Platform, entry: Entry, on: date) -> Group:
    """One submission, whole, and what else the platform has submitted."""
    facts = _table("", "", header=False)
    others = [f"{e.version} ({words.state(e, on)})" for e in platform.entries if e is not entry]
    for label, text in (
        ("Product", f"{entry.name} {entry.platform_version}".strip()), ("Vendor", entry.vendor or "not said"),
        ("Runs", ", ".join(entry.kinds) or "not known"),
        ("Accelerators named", ", ".join(entry.accelerators) or "none"),
        ("Certified", str(entry.certified or f"unknown: {entry.undated}")), ("Expires", words.expiry(entry, on)),
        ("Updated", str(entry.updated) if entry.updated else ""), ("Submission", entry.path),
        ("Others", ", ".join(others)), ("Repeats", words.repeats(entry)), ("Documentation", entry.documentation),
    ):  # fmt: skip
        if text:
            facts.add_row(label, text)
    parts: list[RenderableType] = [facts, _text(""), _rows(entry.rows)]
    for title, lines in ((f"Since {entry.previous}", entry.since), ("Odd in this submission", entry.problems)):
        if lines:
            parts += [_text(""), _text(title, style="bold"), *(_text(f"  {line}") for line in lines)]
    return Group(*parts)


def compare(one: Entry, other: Entry, on: date) -> Group:
    """Two submissions side by side."""
    table = _table("", one.path, other.path)
    for label, a, b in (
        ("Product", f"{one.name} {one.platform_version}", f"{other.name} {other.platform_version}"),
        ("Vendor", one.vendor, other.vendor),
        ("Runs", ", ".join(one.kinds) or "not known", ", ".join(other.kinds) or "not known"),
        ("State", words.state(one, on), words.state(other, on)),
        ("Expires", str(one.expires or "unknown"), str(other.expires or "unknown")),
        ("Accelerators named", ", ".join(one.accelerators), ", ".join(other.accelerators)),
        ("MUSTs implemented", words.musts(one), words.musts(other)),
        ("Implemented rows by evidence", words.evidence(one), words.evidence(other)),
    ):
        table.add_row(label, a or "-", b or "-")
    rows = _table("Requirement", "Level", one.path, other.path)
    for name in dict.fromkeys(r.requirement for e in (one, other) for r in e.rows):
        first, second = one.row(name), other.row(name)
        levels = dict.fromkeys(r.level for r in (first, second) if r and r.level)
        style = "" if _alike(first, second) else "bold"
        rows.add_row(_text(name, style=style), " / ".join(levels), in_short(first), in_short(second))
    return Group(table, _text(""), rows)


def _alike(one: PlatformRow | None, other: PlatformRow | None) -> bool:
    return bool(one and other and one.status == other.status and one.mechanisms == other.mechanisms)


def in_short(row: PlatformRow | None) -> str:
    """A row in one cell: status, mechanisms, evidence."""
    if row is None:
        return "-"
    if not row.status and not row.evidence:
        return "not answered"
    mechanisms = words.mechanisms(row)
    return f"{row.status or 'no status'}{f': {mechanisms}' if mechanisms else ''} [{row.strength}]"


def _rows(rows: Iterable[PlatformRow]) -> Table:
    table = _table("Requirement", "Level", "Status", "Mechanisms named", "Evidence", "Repeated", "Items")
    for r in rows:
        items = [e.text + (f" ({e.problem})" if e.problem else "") for e in r.evidence]
        table.add_row(
            r.requirement, r.level or "-", r.status or "-", words.mechanisms(r) or "-", r.strength.value,
            "yes" if r.repeats else "", "\n".join(items) or "-",
        )  # fmt: skip
    return table


class _Table(Table):
    """A table whose cells are what they say: square brackets in a vendor's text are no markup."""

    def add_row(self, *cells: str | Text) -> None:  # type: ignore[override]
        super().add_row(*(c if isinstance(c, Text) else _text(c) for c in cells))


def _table(*names: str, header: bool = True) -> _Table:
    table = _Table(box=None, padding=(0, 2, 0, 0), show_header=header)
    for name in names:
        table.add_column(
            _text(name), overflow="fold", no_wrap=name in ("Platform", "Requirement", "State", "Checklist")
        )
    return table


def _text(text: str, style: str = "") -> Text:
    """No text of a vendor can be a terminal's command."""
    return Text("".join(c if c.isprintable() or c == "\n" else " " for c in text), style=style)
