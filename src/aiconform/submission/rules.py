"""The gate's rules: what it would refuse, and what it would warn of. Pure, but for the files that `beside` shows.

Every rule is one of scripts/validate.go of cncf/k8s-ai-conformance; advice beyond it is in `advice`.
"""

from collections.abc import Iterator
from dataclasses import replace

from aiconform.model import Checklist, Requirement
from aiconform.submission import artifacts, evidence, metadata
from aiconform.submission.beside import Beside, Unusable
from aiconform.submission.parse import Submission, SubmittedRow, Value
from aiconform.submission.remark import Remark, advice, error, unknown, warning

STATUSES = ("Implemented", "Not Implemented", "Partially Implemented", "N/A")
# The one MUST whose condition may not apply to a platform.
MAY_BE_NA = ("cluster_autoscaling",)
# Tests of the programme's own suite, by the requirement that they are about.
UPSTREAM_TESTS = {
    "secure_accelerator_access": "TestSecureAcceleratorAccess",
    "gang_scheduling": "TestGangScheduling",
    "cluster_autoscaling": "TestAcceleratorClusterAutoscaling",
}
# From this minor version on, test results are recommended for them.
_RECOMMENDED_FROM = 37


def check(
    submission: Submission, checklist: Checklist, beside: Beside, members: frozenset[str] | None
) -> tuple[Remark, ...]:
    """Errors and warnings in the file's order. `members` are names in the landscape; None if nobody looked.

    If the file cannot be loaded, the gate says only that: other errors are still given, marked as `behind`.
    """
    breaks = [error("cannot-load", b.message, b.remedy, b.mark) for b in submission.breaks]
    if breaks and submission.metadata is None and submission.sections is None:
        return tuple(breaks)
    found = [*metadata.check(submission, members), *_Spec(submission, checklist, beside).check()]
    if breaks:
        found = [replace(r, behind=r.level in ("error", "warning")) for r in found]
    return tuple(sorted([*breaks, *found], key=lambda r: (r.mark.line, r.mark.column)))


class _Spec:
    def __init__(self, submission: Submission, checklist: Checklist, beside: Beside) -> None:
        self.submission = submission
        self.checklist = checklist
        self.beside = beside
        # What was said about a file of test results is said once.
        self.told: set[str] = set()

    def check(self) -> Iterator[Remark]:
        s = self.submission
        if s.sections is None:
            take = f"take it from the official checklist {self.checklist.version}"
            yield error("spec-missing", "there is no spec", take, s.spec_mark)
            return
        for section in dict.fromkeys(r.section for r in self.checklist.requirements):
            if section not in s.sections:
                yield error(
                    "section-missing",
                    f"spec has no section {section}",
                    f"copy it from the official checklist {self.checklist.version}",
                    s.spec_mark,
                )
                continue
            for required in (r for r in self.checklist.requirements if r.section == section):
                row = s.row(required.id, section)
                if row is None:
                    yield error(
                        "row-missing",
                        f"{section} has no row {required.id}",
                        f"copy it from the official checklist {self.checklist.version}",
                        s.sections[section],
                        required.id,
                    )
                else:
                    yield from self._row(required, row)

    def _row(self, required: Requirement, row: SubmittedRow) -> Iterator[Remark]:
        if required.level == "SHOULD" and not row.status and not row.evidence:
            return
        yield from _status(required, row)
        with_results = False
        for item in row.evidence:
            if not item.text or evidence.is_web(item.text):
                continue
            yield from self._file(row, item)
            with_results = with_results or self._is_artifact(item.text)
        test = UPSTREAM_TESTS.get(row.id)
        recommended = _minor(self.checklist.version) >= _RECOMMENDED_FROM
        if test and recommended and row.status == "Implemented" and not with_results:
            yield warning(
                "artifact-recommended",
                f"{row.id} has no junit.xml, results.json or e2e.log as evidence",
                f"add the results of a test, such as upstream's {test}, or one of your own by its #Name",
                row.at("evidence"),
                row.id,
            )

    def _is_artifact(self, link: str) -> bool:
        try:
            path = evidence.local(link, self.submission.version, self.submission.product).path
        except evidence.BadPath:
            return False
        return bool(artifacts.kind(path)) and self.beside.state(path) != "absent"

    def _file(self, row: SubmittedRow, item: Value) -> Iterator[Remark]:
        about = f"evidence of {row.id}"
        try:
            place = evidence.local(item.text, self.submission.version, self.submission.product)
        except evidence.BadPath as reason:
            yield error(
                "evidence-path",
                f"{about}: {item.text!r} {reason}",
                "name a file in the product's own folder",
                item.mark,
                row.id,
            )
            return
        state = self.beside.state(place.path)
        if state == "absent":
            yield error(
                "evidence-missing",
                f"{about}: there is no file {place.path!r}",
                "put the file beside PRODUCT.yaml, or write words into notes",
                item.mark,
                row.id,
            )
        elif state == "unnoticed":
            yield advice(
                "evidence-missing",
                f"{about}: {place.path[:80]!r} cannot be opened, which the gate does not notice",
                "name a file that is there",
                item.mark,
                row.id,
            )
        elif state == "outside" or (state == "special" and not artifacts.kind(place.path)):
            what = "is a symbolic link out of the folder" if state == "outside" else "is no regular file"
            said = f"{about}: {place.path!r} {what}, and was not opened"
            yield unknown("evidence-not-followed", said, "put the file itself there", item.mark, row.id)
        if artifacts.kind(place.path) and state not in ("absent", "outside"):
            yield from self._artifact(row, item, place)

    def _artifact(self, row: SubmittedRow, item: Value, place: evidence.Local) -> Iterator[Remark]:
        try:
            results = self.beside.artifact(place.path)
        except Unusable as reason:
            if place.path not in self.told:
                self.told.add(place.path)
                said, remedy = f"{place.path} {reason}", "put the test's own output there, or name the file otherwise"
                if reason.opened:
                    yield error("artifact-unreadable", said, remedy, item.mark, row.id)
                else:
                    yield unknown("evidence-not-followed", said, remedy, item.mark, row.id)
            return
        if results.failures and place.path not in self.told:
            self.told.add(place.path)
            names = sorted(results.failures)
            listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            yield error(
                "artifact-failed",
                f"{place.path} holds failed tests: {listed}",
                "mend the platform and run the tests again",
                item.mark,
                row.id,
            )
        test = place.fragment or UPSTREAM_TESTS.get(row.id, "")
        if test:
            yield from _test(row, item, place, test, results.result(test))


def _test(row: SubmittedRow, item: Value, place: evidence.Local, test: str, result: str) -> Iterator[Remark]:
    if not result:
        remedy = (
            "name the test behind the link as #Name" if not place.fragment else "look the test's name up in the file"
        )
        yield error(
            "test-missing", f"{place.path} holds no test {test}, on which {row.id} rests", remedy, item.mark, row.id
        )
    elif result == "fail":
        yield error(
            "test-failed",
            f"test {test}, on which {row.id} rests, failed in {place.path}",
            "mend the platform and run the test again",
            item.mark,
            row.id,
        )
    elif result == "skip" and row.status == "Implemented":
        yield error(
            "test-skipped",
            f"{row.id} is Implemented, but test {test} was skipped in {place.path}",
            "run the test, or take the link away",
            item.mark,
            row.id,
        )


def _status(required: Requirement, row: SubmittedRow) -> Iterator[Remark]:
    mark = row.at("status")
    said = f"status {row.status!r}" if row.status else "no status"
    if row.status not in STATUSES:
        yield error("status-unknown", f"{row.id} has {said}", f"write one of {', '.join(STATUSES)}", mark, row.id)
    optional = row.id in MAY_BE_NA
    if required.level == "MUST" and row.status == "N/A" and optional:
        yield warning(
            "must-not-applicable",
            f"{row.id} is a MUST and N/A, so a reviewer looks at its notes",
            "say in notes why it cannot apply to this platform",
            mark,
            row.id,
        )
    elif required.level == "MUST" and row.status != "Implemented":
        also = ", or be N/A with a reason in notes" if optional else ""
        yield error(
            "must-not-implemented",
            f"{row.id} is a MUST and has {said}: it must be Implemented{also}",
            "prove it, or do not submit yet",
            mark,
            row.id,
        )
    if row.status == "N/A" and not row.notes.strip():
        yield error(
            "na-without-notes",
            f"{row.id} is N/A without a reason",
            "write the reason into notes",
            row.at("notes"),
            row.id,
        )


def _minor(version: str) -> int:
    return int(version.rpartition(".")[2])
