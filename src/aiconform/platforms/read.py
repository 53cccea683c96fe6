"""Reads a whole registry. Nothing in it can make this fail: what is odd about a submission is listed with it."""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path

import yaml

from aiconform.checklists import load, versions
from aiconform.model import Checklist
from aiconform.platforms import evidence, source
from aiconform.platforms.changes import since
from aiconform.platforms.history import History
from aiconform.platforms.history import read as read_history
from aiconform.platforms.mechanisms import mentions
from aiconform.platforms.types import Entry, Platform, PlatformRow, Registry, strongest
from aiconform.submission.files import Unreadable
from aiconform.submission.files import read as read_submission
from aiconform.submission.parse import Submission, SubmittedRow

STATUSES = ("Implemented", "Not Implemented", "Partially Implemented", "N/A", "")


def registry(where: source.Source) -> Registry:
    """Every platform, sorted by id, with its submissions oldest first."""
    history = read_history(where.folder)
    problems: list[str] = []
    found: dict[str, list[tuple[Entry, Path]]] = {}
    for file in _files(where.folder, problems):
        try:
            entry = _entry(read_submission(file), file, history, where.folder)
        except Unreadable as error:
            problems.append(str(error))
            continue
        found.setdefault(entry.product.lower(), []).append((entry, file.parent))
    platforms = tuple(Platform(id=name, entries=tuple(_chain(entries))) for name, entries in sorted(found.items()))
    return Registry(source=where.called, commit=history.commit, platforms=platforms, problems=tuple(problems))


def a_year_later(day: date) -> date:
    """The same day next year; for 29 February the 1 March."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return date(day.year + 1, 3, 1)


def _files(root: Path, problems: list[str]) -> Iterator[Path]:
    for version in source.versions(root):
        for product in sorted(p for p in version.iterdir() if p.is_dir()):
            names = [f for f in sorted(product.iterdir()) if f.name.lower() in ("product.yaml", "product.yml")]
            if not names:
                problems.append(f"{version.name}/{product.name} has no PRODUCT.yaml")
            elif product.is_symlink() or names[0].is_symlink():
                problems.append(f"{version.name}/{product.name} is a symbolic link, and links are not followed")
            else:
                yield names[0]


def _chain(entries: list[tuple[Entry, Path]]) -> Iterator[Entry]:
    """Each entry compared with the one before it."""
    previous: tuple[Entry, Path] | None = None
    for entry, folder in entries:
        yield since(entry, previous[0], folder, previous[1]) if previous else entry
        previous = entry, folder


def _entry(submission: Submission, file: Path, history: History, root: Path) -> Entry:
    checklist = _checklist(submission.version)
    dated = history.of(file.relative_to(root).as_posix())
    rows = tuple(_row(r, file.parent, submission.version, checklist) for r in _last(submission))
    words = "\n".join(
        [submission.text("description"), *(w for r in rows for w in (r.notes, *(e.text for e in r.evidence)))]
    )
    return Entry(
        version=submission.version,
        product=submission.product,
        name=submission.text("platformName") or submission.product,
        platform_version=submission.text("platformVersion"),
        vendor=submission.text("vendorName"),
        description=" ".join(submission.text("description").split()),
        website=submission.text("websiteUrl"),
        documentation=submission.text("documentationUrl"),
        kinds=_kinds().get(submission.product.lower(), ()),
        accelerators=mentions("accelerators", words).named,
        certified=dated.added,
        expires=a_year_later(dated.added) if dated.added else None,
        updated=dated.changed,
        undated=dated.why,
        rows=rows,
        problems=tuple(_problems(submission, rows, checklist)),
    )


def _last(submission: Submission) -> Iterator[SubmittedRow]:
    """Rows in the file's order; of two with one id the last counts, as it does for the program."""
    last = {r.id: r for r in submission.rows}
    yield from (r for r in submission.rows if r.id and last[r.id] is r)


def _row(row: SubmittedRow, folder: Path, version: str, checklist: Checklist | None) -> PlatformRow:
    items = tuple(e for item in row.evidence if (e := evidence.classify(item.text, folder, version)))
    said = mentions(row.id, "\n".join([row.notes, *(e.text for e in items)]))
    shown = mentions(row.id, evidence.texts(row, folder, version))
    official = checklist.requirement(row.id) if checklist else None
    return PlatformRow(
        requirement=row.id,
        level=official.level if official else "",
        status=row.status.strip(),
        strength=strongest(tuple(e.strength for e in items)),
        named=said.named,
        shown=tuple(m for m in shown.named if m not in said.named),
        denied=tuple(m for m in said.denied if m not in shown.named),
        evidence=items,
        notes=" ".join(row.notes.split()),
    )


def _problems(submission: Submission, rows: tuple[PlatformRow, ...], checklist: Checklist | None) -> Iterator[str]:
    yield from (f"line {b.mark.line}: {b.message}" for b in submission.breaks)
    yield from (f"line {r.mark.line}: a row without an id" for r in submission.rows if not r.id)
    if checklist is None:
        yield f"the checklist {submission.version} is not known to this release"
    kubernetes = submission.text("kubernetesVersion")
    if not re.fullmatch(rf"v?{re.escape(submission.version[1:])}(\.\d+)?", kubernetes):
        yield f"kubernetesVersion is {kubernetes or 'missing'} in a folder of {submission.version}"
    written = {r.id: r.level for r in submission.rows}
    for row in rows:
        if row.status not in STATUSES:
            yield f"{row.requirement}: the status {row.status!r} is none of the program's"
        if row.level and written[row.requirement] != row.level:
            yield f"{row.requirement}: the level is given as {written[row.requirement] or 'nothing'}, it is {row.level}"
        if row.status == "Implemented" and row.strength == "nothing":
            yield f"{row.requirement}: Implemented without evidence that is there"
        if row.level == "MUST" and row.status != "Implemented":
            yield f"{row.requirement}: a MUST with the status {row.status or 'none'}"
        yield from (f"{row.requirement}: {e.text}: {e.problem}" for e in row.evidence if e.problem)
    for missing in (r.id for r in checklist.requirements if r.id not in written) if checklist else ():
        yield f"{missing}: is in the checklist and not in the submission"


@cache
def _checklist(version: str) -> Checklist | None:
    return load(version) if version in versions() else None


@cache
def _kinds() -> dict[str, tuple[str, ...]]:
    text = resources.files(__package__).joinpath("kinds.yaml").read_text(encoding="utf-8")
    return {name: tuple(kinds) for name, kinds in yaml.safe_load(text).items()}
