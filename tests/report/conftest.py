"""Runs for the report's tests."""

from dataclasses import dataclass, replace

import pytest
import sample

from aiconform.checklists.load import load
from aiconform.model import Assessment, Outcome, Recording, Verdict


@dataclass(frozen=True)
class Run:
    """The arguments of every render function."""

    assessment: Assessment
    verdicts: tuple[Verdict, ...]
    recordings: tuple[Recording, ...]

    @property
    def all(self) -> tuple[object, ...]:
        return self.assessment, self.verdicts, self.recordings, sample.CHECKS


def _run(access: Outcome) -> Run:
    checklist = load("1.37")
    native, cites = sample.gang_recording("native")
    kueue, split = sample.gang_recording("kueue", splits=True)
    rec, verdict = sample.access(access)
    rows = {
        "gang_scheduling": sample.row(
            checklist,
            "gang_scheduling",
            Outcome.PASS,
            "It holds by native; it does not by kueue.",
            via=("kueue", "native"),
            limits=("atomicity: placement", "one node"),
        ),
        "secure_accelerator_access": sample.row(
            checklist,
            "secure_accelerator_access",
            access,
            verdict.findings[0].because,
            code=verdict.findings[0].code,
            via=("dra-sim-a100",),
            limits=("simulated accelerators",),
        ),
        "cluster_autoscaling": replace(
            sample.row(checklist, "cluster_autoscaling", Outcome.UNKNOWN, "", code="no-check"),
            covered=False,
            claims=(sample.CLAIM,),
        ),
    }
    return Run(
        sample.assessment(checklist, rows),
        (
            sample.gang_verdict(native, cites, splits=False),
            sample.gang_verdict(kueue, split, splits=True),
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
