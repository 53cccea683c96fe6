"""`aiconform report`: one report of a run, on stdout or into a file."""

from pathlib import Path
from typing import Annotated

import typer

from aiconform.cli import derived
from aiconform.cli.errors import usage
from aiconform.cli.settings import ChecklistVersion
from aiconform.cli.suite import judging_suite
from aiconform.engine.judge import judge_run

FORMS = {
    "html": "report.html",
    "markdown": "report.md",
    "md": "report.md",
    "junit": "junit.xml",
    "e2e.log": "e2e.log",
    "results.json": "results.json",
    "verdicts": "verdicts.json",
}


def report(
    directory: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    form: Annotated[
        str,
        typer.Option(
            "--output", "-o", help="html, markdown, junit, e2e.log, results.json, verdicts.", metavar="FORMAT"
        ),
    ] = "markdown",
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Write here instead of stdout.", metavar="FILE")
    ] = None,
    checklist: ChecklistVersion = "",
) -> int:
    """Print one report of a run, judged now from its recordings."""
    if form not in FORMS:
        raise usage(f"--output knows {', '.join(FORMS)}, not {form!r}")
    judged = judge_run(directory, judged_by=judging_suite(), checklist=checklist)
    data = derived.files(judged)[FORMS[form]]
    if file is None:
        print(data.decode(), end="")
    else:
        file.write_bytes(data)
    return 0
