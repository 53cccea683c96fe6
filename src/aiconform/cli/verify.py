"""`aiconform verify`: nothing was changed, and the same verdicts come out again."""

from pathlib import Path
from typing import Annotated

import typer

from aiconform.cli import derived, output
from aiconform.cli.errors import BROKEN
from aiconform.cli.suite import judging_suite
from aiconform.engine.judge import judge_run
from aiconform.evidence import seal


def verify(
    directory: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
) -> int:
    """Prove that no recorded byte changed since the run, judge again, and compare with the kept verdicts.

    Exit 0 if everything agrees; 3 if the evidence was altered or the verdicts differ.
    """
    problems = seal.verify(directory / "recorded")
    judged = judge_run(directory, judged_by=judging_suite())
    fresh = derived.files(judged)
    kept_in = directory / "derived"
    for name, data in sorted(fresh.items()):
        kept = kept_in / name
        if not kept.exists():
            problems.append(f"derived/{name} is missing: `aiconform judge {directory}` makes it again")
        elif kept.read_bytes() != data:
            problems.append(f"derived/{name} is not what judging the recordings gives now")
    for problem in problems:
        output.say(f"verify: {problem}")
    if problems:
        return BROKEN
    n = len(judged.recordings)
    print(f"{directory}: {n} recording{'' if n == 1 else 's'} unchanged since the run; judged again, same verdicts")
    return 0
