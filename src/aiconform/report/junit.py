"""junit.xml: a suite for each requirement, a case for each clause and one for the requirement itself. Pure.

Which outcomes become failures and which become skipped is said in `cases`.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from aiconform.model import Assessment, Check, Recording, Verdict
from aiconform.report import view
from aiconform.report.cases import Case, of


def render(
    assessment: Assessment,
    verdicts: tuple[Verdict, ...],
    recordings: tuple[Recording, ...],
    checks: Mapping[str, Check],
) -> str:
    """The file's text. A case's name is "<requirement>" or "<requirement>/<clause>"; its class is the attempt."""
    report = view.build(assessment, verdicts, recordings, checks)
    root = ET.Element("testsuites")
    everything: list[Case] = []
    for r in report.requirements:
        mine = of(r, assessment.started)
        everything += mine
        suite = ET.SubElement(root, "testsuite", {"name": r.row.requirement, **_counts(mine)})
        if assessment.started:
            suite.set("timestamp", assessment.started.removesuffix("Z"))
        for case in mine:
            _case(suite, case)
    for key, value in {"name": "aiconform", **_counts(tuple(everything))}.items():
        root.set(key, value)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, case: Case) -> None:
    name = f"{case.requirement}/{case.clause}" if case.clause else case.requirement
    element = ET.SubElement(
        suite,
        "testcase",
        name=name,
        classname="aiconform." + (case.attempt or case.requirement),
        time=f"{case.seconds:.3f}",
    )
    if case.status == "fail":
        ET.SubElement(element, "failure", message=case.message, type="FAIL")
    elif case.status == "skip":
        ET.SubElement(element, "skipped", message=case.message)
    elif case.message:
        ET.SubElement(element, "system-out").text = case.message


def _counts(cases: tuple[Case, ...]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(c.status == "fail" for c in cases)),
        "errors": "0",
        "skipped": str(sum(c.status == "skip" for c in cases)),
        # Cases of one requirement overlap in time: the longest is its length.
        "time": f"{max((c.seconds for c in cases), default=0.0):.3f}",
    }
