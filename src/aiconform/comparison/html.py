"""A comparison as one page that opens from disk, with no network and no script. Pure."""

from markupsafe import Markup

from aiconform.comparison.types import Change, Comparison
from aiconform.comparison.words import attempts, no_regression, said, shown, total
from aiconform.report import page

_PACKAGE = "aiconform.comparison"
# Change -> the colours of the outcome that it is like.
_LIKE = {
    Change.BROKE: "FAIL", Change.WORSE: "FAIL", Change.UNPROVED: "UNKNOWN", Change.WAIVED: "UNKNOWN",
    Change.VANISHED: "UNKNOWN", Change.BETTER: "PASS",
}  # fmt: skip


def render(comparison: Comparison) -> str:
    """The whole page."""
    rows = shown(comparison.rows)
    return (
        page.environment(_PACKAGE)
        .get_template("compare.html.j2")
        .render(
            c=comparison,
            rows=rows,
            attempts={r.requirement: attempts(r) for r in rows},
            total=total(comparison),
            no_regression=no_regression(comparison),
            like={k: _LIKE.get(k, "NONE") for k in Change},
            said=said,
            style=Markup(page.asset("style.css")),
        )
    )
