"""The registry as one page that opens from disk: no network, and filters by a small script of its own. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from aiconform import __version__
from aiconform.platforms import words
from aiconform.platforms.find import KINDS, accelerators
from aiconform.platforms.mechanisms import known
from aiconform.platforms.types import Entry, Evidence, PlatformRow, Registry, Strength
from aiconform.report import page

_PACKAGE = "aiconform.platforms"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One submission as the page shows it. `tokens`: "requirement:mechanism:strength" of every Implemented row, where a
    mechanism or strength is a number of the page's own lists.
    """

    entry: Entry
    state: str
    newest: bool
    tokens: str
    haystack: str

    @property
    def anchor(self) -> str:
        return f"{self.entry.version}-{self.entry.product}".lower()


def render(registry: Registry, entries: Sequence[Entry], on: date) -> str:
    """The whole page, with these submissions, as things stand on a day."""
    newest = {p.newest.path for p in registry.platforms}
    script = page.asset("registry.js", _PACKAGE)
    requirements = requirements_of(entries)
    return (
        page.environment(_PACKAGE)
        .get_template("registry.html.j2")
        .render(
            lines=[_line(e, on, e.path in newest) for e in entries],
            platforms=len({e.product.lower() for e in entries}),
            requirements=requirements,
            mechanisms={r: mechanisms_of(r, entries) for r in requirements},
            versions=sorted({e.version for e in entries}, key=lambda v: tuple(int(n) for n in v[1:].split("."))),
            kinds=KINDS,
            accelerators=[a for a in accelerators() if any(a in e.accelerators for e in entries)],
            strengths=[s.value for s in Strength if s is not Strength.NOTHING],
            caution=words.CAUTION,
            source=registry.source,
            commit=registry.commit,
            on=on,
            suite=__version__,
            words=words,
            link=link,
            style=Markup(page.asset("style.css") + page.asset("registry.css", _PACKAGE)),
            script=Markup(script),
            script_hash=page.digest(script),
        )
    )


def requirements_of(entries: Iterable[Entry]) -> list[str]:
    """Every requirement of any submission, in order of first appearance."""
    return list(dict.fromkeys(r.requirement for e in entries for r in e.rows))


def mechanisms_of(requirement: str, entries: Iterable[Entry]) -> list[str]:
    """The known mechanisms that any of these submissions names for a requirement."""
    there = {m for e in entries if (row := e.row(requirement)) for m in row.mechanisms}
    return [m for m in known(requirement) if m in there]


def link(evidence: Evidence) -> str:
    """Where an entry may lead: only to the web; "" for everything else."""
    return evidence.text if evidence.text.lower().startswith(("https://", "http://")) else ""


def _line(entry: Entry, on: date, newest: bool) -> Line:
    return Line(
        entry=entry,
        state=words.state(entry, on),
        newest=newest,
        tokens=" ".join(t for r in entry.rows if r.implemented for t in _tokens(r)),
        haystack=" ".join((entry.product, entry.name, entry.vendor, entry.description)).lower(),
    )


def _tokens(row: PlatformRow) -> Iterable[str]:
    for mechanism in ("", *row.mechanisms):
        yield f"{row.requirement}:{mechanism}:{row.strength}"
