"""PRODUCT.yaml: the official text with answers in it, and nothing that was not proved."""

import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.checklists import load, versions
from aiconform.model import Assessment, Outcome
from aiconform.report import evidence_page, gotest, junit
from aiconform.report.product_yaml import (
    REQUIRED,
    TemplateError,
    answer,
    links,
    quoted,
    render,
    stated,
    unfilled,
)

sys.path.insert(0, str(Path(__file__).parent))
import report_sample as sample

# The official files are data of the programme and not part of this repository.
OFFICIAL = Path(os.environ.get("AICONFORM_CHECKLISTS", Path(__file__).parents[3] / "shared" / "checklists"))
METADATA = {name: f"the {name}: \"quoted\" # and 'odd'" for name in REQUIRED if name != "kubernetesVersion"}

TEMPLATE = """\
# A checklist in the official form.
metadata:
  kubernetesVersion: v1.37
  platformName: "[Platform Name]"   # keep this
  vendor_name: "[Vendor Name]"

spec:
  schedulingOrchestration:
    - id: gang_scheduling
      description: "status: evidence: notes: none of these is a field"
      level: MUST
      status: ""   # Implemented, ...
      evidence: [] # links
      notes: ""    # why
    - id: cluster_autoscaling
      level: MUST
      status:
      evidence:
      notes:
  security:
    - id: secure_accelerator_access
      level: MUST
      status: "Implemented"
      evidence:
        - "https://example.com/a"
        # by hand
        - "b.md"
      notes: |
        Written by hand
        on two lines.
    - id: workload_sandboxing
      level: SHOULD
      status: ""
      evidence: []
      notes: ''"""


def assessment(outcomes: dict[str, Outcome], version: str = "1.37", because: str = "it was seen") -> Assessment:
    checklist = load(version)
    rows = {
        name: sample.row(checklist, name, o, because, limits=("one node",))
        for name, o in outcomes.items()
        if checklist.requirement(name)
    }
    return sample.assessment(checklist, rows)


def official(version: str) -> str:
    path = OFFICIAL / f"AIConformance-{version.removeprefix('v')}.yaml"
    if not path.exists():
        pytest.skip("the official checklists are not here (set AICONFORM_CHECKLISTS)")
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == load(version).official_sha256
    return data.decode()


def rows_of(text: str) -> dict[str, dict[str, object]]:
    return {row["id"]: row for section in yaml.safe_load(text)["spec"].values() for row in section}


@pytest.mark.parametrize("version", versions())
def test_of_an_official_file_only_the_answers_change(version: str) -> None:
    template = official(version)
    a = assessment({"gang_scheduling": Outcome.PASS, "secure_accelerator_access": Outcome.FAIL}, version)
    filled = render(template, a, METADATA, links(a))
    before, after = template.splitlines(keepends=True), filled.splitlines(keepends=True)
    added = 0 if "k8sConformanceUrl" in template else 1
    assert len(after) == len(before) + added
    rest = iter(after)
    for line in before:
        new = next(rest)
        while new != line and new.startswith("  k8sConformanceUrl:") and "k8sConformanceUrl" not in line:
            new = next(rest)
        if new == line:
            continue
        key = line.split(":")[0]
        assert new.startswith(key + ":"), (line, new)
        assert key.strip() in {*METADATA, "status", "evidence", "notes"}, line
        # A comment behind the value, and the end of the line, are the official ones.
        tail = line[line.index("#") :] if "   #" in line or "[] #" in line else line[len(line.rstrip("\r\n")) :]
        assert new.endswith(tail)
    for old, new_row in zip(rows_of(template).values(), rows_of(filled).values(), strict=True):
        assert {k: v for k, v in old.items() if k not in ("status", "evidence", "notes")} == {
            k: v for k, v in new_row.items() if k not in ("status", "evidence", "notes")
        }
    assert {k: v for k, v in yaml.safe_load(filled)["metadata"].items() if k in METADATA} == METADATA
    assert unfilled(filled) == ()


@pytest.mark.parametrize("version", versions())
def test_nothing_to_say_about_metadata_changes_nothing_there(version: str) -> None:
    template = official(version)
    a = assessment({}, version)
    head = template.partition("spec:")[0]
    assert render(template, a, {}, {}).startswith(head)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_a_pass_becomes_implemented(outcome: Outcome) -> None:
    a = assessment({"gang_scheduling": outcome, "cluster_autoscaling": outcome, "workload_sandboxing": outcome})
    filled = rows_of(render(TEMPLATE, a, {}, {"gang_scheduling": ["x.md"], "cluster_autoscaling": ["y.md"]}))
    expected = "Implemented" if outcome is Outcome.PASS else ""
    assert filled["gang_scheduling"]["status"] == expected
    assert filled["gang_scheduling"]["evidence"] == (["x.md"] if outcome is Outcome.PASS else [])
    if outcome in (Outcome.FAIL, Outcome.UNKNOWN):
        assert filled["gang_scheduling"]["notes"] == f"Not proved: {outcome}: it was seen"
    # Only this MUST, and any SHOULD, may be not applicable, and then notes must say why.
    allowed = {Outcome.PASS: "Implemented", Outcome.NOT_APPLICABLE: "N/A"}.get(outcome)
    assert filled["cluster_autoscaling"]["status"] == (allowed or None)
    assert filled["workload_sandboxing"]["status"] == (allowed or "")
    assert filled["cluster_autoscaling"]["notes"] and filled["workload_sandboxing"]["notes"]


def test_a_claim_is_written_as_a_claim_and_never_over_a_failure() -> None:
    a = assessment({"cluster_autoscaling": Outcome.UNKNOWN})
    row = next(r for r in a.rows if r.requirement == "cluster_autoscaling")
    claimed = replace(row, claims=(sample.CLAIM,))
    said = answer(claimed, a, ())
    assert said.status == "N/A"
    assert said.notes.startswith("Stated by Jo Example on 2026-01-01, not tested: The platform runs")
    assert "the machine room" in said.notes
    assert answer(replace(claimed, outcome=Outcome.FAIL), a, ()).status == ""
    # No other MUST may be N/A: the programme's gate refuses it.
    other = answer(replace(claimed, requirement="pod_autoscaling"), a, ())
    assert other.status == "" and "Stated by Jo Example" in other.notes
    boast = replace(claimed, claims=(replace(sample.CLAIM, says="Implemented"),))
    assert answer(boast, a, ()).status == ""


def test_answers_by_hand_are_kept_and_ours_are_written_anew() -> None:
    a = assessment({"gang_scheduling": Outcome.PASS})
    first = render(TEMPLATE, a, {}, links(a))
    hand = TEMPLATE[TEMPLATE.index('      status: "Implemented"') : TEMPLATE.index("    - id: workload_sandboxing")]
    assert hand in first
    assert stated(first) == {"gang_scheduling": "Implemented", "secure_accelerator_access": "Implemented"}
    worse = assessment({"gang_scheduling": Outcome.FAIL})
    second = rows_of(render(first, worse, {}, links(worse)))["gang_scheduling"]
    assert (second["status"], second["evidence"]) == ("", [])
    assert second["notes"] == "Not proved: FAIL: it was seen"
    proved = assessment({"secure_accelerator_access": Outcome.PASS})
    third = rows_of(render(first, proved, {}, links(proved)))["secure_accelerator_access"]
    assert third["evidence"] == list(links(proved)["secure_accelerator_access"])


def test_comments_and_line_ends_stay() -> None:
    a = assessment({"gang_scheduling": Outcome.PASS})
    metadata = {"platformName": "P", "vendorName": "V", "repoUrl": "R"}
    filled = render(TEMPLATE.replace("\n", "\r\n"), a, metadata, links(a))
    assert '  platformName: "P"   # keep this\r\n  vendor_name: "V"\r\n  repoUrl: "R"\r\n\r\nspec:' in filled
    assert 'status: "Implemented"   # Implemented, ...\r\n' in filled
    assert '"evidence/gang_scheduling.md"] # links\r\n' in filled
    assert "\n" not in filled.replace("\r\n", "")


# A busy machine is no failure: no deadline for one example.
@settings(deadline=None)
@given(st.text())
def test_any_text_is_one_line_and_reads_back(value: str) -> None:
    line = quoted(value)
    assert len((line + "x").splitlines()) == 1
    assert yaml.safe_load(line) == value


@settings(deadline=None)
@given(st.text(), st.text())
def test_no_text_breaks_out_of_its_field(because: str, name: str) -> None:
    a = assessment({"gang_scheduling": Outcome.FAIL}, because=because)
    filled = render(TEMPLATE, a, {"platformName": name}, {})
    assert yaml.safe_load(filled)["metadata"]["platformName"] == name
    assert rows_of(filled)["gang_scheduling"]["notes"] == f"Not proved: FAIL: {because}"
    assert rows_of(filled).keys() == rows_of(TEMPLATE).keys()


@pytest.mark.parametrize(
    ("template", "metadata", "says"),
    [
        ("", {}, "no checklist"),
        ("a: [", {}, "no YAML"),
        ("metadata: {}\n", {}, "no metadata and spec"),
        (TEMPLATE.replace("v1.37", "v1.36"), {}, "is for v1.36"),
        (TEMPLATE.replace("      notes: ''", ""), {}, "workload_sandboxing of the template has no notes"),
        (TEMPLATE, {"vendor": "x"}, "no metadata field 'vendor'"),
        (TEMPLATE, {"platformVersion": 1.34}, "put 1.34 in quotes"),
    ],
)
def test_what_cannot_be_used_is_said(template: str, metadata: dict[str, str], says: str) -> None:
    with pytest.raises(TemplateError, match=says):
        render(template, assessment({}), metadata, {})


def test_rows_that_this_release_does_not_know_stay_blank() -> None:
    row = rows_of(render(TEMPLATE.replace("workload_sandboxing", "brand_new"), assessment({}), {}, {}))["brand_new"]
    assert row["status"] == "" and "does not know this row" in str(row["notes"])


def test_links_name_tests_that_are_in_the_artifacts(passing) -> None:  # type: ignore[no-untyped-def]
    """Held against the artifacts themselves: the gate refuses a fragment that it does not find."""
    made = {
        "junit.xml": junit.render(*passing.all),
        "e2e.log": gotest.e2e_log(*passing.all),
        "results.json": gotest.results_json(*passing.all),
    }
    pages = evidence_page.render(*passing.all)
    found = links(passing.assessment)
    assert found.keys() == {"gang_scheduling", "secure_accelerator_access"} == pages.keys()
    for name, evidence in found.items():
        for link in evidence:
            file, _, fragment = link.partition("#")
            if file.startswith("evidence/"):
                assert file == f"evidence/{name}.md"
                continue
            marks = {
                "junit.xml": f'<testcase name="{fragment}"',
                "e2e.log": f"--- PASS: {fragment} (",
                "results.json": f'"Action": "pass", "Package": "aiconform", "Test": "{fragment}"',
            }
            assert marks[file] in made[file], link


def test_a_page_says_what_was_seen_by_whom_and_how(passing) -> None:  # type: ignore[no-untyped-def]
    page = evidence_page.render(*passing.all)["gang_scheduling"]
    assert page.startswith("# gang_scheduling: Gang scheduling\n")
    for part in ("Example Platform 4.2", "v1.37.1", "`k3x9`", "2026-01-02T10:00:00Z", "b" * 64, "one node"):
        assert part in page
    assert "## How this is proved\n\nHow gangs are proved.\n" in page


def test_a_failed_row_has_no_page(failing) -> None:  # type: ignore[no-untyped-def]
    assert evidence_page.render(*failing.all).keys() == {"gang_scheduling"}
