"""`aiconform judge`: verdicts from recordings, with no cluster."""

from pathlib import Path
from typing import Annotated

import typer

from aiconform.cli import derived, output
from aiconform.cli.settings import ChecklistVersion, Output
from aiconform.cli.suite import judging_suite
from aiconform.engine.assess import code
from aiconform.engine.judge import judge_run
from aiconform.report import table


def judge(
    directory: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    checklist: ChecklistVersion = "",
    form: Output = "table",
    write: Annotated[bool, typer.Option(help="Also rebuild the derived files.")] = True,
) -> int:
    """Judge a run again from its recordings, and rebuild its reports. No cluster is needed."""
    output.check_format(form)
    judged = judge_run(directory, judged_by=judging_suite(), checklist=checklist)
    if write and not checklist:
        output.say(f"written: {derived.write(directory, judged)}")
    if form in ("json", "yaml"):
        output.dump(judged.assessment, form)
    elif form == "name":
        for row in judged.assessment.rows:
            print(f"{row.requirement}={row.outcome}")
    else:
        output.console().print(table.rows(judged.assessment))
    return code(judged.assessment)
