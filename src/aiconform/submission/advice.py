"""Advice beyond the gate: what a reviewer would ask, and the gate does not look at. Pure, but for files beside."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources

from aiconform.model import Checklist
from aiconform.submission import evidence
from aiconform.submission.beside import Beside
from aiconform.submission.metadata import CONFORMANCE_URL
from aiconform.submission.nodes import Mark
from aiconform.submission.parse import Submission, SubmittedRow
from aiconform.submission.remark import Remark, advice

_LOGOS = (".svg", ".eps", ".ai")
_SAYS_NOTHING = {"", "na", "none", "no", "notapplicable", "notsupported", "tbd", "todo", "seeabove"}
# A certification holds for one year: terms-conditions/Certified_AI_Platform.md of cncf/k8s-ai-conformance, 5.1.
VALID = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """The same product's submission for an earlier version, with its files."""

    submission: Submission
    beside: Beside


@dataclass(frozen=True, kw_only=True)
class Age:
    """Since when the product is certified, and how that is known; `today` is the day that it is held against."""

    since: date
    source: str
    today: date


def check(
    submission: Submission, checklist: Checklist, beside: Beside, earlier: Earlier | None, age: Age | None
) -> Iterator[Remark]:
    """Every advice. `earlier` and `age` are None where nothing is known."""
    yield from _metadata(submission)
    if age and age.today - age.since > VALID:
        said = f"certified since {age.since} ({age.source}): the year ended on {age.since + VALID}"
        yield advice("expired", said, "test again and submit for a version that is open", Mark())
    known = {(r.section, r.id): r for r in checklist.requirements}
    seen = set()
    for row in submission.rows:
        place = (row.section, row.id)
        if place not in known:
            said = f"{row.id or 'a row without id'} in {row.section} is no row of {checklist.version}, and is ignored"
            yield advice("row-ignored", said, "take the rows from the official checklist file", row.mark, row.id)
            continue
        if place in seen:
            yield advice(
                "row-twice", f"{row.id} is there twice, and the last one counts", "remove one", row.mark, row.id
            )
        seen.add(place)
        yield from _official(row, known[place].level, texts().get(checklist.version, {}))
        yield from _row(submission, row)
        if earlier and (copied := _copied(row, submission, beside, earlier)):
            yield copied


@cache
def texts() -> dict[str, dict[str, str]]:
    """Version -> requirement -> `digest` of the official description."""
    data = resources.files(__package__).joinpath("texts.json").read_bytes()
    found: dict[str, dict[str, str]] = json.loads(data)
    return found


def digest(description: str) -> str:
    """Of a description, whatever its line ends and blanks are."""
    return hashlib.sha256(" ".join(description.split()).encode()).hexdigest()[:16]


def _metadata(s: Submission) -> Iterator[Remark]:
    version = s.field("kubernetesVersion")
    if s.version and version and not re.match(rf"v?{re.escape(s.version[1:])}(\D|$)", version.text):
        said = f"kubernetesVersion is {version.text}, and the folder is for {s.version}"
        yield advice("other-version", said, f"write {s.version}, or move the folder", version.mark)
    link = s.field("k8sConformanceUrl")
    match = CONFORMANCE_URL.fullmatch(link.text) if link else None
    if link and match and s.version and match[1] != s.version:
        said = f"k8sConformanceUrl points at the Kubernetes conformance of {match[1]}, and this is for {s.version}"
        yield advice("other-version", said, f"link the product's conformance of {s.version}", link.mark)
    logo = s.field("productLogoUrl")
    if logo and evidence.is_web(logo.text) and not logo.text.lower().endswith(_LOGOS):
        said = f"productLogoUrl {logo.text!r} ends neither in .svg nor .eps nor .ai"
        yield advice("logo-form", said, "link a vector picture: one version of the gate refuses others", logo.mark)


def _official(row: SubmittedRow, level: str, official: dict[str, str]) -> Iterator[Remark]:
    if row.level != level:
        said = f"level of {row.id} is {row.level or 'empty'}, and officially {level}"
        yield advice("level-changed", said, f"write {level}: the gate takes the official one", row.at("level"), row.id)
    if row.id in official and digest(row.description) != official[row.id]:
        said = f"description of {row.id} is not the official text"
        yield advice("text-changed", said, "copy it from the official checklist file", row.at("description"), row.id)


def _row(submission: Submission, row: SubmittedRow) -> Iterator[Remark]:
    given = [item for item in row.evidence if item.text.strip()]
    if row.status == "Implemented" and not given:
        said = f"{row.id} is Implemented without any evidence"
        yield advice("no-evidence", said, "add what shows it: the output of a test", row.at("evidence"), row.id)
    elif row.status == "Implemented" and all(evidence.sort(item.text) == "documentation" for item in given):
        said = f"{row.id} rests on documentation alone: nothing shows that it was tried"
        yield advice("documentation-only", said, "add the output of a test", given[0].mark, row.id)
    if row.status == "N/A" and row.notes.strip() and _thin(row.notes):
        said = f"{row.id} is N/A because of {row.notes.strip()!r}, which gives no reason"
        yield advice("thin-reason", said, "say what the platform lacks or who provides it", row.at("notes"), row.id)
    for item in given:
        other = evidence.submission_of(item.text)
        if other is None or not submission.product:
            continue
        version, product = other
        if product.lower() != submission.product.lower():
            said = f"evidence of {row.id} lies in the submission of {product} ({version})"
            yield advice("other-product", said, "link evidence of this product", item.mark, row.id)
        elif version != submission.version:
            said = f"evidence of {row.id} lies in this product's submission for {version}"
            yield advice("other-version", said, f"link evidence made with {submission.version}", item.mark, row.id)


def _thin(notes: str) -> bool:
    return re.sub(r"[\W_]+", "", notes).lower() in _SAYS_NOTHING or (notes.isascii() and len(notes.split()) < 3)


def _copied(row: SubmittedRow, submission: Submission, beside: Beside, earlier: Earlier) -> Remark | None:
    before = earlier.submission.row(row.id)
    links = [_plain(item.text, submission) for item in row.evidence if item.text.strip()]
    if before is None or row.status != "Implemented" or not links:
        return None
    if links != [_plain(item.text, earlier.submission) for item in before.evidence if item.text.strip()]:
        return None
    for link in links:
        if isinstance(link, evidence.Local):
            now, then = beside.bytes(link.path), earlier.beside.bytes(link.path)
            if now is None or now != then:
                return None
    said = f"evidence of {row.id} is that of {earlier.submission.version}, unchanged"
    remedy = f"test again with {submission.version} and link what came of it"
    return advice("copied", said, remedy, row.at("evidence"), row.id)


def _plain(link: str, submission: Submission) -> str | evidence.Local:
    """A link without what depends on the folder: the same file of two versions is compared by its bytes."""
    if evidence.is_web(link):
        return link.strip()
    try:
        return evidence.local(link, submission.version, submission.product)
    except evidence.BadPath:
        return link
