"""What a submission says otherwise than the same platform's previous one. Pure but for comparing files."""

from dataclasses import replace
from pathlib import Path

from aiconform.platforms import evidence
from aiconform.platforms.types import Entry, PlatformRow


def since(entry: Entry, previous: Entry, folder: Path, folder_before: Path) -> Entry:
    """The entry with what changed since the previous submission, in sentences, and which rows repeat its evidence.

    A row repeats if its evidence is the same list, and every file in it that lies beside has the same bytes.
    """
    rows, said = [], []
    comparable = repeated = 0
    for row in entry.rows:
        old = previous.row(row.requirement)
        both = bool(old and old.evidence and row.evidence)
        repeats = bool(old) and both and _repeats(row, old, entry, previous, folder, folder_before)
        comparable += both
        repeated += repeats
        changed = _row(row, old)
        said += [f"{row.requirement}: {c}" for c in changed]
        rows.append(replace(row, changed=changed, repeats=repeats))
    here = {r.requirement for r in entry.rows}
    said += [f"{r.requirement}: is not in the submission any more" for r in previous.rows if r.requirement not in here]
    if entry.platform_version != previous.platform_version:
        said.insert(0, f"product version: {previous.platform_version or '-'} -> {entry.platform_version or '-'}")
    return replace(
        entry, rows=tuple(rows), previous=previous.path, since=tuple(said), repeated=repeated, comparable=comparable
    )


def _row(row: PlatformRow, old: PlatformRow | None) -> tuple[str, ...]:
    if old is None:
        return (f"new, {row.status or 'no status'}",) if row.status else ()
    out = []
    if row.status != old.status:
        out.append(f"status {old.status or 'none'} -> {row.status or 'none'}")
    gone, come = _less(old.mechanisms, row.mechanisms), _less(row.mechanisms, old.mechanisms)
    out += [f"names {', '.join(come)}"] if come else []
    out += [f"names {', '.join(gone)} no more"] if gone else []
    if row.strength is not old.strength:
        out.append(f"evidence {old.strength} -> {row.strength}")
    return tuple(out)


def _less(these: tuple[str, ...], those: tuple[str, ...]) -> list[str]:
    return [t for t in these if t not in those]


def _repeats(
    row: PlatformRow, old: PlatformRow | None, entry: Entry, previous: Entry, folder: Path, folder_before: Path
) -> bool:
    if old is None or [e.text for e in row.evidence] != [e.text for e in old.evidence]:
        return False
    names = [evidence.file_name(e.text, folder, entry.version) for e in row.evidence if e.place == "beside"]
    before = [evidence.file_name(e.text, folder_before, previous.version) for e in old.evidence if e.place == "beside"]
    return names == before and evidence.same_files((n for n in names if n), folder, folder_before)
