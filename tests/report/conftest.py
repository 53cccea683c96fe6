"""Runs for the report's tests."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from aiconform.checklists.load import load
from aiconform.model import Assessment, Outcome, Recording, Verdict

sys.path.insert(0, str(Path(__file__).parent))
import report_sample  # found by the line above: importlib mode puts no test folder on the path


@dataclass(frozen=True)
class Run:
    """The arguments of every render function."""

    assessment: Assessment
    verdicts: tuple[Verdict, ...]
    recordings: tuple[Recording, ...]

    @property
    def all(self) -> tuple[object, ...]:
        return self.assessment, self.verdicts, self.recordings, report_sample.CHECKS


def _run(access: Outcome) -> Run:
    checklist = load("1.37")
    native, cites = report_sample.gang_recording("native")
    kueue, split = report_sample.gang_recording("kueue", splits=True)
    rec, verdict = report_sample.access(access)
    rows = {
        "gang_scheduling": report_sample.row(
            checklist,
            "gang_scheduling",
            Outcome.PASS,
            "It holds by native; it does not by kueue.",
            via=("kueue", "native"),
            limits=("atomicity: placement", "one node"),
        ),
        "secure_accelerator_access": report_sample.row(
            checklist,
            "secure_accelerator_access",
            access,
            verdict.findings[0].because,
            code=verdict.findings[0].code,
            via=("dra-sim-a100",),
            limits=("simulated accelerators",),
        ),
        "cluster_autoscaling": replace(
            report_sample.row(checklist, "cluster_autoscaling", Outcome.UNKNOWN, "", code="no-check"),
            covered=False,
            claims=(report_sample.CLAIM,),
        ),
    }
    return Run(
        report_sample.assessment(checklist, rows),
        (
            report_sample.gang_verdict(native, cites, splits=False),
            report_sample.gang_verdict(kueue, split, splits=True),
            verdict,
        ),
        (native, kueue, rec),
    )


@pytest.fixture
def failing() -> Run:
    """Gang scheduling passes by one of two mechanisms; accelerator access fails."""
    return _run(Outcome.FAIL)


@pytest.fixture
def passing() -> Run:
    """Both checked requirements pass, although one mechanism does not work."""
    return _run(Outcome.PASS)


@pytest.fixture
def interrupted() -> Run:
    """Accelerator access is unknown because the suite was stopped."""
    return _run(Outcome.UNKNOWN)
