"""The registry as CSV: one line a row of a submission. Pure."""

import csv
from collections.abc import Iterable
from datetime import date
from io import StringIO

from aiconform.platforms import words
from aiconform.platforms.types import Entry

COLUMNS = (
    "platform", "checklist", "product", "product_version", "vendor", "runs", "accelerators", "certified", "expires",
    "state", "requirement", "level", "status", "named", "shown_in_files", "denied", "strongest_evidence", "evidence",
    "repeats_previous", "changed_since_previous", "notes",
)  # fmt: skip


def render(entries: Iterable[Entry], on: date) -> str:
    """The whole sheet. Lists are joined by "; "."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for e in entries:
        for r in e.rows:
            cells = (
                e.product.lower(), e.version, e.name, e.platform_version, e.vendor, _join(e.kinds),
                _join(e.accelerators), str(e.certified or ""), str(e.expires or ""), words.state(e, on), r.requirement,
                r.level, r.status, _join(r.named), _join(r.shown), _join(r.denied), r.strength.value,
                _join(x.text for x in r.evidence), ("yes" if r.repeats else "no") if e.previous else "",
                _join(r.changed), r.notes,
            )  # fmt: skip
            writer.writerow([_harmless(c) for c in cells])
    return out.getvalue()


def _join(items: Iterable[str]) -> str:
    return "; ".join(items)


def _harmless(cell: str) -> str:
    """A spreadsheet takes what begins like this for a formula, and runs it."""
    return "'" + cell if cell.lstrip().startswith(("=", "+", "-", "@", "\t")) else cell
