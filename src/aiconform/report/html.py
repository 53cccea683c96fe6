"""report.html: one file that opens from disk, with no network, in light, dark and on paper. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment
from markupsafe import Markup, escape

from aiconform.model import Assessment, Check, Outcome, Recording, Verdict
from aiconform.report import page, timeline, view
from aiconform.report.history import History, history
from aiconform.report.records import ALL, Records, choose, cited, deciding, title
from aiconform.report.view import AttemptView


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What the page shows of one attempt beside its clauses."""

    attempt: AttemptView
    history: History | None
    picture: Markup
    records: Records

    def role(self, name: str) -> int:
        """The number of a role's colour."""
        return timeline.role_number(self.history, name) if self.history else 0

    @property
    def roles(self) -> tuple[str, ...]:
        return timeline.roles(self.history) if self.history else ()

    def link(self, seq: int) -> str:
        """The id of a recorded object on this page; "" if it is not among those shown."""
        return f"{self.attempt.anchor}-{seq}" if seq in self.records else ""


def render(
    assessment: Assessment,
    verdicts: tuple[Verdict, ...],
    recordings: tuple[Recording, ...],
    checks: Mapping[str, Check],
) -> str:
    """The whole page. Bodies beyond the size limits of `records` are cut, and the page says where they are."""
    report = view.build(assessment, verdicts, recordings, checks)
    attempts = [a for r in report.requirements for a in r.attempts]
    budget = ALL // max(1, len(attempts))
    style, script = page.asset("style.css"), page.asset("script.js")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            a=assessment,
            headline=view.headline(assessment),
            failures=view.causes(report, Outcome.FAIL),
            unproved=view.unproved(report),
            details={a.anchor: _detail(a, budget) for a in attempts},
            facts=facts(assessment),
            style=Markup(style),
            script=Markup(script),
            script_hash=page.digest(script),
        )
    )


def facts(assessment: Assessment) -> tuple[tuple[str, str], ...]:
    """What was tested, and with what: label and text."""
    judged = assessment.judged_by
    own = (
        ("Platform", assessment.platform or "not known"),
        ("Kubernetes", assessment.server_version),
        ("Checklist", f"{assessment.checklist} (official file sha256 {assessment.official_sha256})"),
        ("Run", assessment.run),
        ("Started", assessment.started or "not known"),
        ("Judged by", f"aiconform {judged.version}" + (f" ({judged.commit})" if judged.commit else "")),
    )
    return own + tuple((view.words(k), view.text_of(v)) for k, v in sorted(assessment.facts.items()))


def _detail(attempt: AttemptView, budget: int) -> Detail:
    records = choose(attempt, budget)
    if attempt.recording is None:
        return Detail(attempt=attempt, history=None, picture=Markup(""), records=records)
    by = cited(attempt.verdict)
    fails = deciding(attempt.verdict)
    past = history(attempt.recording, frozenset(by))
    marks = {
        o.seq: timeline.Mark(
            t=o.t,
            href=f"{attempt.anchor}-{o.seq}",
            title=f"{o.t:.1f} s, {title(o)} (cited by {', '.join(by[o.seq])})",
            fails=o.seq in fails,
        )
        for o in attempt.recording.observations
        if o.seq in by and o.seq in records
    }
    # Safe: timeline escapes every text that it puts into the picture.
    picture = Markup(timeline.svg(past, marks, f"{attempt.anchor}-picture"))
    return Detail(attempt=attempt, history=past, picture=picture, records=records)


def ticks(text: str) -> Markup:
    """A check's own words: what stands between backticks as code, everything escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a lone backtick means itself
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts))


@cache
def _environment() -> Environment:
    env = page.environment().overlay()
    env.filters["ticks"] = ticks
    return env
