"""What is said about a submission: one sentence, a place, and how to mend it."""

from dataclasses import dataclass
from typing import Literal

from aiconform.submission.nodes import Mark

# error and warning are the gate's own words; advice goes beyond the gate; unknown was not looked at, and why.
Level = Literal["error", "warning", "advice", "unknown"]
LEVELS: tuple[Level, ...] = ("error", "warning", "advice", "unknown")

# Rule -> what it is about. The names are stable: people filter by them.
RULES: dict[str, str] = {
    "cannot-load": "The gate cannot load the file at all.",
    "version-folder": "The file does not lie below a folder named after a version.",
    "checklist-unknown": "No checklist of that version is known.",
    "metadata-missing": "There is no metadata.",
    "field-missing": "A metadata field that is required is absent.",
    "field-no-text": "A metadata field is no text.",
    "field-empty": "A metadata field that is required is empty.",
    "field-placeholder": "A metadata field still holds the placeholder of the official file.",
    "k8s-conformance-url": "k8sConformanceUrl has another form than the gate asks for.",
    "not-a-member": "The vendor is not among the CNCF's members in the landscape.",
    "members-not-looked-up": "The vendor was not looked up among the CNCF's members.",
    "spec-missing": "There is no spec.",
    "section-missing": "A section of the checklist is absent.",
    "row-missing": "A requirement of the checklist is absent.",
    "status-unknown": "The status is none of the four that exist.",
    "must-not-implemented": "A MUST is not Implemented.",
    "must-not-applicable": "A MUST that may be N/A is N/A: a person looks at the reason.",
    "na-without-notes": "N/A has no reason in notes.",
    "evidence-path": "Evidence names no file in the product's folder.",
    "evidence-missing": "A file that is evidence is not there.",
    "evidence-not-followed": "A file that is evidence was not opened.",
    "artifact-unreadable": "A file of test results cannot be understood.",
    "artifact-failed": "A file of test results holds a failed test.",
    "artifact-recommended": "The programme recommends test results for this row.",
    "test-missing": "The test that the row rests on is not in the file.",
    "test-failed": "The test that the row rests on failed.",
    "test-skipped": "The test that an implemented row rests on was skipped.",
    "link-dead": "A link does not answer.",
    "link-refused": "A link refuses the program that follows it.",
    "link-busy": "A link answers that there were too many requests.",
    "links-not-followed": "Links were not followed.",
    "no-evidence": "An implemented row has no evidence.",
    "documentation-only": "An implemented row rests on documentation alone.",
    "copied": "The evidence is the same as for the version before.",
    "other-product": "Evidence points at another product's submission.",
    "other-version": "Something in the file is of another Kubernetes version.",
    "thin-reason": "The reason for N/A says nothing.",
    "expired": "The certification is older than a year.",
    "text-changed": "The official text of a row was changed.",
    "level-changed": "The official level of a row was changed.",
    "row-ignored": "The checklist of this version has no such row.",
    "logo-form": "The logo is neither SVG, EPS nor AI.",
    "row-twice": "A row is there twice.",
    "unreadable": "The file cannot be read here.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """`message` says what is wrong, `remedy` how to mend it. `row` is the requirement, "" for the whole file.

    `behind` is true of an error that the gate shows only when the file can be loaded again.
    """

    level: Level
    rule: str
    message: str
    remedy: str
    mark: Mark
    row: str = ""
    behind: bool = False


def error(rule: str, message: str, remedy: str, mark: Mark, row: str = "") -> Remark:
    """What the gate refuses."""
    return Remark(level="error", rule=rule, message=message, remedy=remedy, mark=mark, row=row)


def warning(rule: str, message: str, remedy: str, mark: Mark, row: str = "") -> Remark:
    """What the gate says and lets pass."""
    return Remark(level="warning", rule=rule, message=message, remedy=remedy, mark=mark, row=row)


def advice(rule: str, message: str, remedy: str, mark: Mark, row: str = "") -> Remark:
    """What the gate does not look at."""
    return Remark(level="advice", rule=rule, message=message, remedy=remedy, mark=mark, row=row)


def unknown(rule: str, message: str, remedy: str, mark: Mark, row: str = "") -> Remark:
    """What was not looked at here, though the gate may."""
    return Remark(level="unknown", rule=rule, message=message, remedy=remedy, mark=mark, row=row)
