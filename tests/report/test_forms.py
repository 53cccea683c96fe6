"""junit.xml, e2e.log and results.json, read back as the programme's gate reads them; report.md and the table."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
import report_sample as sample
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from aiconform.model import Outcome
from aiconform.report import gotest, junit, markdown, table

RESULT = re.compile(r"^\s*--- (PASS|FAIL|SKIP): (\S+)(?: \(|$)")


def by_log(text: str) -> dict[str, str]:
    found = [m.groups() for m in map(RESULT.match, text.split("\n")) if m]
    assert len({name for _, name in found}) == len(found)
    return {name: status.lower() for status, name in found}


def by_json(text: str) -> dict[str, str]:
    events = [json.loads(line) for line in text.splitlines()]
    return {e["Test"]: e["Action"] for e in events if e["Action"] in ("pass", "fail", "skip") and "Test" in e}


def by_junit(text: str) -> dict[tuple[str, str], str]:
    out = {}
    for case in ET.fromstring(text).iter("testcase"):
        kinds = {c.tag for c in case} & {"failure", "error", "skipped"}
        status = "fail" if kinds & {"failure", "error"} else "skip" if kinds else "pass"
        key = (case.attrib["classname"], case.attrib["name"])
        assert key not in out
        out[key] = status
    return out


def test_a_failed_requirement_is_a_failed_test_in_every_form(failing: object) -> None:
    for found in (by_log(gotest.e2e_log(*failing.all)), by_json(gotest.results_json(*failing.all))):
        assert found["aiconform/secure_accelerator_access"] == "fail"
        assert found["aiconform/secure_accelerator_access/gives_nothing_without_a_request"] == "fail"
        assert found["aiconform/gang_scheduling"] == "pass"
        assert found["aiconform/ai_inference"] == "skip"
    classes = by_junit(junit.render(*failing.all))
    assert classes["aiconform.secure_accelerator_access", "secure_accelerator_access"] == "fail"
    name = "secure_accelerator_access/gives_nothing_without_a_request"
    assert classes["aiconform.secure_accelerator_access.dra-sim-a100", name] == "fail"


def test_a_mechanism_that_lost_does_not_poison_the_file(passing: object) -> None:
    log = by_log(gotest.e2e_log(*passing.all))
    assert "fail" not in log.values()
    assert "fail" not in by_json(gotest.results_json(*passing.all)).values()
    assert "fail" not in by_junit(junit.render(*passing.all)).values()
    assert log["aiconform/gang_scheduling/kueue/starts_none_when_short"] == "skip"
    assert log["aiconform/gang_scheduling/native/starts_none_when_short"] == "pass"
    assert "does not count, because gang_scheduling is PASS by another attempt" in gotest.e2e_log(*passing.all)
    assert gotest.e2e_log(*passing.all).endswith("\nPASS\n")


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.FAIL])
def test_a_failed_mechanism_counts_only_if_the_row_failed(passing: object, outcome: Outcome) -> None:
    rows = tuple(
        replace(r, outcome=outcome) if r.requirement == "gang_scheduling" else r for r in passing.assessment.rows
    )
    assessment = replace(passing.assessment, rows=rows)
    log = by_log(gotest.e2e_log(assessment, passing.verdicts, passing.recordings, sample.CHECKS))
    wanted = "fail" if outcome is Outcome.FAIL else "skip"
    assert log["aiconform/gang_scheduling/kueue/starts_none_when_short"] == wanted
    assert log["aiconform/gang_scheduling"] == wanted


def test_all_three_forms_agree_and_hold_every_requirement_and_clause(failing: object) -> None:
    log, events = by_log(gotest.e2e_log(*failing.all)), by_json(gotest.results_json(*failing.all))
    assert log == events
    assert sorted(log.values()) == sorted(by_junit(junit.render(*failing.all)).values())
    clauses = sum(len(v.findings) for v in failing.verdicts)
    assert len(log) == clauses + len(failing.assessment.rows)


def test_results_are_as_go_writes_them(failing: object) -> None:
    events = [json.loads(line) for line in gotest.results_json(*failing.all).splitlines()]
    assert events[0] == {"Time": "2026-01-02T10:00:00Z", "Action": "start", "Package": "aiconform"}
    assert events[-1]["Action"] == "fail"
    assert "Test" not in events[-1]
    assert all(e["Package"] == "aiconform" for e in events)
    window = [e for e in events if e.get("Test") == "aiconform/gang_scheduling/native/starts_none_when_short"]
    assert [e["Action"] for e in window] == ["run", "output", "output", "pass"]
    assert window[-1]["Elapsed"] == 90.0
    assert window[-1]["Time"] == "2026-01-02T10:02:11.000Z"


def test_counts_of_junit_are_those_of_its_cases(failing: object) -> None:
    root = ET.fromstring(junit.render(*failing.all))
    for suite in (root, *root.iter("testsuite")):
        cases = list(suite.iter("testcase"))
        assert int(suite.attrib["tests"]) == len(cases)
        assert int(suite.attrib["failures"]) == sum(c.find("failure") is not None for c in cases)
        assert int(suite.attrib["skipped"]) == sum(c.find("skipped") is not None for c in cases)
    assert root.attrib["failures"] == "2"
    assert sum("failure" in {c.tag for c in t} for t in root.iter("testcase")) == 2


def altered(said: str) -> tuple[object, ...]:
    """A run whose sentences, codes and limits are `said`, and that fails nothing."""
    rec, cites = sample.gang_recording()
    verdict = sample.gang_verdict(rec, cites, splits=False)
    findings = tuple(replace(f, because=said, code=said, remedy=said) for f in verdict.findings)
    from aiconform.checklists.load import load

    checklist = load("1.37")
    row = sample.row(checklist, "gang_scheduling", Outcome.PASS, said, limits=(said,))
    return (
        sample.assessment(checklist, {"gang_scheduling": row}),
        (replace(verdict, findings=findings, limits=(said,), facts={"x": said}),),
        (rec,),
        sample.CHECKS,
    )


EVIL = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["\n--- FAIL: x (0.0s)\n", "\u2028--- FAIL: x", "</skipped><failure/>", "| a | b |\n## x", "\x00\x1b[1m"]
    ),
)


@settings(max_examples=60, deadline=None)
@given(EVIL)
def test_no_sentence_can_pass_for_a_result(said: str) -> None:
    run = altered(said)
    usual = altered("as usual")
    assert by_log(gotest.e2e_log(*run)) == by_log(gotest.e2e_log(*usual))
    assert by_json(gotest.results_json(*run)) == by_json(gotest.results_json(*usual))
    assert by_junit(junit.render(*run)) == by_junit(junit.render(*usual))


@settings(max_examples=60, deadline=None)
@given(EVIL)
def test_no_sentence_can_change_the_shape_of_the_markdown(said: str) -> None:
    def shape(text: str) -> list[str]:
        return [re.sub(r"\\.", "", line)[:2] for line in text.split("\n") if line.startswith(("#", "|", "<", ">"))]

    text = markdown.render(*altered(said))
    assert shape(text) == shape(markdown.render(*altered("as usual")))
    for line in text.split("\n"):
        if line.startswith("| ✓"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 5


def test_markdown_says_what_the_page_says(failing: object) -> None:
    text = markdown.render(*failing.all)
    assert text.index("opened /dev/sim0") < text.index("## Requirements")
    for shown in (
        "## What failed",
        "**What to do:**",
        "atomicity: placement",
        "A claim by a person",
        "## gang_scheduling",
    ):
        assert shown in text
    assert "| short\\_gang | short-0 | member | 41.2 | 55.0 | 58.0 | 170.0 | lab-node-1 |" in text
    assert "Gap in the watch" in text
    assert "@" not in markdown.text("ping @someone")
    assert markdown.text("0.1.0") == "0.1.0"
    assert markdown.text("1. first") == r"1\. first"
    assert markdown.text("- item") == r"\- item"


def test_the_plain_table_has_a_line_for_each_row_and_then_the_counts(failing: object) -> None:
    text = table.plain(failing.assessment)
    lines = text.splitlines()
    assert lines[1].startswith("PASS     gang_scheduling              MUST    ")
    assert lines[2].startswith("FAIL     secure_accelerator_access    MUST    The pod without a request opened")
    assert [line.split()[1] for line in lines[3:16]] == [
        r.requirement for r in failing.assessment.rows if not r.covered
    ]
    assert "Of 8 MUST requirements 1 passed, 1 failed and 6 have no check in this version." in lines
    assert "Claimed by Jo Example: NOT_APPLICABLE." in text


def test_the_terminal_table_shows_the_same_rows(failing: object) -> None:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(table.rows(failing.assessment))
    text = console.export_text()
    for row in failing.assessment.rows:
        assert row.requirement in text
    assert "✕ FAIL" in text
    assert "Limits: simulated accelerators." in text
