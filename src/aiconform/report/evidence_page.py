"""evidence/<requirement>.md: what proved one row, for a reader of a submission. Pure."""

from collections.abc import Mapping

from aiconform.model import Assessment, Check, Outcome, Recording, Verdict
from aiconform.report import markdown, view


def render(
    assessment: Assessment,
    verdicts: tuple[Verdict, ...],
    recordings: tuple[Recording, ...],
    checks: Mapping[str, Check],
) -> dict[str, str]:
    """Requirement -> the page's text, for every row that passed."""
    report = view.build(assessment, verdicts, recordings, checks)
    proved = (r for r in report.covered if r.row.outcome is Outcome.PASS)
    return {r.row.requirement: _page(assessment, r) for r in proved}


def _page(assessment: Assessment, r: view.RequirementView) -> str:
    text, code = markdown.text, markdown.code
    suite = assessment.facts.get("suite") or assessment.judged_by.version
    about = [
        f"# {r.row.requirement}: {text(r.check.title if r.check else r.row.summary)}",
        "",
        f"Platform {text(assessment.platform)}, Kubernetes {text(assessment.server_version)}, checklist "
        f"{text(assessment.checklist)}. Run {code(assessment.run)} of {text(assessment.started)}, by aiconform "
        f"{text(str(suite))}. Anybody can judge its recordings again, with no cluster: {code('aiconform judge RUN')}.",
        "",
        *markdown.requirement(r),
    ]
    page = r.check.page.strip() if r.check else ""
    # The check's own page is Markdown; its headings go one level down, under this page's title.
    how = ["", "## How this is proved", "", page.replace("\n## ", "\n### ")] if page else []
    return "\n".join([*about, *how, ""])
