"""Checks submissions on disk: reads them, and puts together what the rules and the advice say."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

from aiconform import checklists
from aiconform.model import Checklist, Requirement
from aiconform.report.product_yaml import OPTIONAL, REQUIRED
from aiconform.submission import advice, evidence, rules
from aiconform.submission.beside import Beside
from aiconform.submission.files import NAME, Unreadable, place, plain, read, read_bytes
from aiconform.submission.git import NoGit, day, git
from aiconform.submission.metadata import CONFORMANCE_URL
from aiconform.submission.nodes import Mark
from aiconform.submission.parse import Submission, parse
from aiconform.submission.remark import Remark, error, unknown

# refused: the gate would fail. open: nothing is wrong in what was looked at, but not all was. accepted: all was.
Verdict = Literal["refused", "open", "accepted", "unreadable"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How to check. `members` None: nobody looks them up. `certified` overrides what git says."""

    members: frozenset[str] | None = None
    official: Checklist | None = None
    advice: bool = True
    certified: date | None = None
    today: date = field(default_factory=date.today)


@dataclass(frozen=True, kw_only=True)
class Link:
    """A web address that the gate follows, with the place that names it. `row` is "" for metadata."""

    url: str
    what: str
    row: str
    mark: Mark


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One file. `links` are what the gate would follow on the web."""

    path: Path
    version: str
    product: str
    remarks: tuple[Remark, ...]
    links: tuple[Link, ...] = ()
    broken: bool = False

    @property
    def verdict(self) -> Verdict:
        levels = {r.level for r in self.remarks}
        if "error" in levels:
            return "refused"
        if self.broken:
            return "unreadable"
        return "open" if "unknown" in levels else "accepted"


def check(paths: Iterable[Path], asked: Asked) -> Iterator[Checked]:
    """Every PRODUCT.yaml in or below the paths. Raises Unreadable for a path that holds none."""
    known: dict[Path, Submission] = {}
    for path in paths:
        yield _one(path, asked, known)


def as_checklist(path: Path) -> Checklist:
    """An official checklist file, as far as the gate uses it. Raises Unreadable."""
    found = parse(read_bytes(path))
    version = found.text("kubernetesVersion")
    if found.breaks or not found.rows or not version.startswith("v"):
        raise Unreadable(f"{path} is no official checklist; give a file such as AIConformance-1.37.yaml")
    rows = tuple(
        Requirement(id=r.id, level="MUST" if r.level == "MUST" else "SHOULD", section=r.section, summary="")
        for r in found.rows
    )
    return Checklist(version=version, requirements=rows, official_sha256="")


def with_links(checked: Checked, remarks: Iterable[Remark]) -> Checked:
    """A file with what following its links has shown, in place of the remark that nobody had followed them."""
    kept = [r for r in checked.remarks if r.rule != "links-not-followed"]
    return replace(checked, remarks=_sorted([*kept, *remarks]))


def _one(path: Path, asked: Asked, known: dict[Path, Submission]) -> Checked:
    version, product = place(path)
    try:
        submission = _read(path, known)
    except Unreadable as reason:
        remark = unknown("unreadable", str(reason), "then check again", Mark())
        return Checked(path=path, version=version, product=product, remarks=(remark,), broken=True)
    checklist, problem = _checklist(version, asked.official)
    if checklist is None:
        loads = [error("cannot-load", b.message, b.remedy, b.mark) for b in submission.breaks]
        remarks = [*loads, *([problem] if problem else [])]
        broken = problem is not None and problem.level == "unknown"
        return Checked(path=path, version=version, product=product, remarks=_sorted(remarks), broken=broken)
    beside = Beside(path.parent)
    remarks = [*rules.check(submission, checklist, beside, asked.members)]
    if not asked.advice:
        remarks = [r for r in remarks if r.level != "advice"]
    else:
        remarks += advice.check(submission, checklist, beside, _earlier(path, version, known), _age(path, asked))
    links = tuple(_links(submission, checklist))
    if links:
        said = f"{len(links)} {'link was' if len(links) == 1 else 'links were'} not followed, and the gate does"
        remarks.append(unknown("links-not-followed", said, "use --online", Mark()))
    return Checked(path=path, version=version, product=product, remarks=_sorted(remarks), links=links)


def _read(path: Path, known: dict[Path, Submission]) -> Submission:
    full = plain(path)
    if full not in known:
        known[full] = read(path)
    return known[full]


def _checklist(version: str, official: Checklist | None) -> tuple[Checklist | None, Remark | None]:
    if not version:
        said = "no folder above the product's is named after a version, so the gate finds no checklist"
        return None, error("version-folder", said, "put the file at vX.Y/PRODUCT/PRODUCT.yaml", Mark())
    if official and official.version == version:
        return official, None
    try:
        return checklists.load(version), None
    except checklists.UnknownChecklist:
        said = f"this release knows no checklist {version}"
        return None, unknown("checklist-unknown", said, "give the official file with --template", Mark())


def _earlier(path: Path, version: str, known: dict[Path, Submission]) -> advice.Earlier | None:
    """The nearest earlier version's submission of a product with the same folder name, in any case."""
    folder = plain(path).parent
    root, product = folder.parent.parent, folder.name.lower()
    major, _, minor = version.removeprefix("v").partition(".")
    for before in range(int(minor) - 1, -1, -1):
        versions = root / f"v{major}.{before}"
        for candidate in versions.iterdir() if versions.is_dir() else ():
            file = candidate / NAME
            if candidate.name.lower() == product and file.is_file() and not candidate.is_symlink():
                try:
                    return advice.Earlier(submission=_read(file, known), beside=Beside(candidate))
                except Unreadable:
                    return None
    return None


def _age(path: Path, asked: Asked) -> advice.Age | None:
    if asked.certified:
        return advice.Age(since=asked.certified, source="as given", today=asked.today)
    full = plain(path)
    top = next((p for p in full.parents if (p / ".git").exists()), None)
    added = _added(top).get(str(full.relative_to(top))) if top else None
    return advice.Age(since=added, source="the file's first commit", today=asked.today) if added else None


@lru_cache(maxsize=8)
def _added(top: Path) -> dict[str, date]:
    """When each PRODUCT.yaml of a repository was committed first. A shallow clone makes them younger, never older."""
    words = ("log", "--diff-filter=A", "--no-renames", "--no-color", "--format=@%ct", "--name-only")
    try:
        log = git(*words, "--", f":(glob)**/{NAME}", at=top)
    except NoGit:
        return {}
    found, added = {}, None
    for line in log.splitlines():
        if line.startswith("@"):
            added = day(line[1:])
        elif line and added:
            found[line] = added
    return found


def _links(submission: Submission, checklist: Checklist) -> Iterator[Link]:
    for name in (*REQUIRED, *OPTIONAL):
        value = submission.field(name)
        if not value or value.kind != "text" or not value.text.startswith("http"):
            continue
        if name != "k8sConformanceUrl" or CONFORMANCE_URL.fullmatch(value.text):
            yield Link(url=value.text, what=name, row="", mark=value.mark)
    for required in checklist.requirements:
        row = submission.row(required.id, required.section)
        for item in row.evidence if row else ():
            if evidence.is_web(item.text):
                yield Link(url=item.text, what=f"evidence of {required.id}", row=required.id, mark=item.mark)


def _sorted(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """In the file's order; what was not looked at comes last."""
    return tuple(sorted(remarks, key=lambda r: (r.level == "unknown", r.mark.line, r.mark.column)))
