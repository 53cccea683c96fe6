"""Judges a run's folder and rebuilds everything that is derived from it. No cluster is needed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from aiconform.checklists import load as load_checklist
from aiconform.engine import registry
from aiconform.engine.assess import assess
from aiconform.engine.claims import load_claims
from aiconform.engine.plan import selected
from aiconform.evidence import store
from aiconform.evidence.errors import EvidenceError
from aiconform.model import FORMAT, Assessment, Inventory, Recording, Run, Suite, Verdict, decode

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A run, judged: what was loaded and what came of it."""

    run: Run
    recordings: tuple[Recording, ...]
    verdicts: tuple[Verdict, ...]
    assessment: Assessment


def judge_run(directory: Path, *, judged_by: Suite, checklist: str = "") -> Judged:
    """Judges every recording in `directory/recorded`, against the run's checklist or another one.

    Raises EvidenceError if the folder cannot be read at all, ClaimsError for a bad claims.yaml, and
    UnknownChecklist.
    """
    run = load_run_info(directory)
    recordings = store.load_run(directory)
    verdicts = tuple(registry.load(r.check).judge(r, judged_by) for r in recordings if _known(r))
    rows = load_checklist(checklist or run.checklist)
    chosen = {r.id for r in rows.requirements}
    if not checklist:
        chosen = set(selected(rows, run.options))
    untried = {r.id: "" if r.id in chosen else "not selected" for r in rows.requirements}
    assessment = assess(
        rows,
        verdicts,
        load_claims(directory),
        run=run,
        untried=untried,
        judged_by=judged_by,
    )
    return Judged(run=run, recordings=recordings, verdicts=verdicts, assessment=assessment)


def load_run_info(directory: Path) -> Run:
    """`recorded/run.json` of a run's folder. Raises EvidenceError."""
    return _recorded(directory, "run.json", Run)


def load_inventory(directory: Path) -> Inventory:
    """`recorded/inventory.json` of a run's folder. Raises EvidenceError."""
    return _recorded(directory, "inventory.json", Inventory)


def _recorded(directory: Path, name: str, kind: type[T]) -> T:
    path = directory / "recorded" / name
    try:
        data = path.read_bytes()
        head = msgspec.json.decode(data)
        found = head.get("format", FORMAT) if isinstance(head, dict) else FORMAT
        if found != FORMAT:
            raise EvidenceError(
                f"{path} has format {found!r}, and this release reads {FORMAT!r}; use the release that wrote it"
            )
        return decode(data, kind)
    except FileNotFoundError:
        raise EvidenceError(
            f"{directory} is not a run: {path} is missing; name a folder that `aiconform run` has made"
        ) from None
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{path} cannot be understood ({error}); was it changed by hand?") from None


def _known(recording: Recording) -> bool:
    return recording.check in registry.names()
