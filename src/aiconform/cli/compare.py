"""`aiconform compare`: what differs between two runs."""

from pathlib import Path
from typing import Annotated

import typer

from aiconform import comparison
from aiconform.cli import output
from aiconform.cli.errors import BROKEN, FAILED, UNKNOWN, Problem
from aiconform.cli.settings import ChecklistVersion
from aiconform.cli.suite import judging_suite
from aiconform.comparison import html, markdown, table
from aiconform.comparison.words import compared
from aiconform.engine import registry
from aiconform.engine.judge import judge_run, load_inventory
from aiconform.evidence import seal

FORMATS = ("table", "json", "yaml", "markdown", "html")


def compare(
    before: Annotated[Path, typer.Argument(help="The first run's folder.", metavar="RUN_A")],
    after: Annotated[Path, typer.Argument(help="The second run's folder.", metavar="RUN_B")],
    form: Annotated[
        str, typer.Option("--output", "-o", help="table, json, yaml, markdown or html.", metavar="FORMAT")
    ] = "table",
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Write here instead of stdout.", metavar="FILE")
    ] = None,
    fail: Annotated[
        bool,
        typer.Option(
            "--fail-on-regression",
            help="Exit 1 if something that passed in RUN_A is lost in RUN_B, 2 if nothing could be compared.",
        ),
    ] = False,
    checklist: ChecklistVersion = "",
) -> int:
    """Compare two runs: one platform over time, or two platforms. No cluster is needed.

    Both are judged now, from their sealed recordings, so that what differs is the platform and not the judge. A
    regression is a MUST requirement or a clause of one that passed in RUN_A and fails, is unknown, does not apply or is
    gone in RUN_B; and, on the same platform, an accelerator that is gone.
    """
    output.check_format(form, FORMATS)
    found = comparison.compare(_side(before, checklist), _side(after, checklist))
    if form == "table" and file is None:
        output.console().print(table.render(found))
    else:
        _write(found, form, file)
    if not fail:
        return 0
    if not found.regressions:
        return 0 if compared(found) else UNKNOWN
    return FAILED


def _side(directory: Path, checklist: str) -> comparison.Side:
    """A run whose recordings are as they were sealed, judged now."""
    judged = judge_run(directory, judged_by=judging_suite(), checklist=checklist)
    if problems := seal.verify(directory / "recorded"):
        raise Problem(f"{directory} cannot be compared: {problems[0]}; `aiconform verify` says more", BROKEN)
    return comparison.Side(
        run=judged.run,
        inventory=load_inventory(directory),
        verdicts=judged.verdicts,
        assessment=judged.assessment,
        checks={v.check: registry.load(v.check).check for v in judged.verdicts},
    )


def _write(found: comparison.Comparison, form: str, file: Path | None) -> None:
    if form in ("json", "yaml"):
        text = output.text(found, form)
    elif form == "table":
        text = output.plain(table.render(found))
    else:
        text = {"markdown": markdown, "html": html}[form].render(found)
    if file is None:
        print(text, end="")
    else:
        file.write_text(text, encoding="utf-8")
