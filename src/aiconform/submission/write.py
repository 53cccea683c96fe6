"""What a submission's rows may say, from a run, its claims, the product's layers and upstream's own test results. Pure.

A run's FAIL or UNKNOWN never becomes Implemented by itself. Upstream's results are upstream's word: they are linked
and named as such, and they make a row Implemented only if a person asks for it, and only where the run saw nothing
against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from aiconform.model import Assessment, Outcome
from aiconform.report.product_yaml import Answer, answer, links
from aiconform.submission.artifacts import Artifact
from aiconform.submission.product_file import Layer
from aiconform.submission.rules import UPSTREAM_TESTS

UPSTREAM_FOLDER = "upstream"


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """What upstream's suite says of one row. `files` are those that hold the test as `result` and may be linked."""

    test: str
    result: Literal["pass", "fail", "skip"]
    files: tuple[str, ...] = ()


def upstream(results: Mapping[str, Artifact]) -> dict[str, Upstream]:
    """By requirement, of the rows that its tests are about; `results` are by file name. Of two files the worse counts.

    The gate refuses a file with any failed test in it, so such a file is never linked.
    """
    found = {}
    for requirement, test in UPSTREAM_TESTS.items():
        said = {name: held.result(test) for name, held in results.items() if held.result(test)}
        worst = next((r for r in ("fail", "skip", "pass") if r in said.values()), None)
        if worst == "pass":
            files = tuple(f"{UPSTREAM_FOLDER}/{n}#{test}" for n in said if not results[n].failures)
            found[requirement] = Upstream(test=test, result="pass", files=files)
        elif worst in ("fail", "skip"):
            found[requirement] = Upstream(test=test, result="fail" if worst == "fail" else "skip")
    return found


def evidence_links(assessment: Assessment) -> dict[str, tuple[str, ...]]:
    """As `product_yaml.links`. If a row failed only the pages: the gate refuses artifacts that hold a failed test."""
    found = links(assessment)
    if not any(r.outcome is Outcome.FAIL for r in assessment.rows):
        return found
    return {name: tuple(e for e in evidence if e.startswith("evidence/")) for name, evidence in found.items()}


def answers(
    assessment: Assessment,
    linked: Mapping[str, Sequence[str]],
    layers: Mapping[str, Layer],
    tests: Mapping[str, Upstream],
    *,
    accept_upstream: bool,
) -> dict[str, Answer]:
    """Requirement -> what its row says."""
    found = {}
    for row in assessment.rows:
        given = answer(row, assessment, linked.get(row.requirement, ()))
        if row.requirement in tests:
            given = _with_upstream(given, row.outcome, tests[row.requirement], accept=accept_upstream)
        if row.requirement in layers:
            given = replace(given, notes=f"{_sentence(given.notes)} {layers[row.requirement].words()}")
        found[row.requirement] = given
    return found


def _with_upstream(given: Answer, outcome: Outcome, test: Upstream, *, accept: bool) -> Answer:
    said = {"pass": "passed", "fail": "failed", "skip": "was skipped"}[test.result]
    own = f"upstream's own {test.test} {said}"
    if test.result == "skip":
        return replace(given, notes=f"{_sentence(given.notes)} Beside it, {own}.")
    if given.status and (test.result == "pass") != (given.status == "Implemented"):
        # Two sources that contradict each other: a person has to look, and nothing is claimed.
        return Answer("", (), f"Not settled: {_sentence(given.notes)} But {own}: look at both.")
    if test.result == "fail":
        return replace(given, notes=f"{_sentence(given.notes)} Beside it, {own}.")
    if given.status:
        return Answer(given.status, (*given.evidence, *test.files), f"{_sentence(given.notes)} Beside it, {own}.")
    if outcome is not Outcome.UNKNOWN:
        return replace(given, notes=f"{_sentence(given.notes)} But {own}: look at both.")
    if accept and test.files:
        notes = f"By upstream's suite, and not by aiconform: {test.test} passed. {_sentence(given.notes)}"
        return Answer("Implemented", test.files, notes)
    return Answer("", test.files, f"{_sentence(given.notes)} But {own}: if that is enough, say so.")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", ")")) else f"{text}."
