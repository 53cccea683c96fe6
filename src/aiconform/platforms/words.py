"""The sentences and figures that every form of the registry shares. Pure."""

from collections import Counter
from datetime import date

from aiconform.platforms.types import Entry, PlatformRow, Strength

# What everybody has to know who reads any of this.
CAUTION = (
    "Everything here is what vendors state in their submissions. A named mechanism is a name in a text, and the kind "
    "of evidence is told by its form: no link was opened, and nothing was tested."
)


def state(entry: Entry, on: date) -> str:
    """ "valid", "expired", "not yet" or "unknown" on a day."""
    valid = entry.valid(on)
    if valid is None or entry.certified is None:
        return "unknown"
    return "valid" if valid else ("not yet" if on < entry.certified else "expired")


def expiry(entry: Entry, on: date) -> str:
    """When the certification ends or ended, and how far that is."""
    if entry.expires is None:
        return f"unknown: {entry.undated}"
    return f"{entry.expires} ({distance(entry.expires, on)})"


def distance(day: date, on: date) -> str:
    """ "in 5 days" or "5 days ago"."""
    days = (day - on).days
    return f"in {days} days" if days > 0 else f"{-days} days ago"


def age(entry: Entry, on: date) -> int | None:
    """Days since the certification; None if its date is not known."""
    return None if entry.certified is None else (on - entry.certified).days


def musts(entry: Entry) -> str:
    """How many MUST rows are Implemented: "8 of 9"."""
    rows = [r for r in entry.rows if r.level == "MUST"]
    return f"{sum(r.implemented for r in rows)} of {len(rows)}"


def carried(entry: Entry) -> dict[Strength, int]:
    """Implemented rows by their strongest evidence, strongest first, without zeros."""
    counts = Counter(r.strength for r in entry.rows if r.implemented)
    return {s: counts[s] for s in Strength if counts[s]}


def evidence(entry: Entry) -> str:
    """ "log 1, documentation 8": Implemented rows by their strongest evidence."""
    return ", ".join(f"{s} {n}" for s, n in carried(entry).items()) or "-"


def mechanisms(row: PlatformRow) -> str:
    """ "kueue, volcano (in a file), karpenter (denied)"."""
    names = [
        *row.named,
        *(f"{m} (in a file)" for m in row.shown),
        *(f"{m} (only said not to be there)" for m in row.denied),
    ]
    return ", ".join(names)


def repeats(entry: Entry) -> str:
    """What a re-certification repeats: "9 of 9 rows repeat the evidence of v1.33/talos"; "" for a first submission."""
    if not entry.previous:
        return ""
    if not entry.comparable:
        return f"no row can be compared with {entry.previous}"
    return f"{entry.repeated} of {entry.comparable} rows repeat the evidence of {entry.previous}"


def copied(entry: Entry) -> bool:
    """Whether every comparable row repeats the previous submission's evidence, so that nothing shows a new test."""
    return bool(entry.previous) and 0 < entry.comparable == entry.repeated
