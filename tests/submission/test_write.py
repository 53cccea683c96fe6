"""A submission holds the official text, what was proved, and who says what; nothing else becomes Implemented."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yaml.nodes import MappingNode, ScalarNode

from aiconform.checklists import load, versions
from aiconform.model import Assessment, Claim, Outcome
from aiconform.report.product_yaml import render
from aiconform.submission.artifacts import Artifact, read
from aiconform.submission.product_file import BadProduct, Layer
from aiconform.submission.product_file import read as read_product
from aiconform.submission.rules import UPSTREAM_TESTS
from aiconform.submission.write import Upstream, answers, evidence_links, upstream

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
import report_sample as sample
import shared

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CLAIM = Claim(requirement="", says="N/A", who="Jo", when="2026-01-01", why="There is none.", layer="the cloud")
RESULTS: tuple[Literal["pass", "fail", "skip"], ...] = ("pass", "fail", "skip")
TESTS = {r: Upstream(test="TestX", result=r, files=("upstream/e2e.log#TestX",)) for r in RESULTS}


def assessment(outcomes: dict[str, Outcome], version: str = "1.37", claimed: tuple[str, ...] = ()) -> Assessment:
    checklist = load(version)
    rows = {
        r.id: sample.row(
            checklist, r.id, outcomes.get(r.id, Outcome.UNKNOWN), "it was seen", code="no-check",
            claims=(replace(CLAIM, requirement=r.id),) if r.id in claimed else (),
        )
        for r in checklist.requirements
    }  # fmt: skip
    return sample.assessment(checklist, rows)


def outside(text: str) -> str:
    """A checklist without the values that may be filled in, and without the one line that may be added."""
    root = yaml.compose(text, Loader=LOADER)
    spans = []

    def walk(node: object, in_metadata: bool) -> None:
        if not isinstance(node, MappingNode):
            for item in getattr(node, "value", ()) if not isinstance(node, ScalarNode) else ():
                walk(item, in_metadata)
            return
        for key, value in node.value:
            if key.value in ("status", "evidence", "notes") or in_metadata:
                end = value.start_mark.index + len(text[value.start_mark.index : value.end_mark.index].rstrip())
                spans.append((value.start_mark.index, end))
            else:
                walk(value, key.value == "metadata")

    walk(root, False)
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return "".join(line for line in text.splitlines(keepends=True) if line.strip() != "k8sConformanceUrl:")


TEXT = st.text(max_size=30)


@pytest.mark.parametrize("version", versions())
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_byte_of_the_official_file_stays(version: str, data: st.DataObject) -> None:
    official = (shared.folder("checklists") / f"AIConformance-{version[1:]}.yaml").read_bytes()
    assert hashlib.sha256(official).hexdigest() == load(version).official_sha256
    names = [r.id for r in load(version).requirements]
    outcomes = data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from(list(Outcome))))
    a = assessment(outcomes, version, claimed=tuple(data.draw(st.sets(st.sampled_from(names)))))
    layers = data.draw(st.dictionaries(st.sampled_from(names), st.builds(Layer, by=TEXT, component=TEXT)))
    tests = data.draw(st.dictionaries(st.sampled_from(sorted(UPSTREAM_TESTS)), st.sampled_from(list(TESTS.values()))))
    metadata = data.draw(st.dictionaries(st.sampled_from(["platformName", "repoUrl", "k8sConformanceUrl"]), TEXT))
    said = answers(a, evidence_links(a), layers, tests, accept_upstream=data.draw(st.booleans()))
    filled = render(official.decode(), a, metadata, evidence_links(a), said)
    assert outside(filled) == outside(official.decode())
    back = {row["id"]: row for section in yaml.load(filled, Loader=LOADER)["spec"].values() for row in section}
    for name in names:
        assert (back[name]["status"], back[name]["notes"]) == (said[name].status, said[name].notes)
        assert tuple(back[name]["evidence"]) == said[name].evidence


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("claimed", [False, True])
@pytest.mark.parametrize("test", [None, *RESULTS])
@pytest.mark.parametrize("accept", [False, True])
@pytest.mark.parametrize("row", ["gang_scheduling", "cluster_autoscaling"])
def test_what_becomes_of_every_combination(
    row: str, outcome: Outcome, claimed: bool, test: str | None, accept: bool
) -> None:
    a = assessment({row: outcome}, claimed=(row,) if claimed else ())
    said = answers(a, evidence_links(a), {}, {row: TESTS[test]} if test else {}, accept_upstream=accept)[row]
    # The second of the two rows may be N/A, but nothing that failed, and nothing that passed somebody's test.
    not_there = outcome is Outcome.NOT_APPLICABLE or (claimed and outcome is Outcome.UNKNOWN)
    na = row == "cluster_autoscaling" and not_there
    by_upstream = accept and test == "pass" and outcome is Outcome.UNKNOWN and not na
    if outcome is Outcome.PASS and test != "fail":
        assert said.status == "Implemented" and said.evidence and said.notes.startswith("Proved by aiconform")
    elif by_upstream:
        assert said.status == "Implemented" and said.evidence
        assert said.notes.startswith("By upstream's suite, and not by aiconform")
    elif na and test != "pass":
        assert said.status == "N/A"
    else:
        assert said.status == ""
        assert said.notes.startswith(("Not proved: ", "Not settled: "))
    assert ("upstream" in said.notes.lower()) == (test is not None)


def test_layers_are_named_and_say_what_became_of_the_base() -> None:
    a = assessment({"gang_scheduling": Outcome.PASS})
    layers = {
        "gang_scheduling": Layer(by="Example", component="a queue 1.2", base="extended"),
        "ai_inference": Layer(by="The base"),
    }
    said = answers(a, evidence_links(a), layers, {}, accept_upstream=False)
    assert said["gang_scheduling"].notes.endswith(" Layer: Example (a queue 1.2); the base platform's own is extended.")
    assert said["ai_inference"].notes.endswith("it was seen. Layer: The base.") and not said["ai_inference"].status


def test_of_a_run_with_a_failure_no_results_are_linked() -> None:
    passed = assessment({"gang_scheduling": Outcome.PASS})
    assert "junit.xml#gang_scheduling" in evidence_links(passed)["gang_scheduling"]
    failed = assessment({"gang_scheduling": Outcome.PASS, "gpu_sharing": Outcome.FAIL})
    assert evidence_links(failed) == {"gang_scheduling": ("evidence/gang_scheduling.md",)}


def log(text: str) -> Artifact:
    return read("e2e.log", text.encode())


def test_upstream_s_results_are_those_of_its_tests_and_the_worse_counts() -> None:
    passed = log("--- PASS: TestGangScheduling\n--- SKIP: TestAcceleratorClusterAutoscaling")
    found = upstream({"e2e.log": passed})
    assert found == {
        "gang_scheduling": Upstream(
            test="TestGangScheduling", result="pass", files=("upstream/e2e.log#TestGangScheduling",)
        ),
        "cluster_autoscaling": Upstream(test="TestAcceleratorClusterAutoscaling", result="skip"),
    }
    failed = log("--- FAIL: TestGangScheduling")
    assert upstream({"e2e.log": passed, "junit.xml": failed})["gang_scheduling"].result == "fail"
    # A file with any failed test is never linked: the gate would refuse it.
    mixed = log("--- PASS: TestGangScheduling\n--- FAIL: TestOther")
    assert upstream({"e2e.log": mixed})["gang_scheduling"].files == ()
    only = {"gang_scheduling": upstream({"e2e.log": mixed})["gang_scheduling"]}
    a = assessment({})
    assert answers(a, {}, {}, only, accept_upstream=True)["gang_scheduling"].status == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[metadata", "no TOML"),
        ("a = 1", "a is not known"),
        ("metadata = 1", "must be a table"),
        ("[metadata]\nvendor = 'x'", "no metadata field vendor"),
        ("[metadata]\nplatformVersion = 1.34", "put 1.34 in quotes"),
        ("[layers]\nnothing = 'x'", "names nothing, which is no row"),
        ("[layers]\na = 1", "must be a text"),
        ("[layers.a]\nby = ''", "does not say by whom"),
        ("[layers.a]\nby = 'x'\nbase = 'gone'", "choose from inherited"),
        ("[layers.a]\nby = 'x'\nwho = 'y'", "has who"),
    ],
)
def test_what_is_wrong_in_a_product_file_is_said(text: str, says: str) -> None:
    with pytest.raises(BadProduct, match=says):
        read_product(text.encode(), ("a",))


def test_a_product_file_is_read() -> None:
    text = "[metadata]\nplatformName = 'P'\n[layers]\na = 'X'\n[layers.b]\nby = 'Y'\ncomponent = 'c'\nbase = 'matched'"
    found = read_product(text.encode(), ("a", "b"))
    assert found.metadata == {"platformName": "P"}
    assert found.layers == {"a": Layer(by="X"), "b": Layer(by="Y", component="c", base="matched")}
    with pytest.raises(BadProduct, match="UTF-8"):
        read_product(b"\xff", ())
