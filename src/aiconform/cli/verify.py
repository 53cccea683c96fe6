"""`aiconform verify`: nothing was changed, and the same verdicts come out again."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from aiconform.cli import derived, output
from aiconform.cli.errors import BROKEN, Problem
from aiconform.cli.suite import judging_suite
from aiconform.engine.claims import ClaimsError
from aiconform.engine.judge import Judged, judge_run
from aiconform.evidence import seal
from aiconform.evidence.errors import EvidenceError
from aiconform.model import Verdict, decode


def verify(
    directory: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
) -> int:
    """Prove that no recorded byte changed since the run, judge again, and compare with the kept verdicts.

    Exit 0 if everything agrees; 3 if the evidence was altered or the verdicts differ.
    """
    if not (directory / "recorded").is_dir():
        raise Problem(f"{directory} is not a run: name a folder that `aiconform run` has made")
    problems = seal.verify(directory / "recorded")
    recordings = 0
    try:
        judged = judge_run(directory, judged_by=judging_suite())
        recordings = len(judged.recordings)
        problems += compare(directory, judged)
    except (EvidenceError, ClaimsError) as error:
        problems.append(str(error))
    for problem in problems:
        output.say(f"verify: {problem}")
    if problems:
        return BROKEN
    plural = "" if recordings == 1 else "s"
    print(f"{directory}: {recordings} recording{plural} unchanged since the run; judged again, same verdicts")
    return 0


def compare(directory: Path, judged: Judged) -> list[str]:
    """What the kept derived files say otherwise than judging does now, in words.

    Files made by another version of the suite may be worded otherwise: then the verdicts' outcomes count.
    """
    kept_in = directory / "derived"
    try:
        kept = decode((kept_in / "verdicts.json").read_bytes(), tuple[Verdict, ...])
    except FileNotFoundError:
        return [f"derived/verdicts.json is missing: `aiconform judge {directory}` makes it again"]
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        return [f"derived/verdicts.json cannot be read ({error}): `aiconform judge {directory}` makes it again"]
    if any(v.judged_by != judging_suite() for v in kept):
        now, then = outcomes(judged.verdicts), outcomes(kept)
        changed = [n for n in now | then if now.get(n) != then.get(n)]
        return [f"{n}: {then.get(n, 'nothing')} then, {now.get(n, 'nothing')} now" for n in changed]
    return [
        f"derived/{name} is not what judging the recordings gives now"
        for name, data in sorted(derived.files(judged).items())
        if not (kept_in / name).exists() or (kept_in / name).read_bytes() != data
    ]


def outcomes(verdicts: tuple[Verdict, ...]) -> dict[str, str]:
    """Every clause's outcome, by "check.via/clause"."""
    return {f"{v.check}.{v.via}/{f.clause}": str(f.outcome) for v in verdicts for f in v.findings}
