"""Each rule of the gate, broken alone; and what looks odd, and the gate lets pass."""

import sys
from datetime import date
from pathlib import Path

import pytest

from aiconform.submission import checker
from aiconform.submission.evidence import BadPath, Local, local
from aiconform.submission.members import NoMembers, members
from aiconform.submission.remark import RULES

sys.path.insert(0, str(Path(__file__).parent))
from products import JUNIT, METADATA, product_yaml, remarks, rules, write


def test_a_right_submission_is_accepted(tmp_path: Path) -> None:
    path = write(tmp_path, product_yaml())
    assert rules(path) == []
    found = next(iter(checker.check([path], checker.Asked(advice=False, members=frozenset({"Example"})))))
    # Its one link was not followed, and nothing is accepted unseen.
    assert found.verdict == "open" and [link.what for link in found.links] == ["k8sConformanceUrl"]
    assert checker.with_links(found, ()).verdict == "accepted"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('  platformName: "Example Platform"\n', "", ["error field-missing"]),
        ('"Example Platform"', "", ["error field-missing"]),
        ('"Example Platform"', '""', ["error field-empty"]),
        ('"Example Platform"', '"[Platform Name]"', ["error field-placeholder"]),
        ('platformVersion: "4.2"', "platformVersion: 4.2", ["error field-no-text"]),
        ('platformVersion: "4.2"', "platformVersion: 2026-01-31", ["error field-no-text"]),
        ('platformVersion: "4.2"', "platformVersion: [4]", ["error field-no-text"]),
        ('platformVersion: "4.2"', "platformVersion: yes", []),
        ("  platformName:", "  platform_name:", []),
        ("  platformName:", "  platformName:\n  platform_name:", ["error field-missing"]),
        ("  platformName:", "  repoUrl:\n  platformName:", []),
        ("  platformName:", '  repoUrl: ""\n  platformName:', []),
        ("  platformName:", '  repoUrl: "[Repository URL]"\n  platformName:', ["error field-placeholder"]),
        ("k8s-conformance/tree/master/v1.37/example", "k8s-conformance/tree/main/v1.37/example/", []),
        ("tree/master/v1.37/example", "tree/master/v1.37", ["error k8s-conformance-url"]),
        ("k8s-conformance/tree/master/v1.37/example", "k8s-conformance/pull/1", ["error k8s-conformance-url"]),
        ('vendorName: "Example"', 'vendorName: " Example "', []),
        ('vendorName: "Example"', 'vendorName: "example"', ["error not-a-member"]),
        ("metadata:\n", "metadata:\nother:\n", ["error metadata-missing"]),
        ("spec:\n", "other:\n", ["error spec-missing"]),
        ("  security:\n", "  safety:\n", ["error section-missing"]),
    ],
)  # fmt: skip
def test_metadata_and_sections(tmp_path: Path, old: str, new: str, expected: list[str] | None) -> None:
    text = product_yaml()
    assert text.count(old) == 1
    assert rules(write(tmp_path, text.replace(old, new))) == expected


def test_a_field_outside_of_metadata_is_named(tmp_path: Path) -> None:
    text = product_yaml().replace("  contactEmailAddress", "contactEmailAddress")
    text = text.replace("  k8sConformanceUrl", "k8s_conformance_url")
    found = remarks(write(tmp_path, text))
    assert [r.remedy for r in found] == [
        "move it below metadata: it stands in line 10",
        "move it below metadata: it stands in line 11",
    ]


@pytest.mark.parametrize(
    ("row", "given", "expected"),
    [
        # ai_inference is a MUST, gpu_sharing a SHOULD, cluster_autoscaling the MUST that may be N/A.
        ("ai_inference", 'status: "implemented"', ["error must-not-implemented", "error status-unknown"]),
        ("ai_inference", "status:", ["error must-not-implemented", "error status-unknown"]),
        ("ai_inference", "status: Partially Implemented", ["error must-not-implemented"]),
        ("ai_inference", "status: Not Implemented", ["error must-not-implemented"]),
        ("ai_inference", "status: N/A\nnotes: none here", ["error must-not-implemented"]),
        ("ai_inference", "status: N/A\nnotes: ' '", ["error must-not-implemented", "error na-without-notes"]),
        ("gpu_sharing", "status: N/A", ["error na-without-notes"]),
        ("gpu_sharing", "status: N/A\nnotes: x", []),
        ("gpu_sharing", "status: Not Implemented", []),
        ("gpu_sharing", "status: ''", []),
        ("gpu_sharing", "status: ''\nevidence: []", []),
        ("gpu_sharing", "status: ''\nevidence: ['']", ["error status-unknown"]),
        ("gpu_sharing", "status: ''\nevidence: [junit.xml]", ["error status-unknown"]),
        ("cluster_autoscaling", "status: N/A\nnotes: x", ["warning must-not-applicable"]),
        ("cluster_autoscaling", "status: N/A", ["error na-without-notes", "warning must-not-applicable"]),
        ("cluster_autoscaling", "status: Not Implemented", ["error must-not-implemented"]),
        # Test results are recommended for the three rows that upstream tests, from 1.37 on.
        ("gang_scheduling", "status: Implemented", ["warning artifact-recommended"]),
        ("gang_scheduling", "status: Implemented\nevidence: [x.md]",
         ["error evidence-missing", "warning artifact-recommended"]),
        ("ai_inference", "status: Implemented", []),
        # Evidence.
        ("ai_inference", "status: Implemented\nevidence: N/A", ["error cannot-load", "error evidence-missing"]),
        ("ai_inference", "status: Implemented\nevidence: ''", ["error cannot-load"]),
        ("ai_inference", "status: Implemented\nevidence: {a: junit.xml}", ["error cannot-load"]),
        ("ai_inference", "status: Implemented\nevidence: [see x.md]", ["error evidence-missing"]),
        ("ai_inference", "status: Implemented\nevidence: ['file://./junit.xml#own/gang']", []),
        ("ai_inference", "status: Implemented\nevidence: ['file:///v1.37/example/junit.xml']", []),
        ("ai_inference", "status: Implemented\nevidence: ['v1.36/example/junit.xml']", ["error evidence-path"]),
        ("ai_inference", "status: Implemented\nevidence: ['v1.37/other/junit.xml']", ["error evidence-path"]),
        ("ai_inference", "status: Implemented\nevidence: ['../example/junit.xml']", ["error evidence-path"]),
        ("ai_inference", "status: Implemented\nevidence: ['..']", ["error evidence-path"]),
        ("ai_inference", "status: Implemented\nevidence: ['.']", ["error evidence-path"]),
        ("ai_inference", "status: Implemented\nevidence: ['#Test']", ["error evidence-path"]),
        ("ai_inference", "status: Implemented\nevidence: [' ']", ["error evidence-path"]),
        ("ai_inference", "status: Implemented\nevidence: ['HTTP://example.com']", ["error evidence-missing"]),
        ("ai_inference", "status: Implemented\nevidence: ['/folder']", []),
        # It is there for the gate, which looks only for the one error "not found": no more than advice.
        ("ai_inference", "status: Implemented\nevidence: ['junit.xml/x']", []),
        # Tests by name.
        ("gang_scheduling", "status: Implemented\nevidence: ['junit.xml#own/gang']", []),
        ("gang_scheduling", "status: Implemented\nevidence: ['junit.xml#own']", []),
        ("gang_scheduling", "status: Implemented\nevidence: ['junit.xml#nothing']", ["error test-missing"]),
        ("gang_scheduling", "status: Implemented\nevidence: ['junit.xml#skipped']", ["error test-skipped"]),
        ("gpu_sharing", "status: Not Implemented\nevidence: ['junit.xml#skipped']", []),
    ],
)  # fmt: skip
def test_rows(tmp_path: Path, row: str, given: str, expected: list[str]) -> None:
    path = write(tmp_path, product_yaml(**{row: given}))
    (path.parent / "folder").mkdir()
    assert [r.removesuffix(f" {row}") for r in rules(path)] == sorted(expected)


def test_a_failed_test_is_told_once_a_file_and_for_each_row_that_rests_on_it(tmp_path: Path) -> None:
    junit = JUNIT.replace(
        '<testcase name="TestGangScheduling"/>', '<testcase name="TestGangScheduling"><failure/></testcase>'
    )
    found = rules(write(tmp_path, product_yaml(), junit=junit))
    assert [r.split()[1] for r in found] == ["artifact-failed", "test-failed"]
    assert found[1].endswith("gang_scheduling")


def test_a_file_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    found = rules(write(tmp_path, product_yaml(), junit="PASS"))
    assert [r.split()[1] for r in found] == ["artifact-unreadable"]


def test_rows_count_in_their_own_section_and_the_last_of_two(tmp_path: Path) -> None:
    text = product_yaml().replace(
        "  operator:\n", "  operator:\n    - id: robust_controller\n      status: nonsense\n    - id: ai_inference\n"
    )
    assert rules(write(tmp_path, text)) == []
    moved = (
        product_yaml()
        .replace("  security:\n", "  security:\n    - id: robust_controller\n")
        .replace("    - id: robust_controller\n      level: MUST", "    - id: something_else\n      level: MUST")
    )
    assert rules(write(tmp_path, moved)) == ["error row-missing robust_controller"]


def test_the_version_is_the_folder_s(tmp_path: Path) -> None:
    lost = tmp_path / "somewhere" / "example"
    lost.mkdir(parents=True)
    (lost / "PRODUCT.yaml").write_text(product_yaml())
    assert rules(lost / "PRODUCT.yaml") == ["error version-folder"]
    later = write(tmp_path, product_yaml(), version="v1.99")
    assert rules(later) == ["unknown checklist-unknown"]
    assert next(iter(checker.check([later], checker.Asked()))).verdict == "unreadable"
    # Rows of 1.37 are more than 1.34 asks for, and one is missing: dra_support.
    earlier = write(tmp_path, product_yaml(), version="v1.34")
    assert rules(earlier) == ["error row-missing dra_support"]


def test_an_official_file_stands_in_for_a_newer_checklist(tmp_path: Path) -> None:
    official = tmp_path / "official.yaml"
    official.write_text(
        "metadata: {kubernetesVersion: v1.99}\nspec:\n  s:\n  - {id: a, level: MUST}\n  - {id: b, level: SHOULD}\n"
    )
    text = METADATA.replace("v1.37", "v1.99") + "spec: {s: [{id: a, status: N/A}]}\n"
    asked = checker.Asked(advice=False, members=frozenset({"Example"}), official=checker.as_checklist(official))
    assert rules(write(tmp_path, text, version="v1.99"), asked) == [
        "error must-not-implemented a", "error na-without-notes a", "error row-missing b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("link", "path", "fragment"),
    [
        ("a.md", "a.md", ""),
        (" file://a/b.md#C#D ", "a/b.md", "C#D"),
        ("//a//b/../c.md", "a/c.md", ""),
        ("file:///v1.37/x/a.md", "a.md", ""),
        ("v1.37/x/v1.36/y/a.md", "v1.36/y/a.md", ""),
        ("./v1.36/y/a.md", "v1.36/y/a.md", ""),
        ("a/", "a", ""),
        ("..x", "..x", ""),
    ],
)
def test_paths_are_resolved_as_the_gate_does(link: str, path: str, fragment: str) -> None:
    assert local(link, "v1.37", "x") == Local(path, fragment)


@pytest.mark.parametrize("link", ["", "#x", "/", ".", "..", "a/../..", "../x/a.md", "v1.36/x/a.md", "v1.37/y/a.md"])
def test_paths_out_of_the_folder_are_refused(link: str) -> None:
    with pytest.raises(BadPath):
        local(link, "v1.37", "x")


def test_members_are_those_of_their_category() -> None:
    landscape = b"""
landscape:
  - category:
    name: Other
    subcategories: [{name: x, items: [{name: Nobody}]}]
  - category:
    name: CNCF Members
    subcategories:
      - {name: Gold, items: [{name: "Example (member)"}, {name: "Some (x) (supporter)"}, {name: " "}, {logo: y}]}
      - {name: Empty, items: }
"""
    assert members(landscape) == {"Example", "Some (x)"}
    for other in (b"", b"a: [", b"landscape: []", b"landscape: {name: CNCF Members}", b"landscape: [1, {name: [x]}]"):
        with pytest.raises(NoMembers):
            members(other)


def test_without_members_nobody_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, product_yaml())
    assert rules(path, checker.Asked(advice=False)) == ["unknown members-not-looked-up"]
    assert next(iter(checker.check([path], checker.Asked(advice=False)))).verdict == "open"
    near = remarks(path, checker.Asked(advice=False, members=frozenset({"EXAMPLE"})))
    assert "which has 'EXAMPLE'" in near[0].message


def test_every_remark_has_a_rule_that_is_known_and_a_remedy(tmp_path: Path) -> None:
    bad = product_yaml(gang_scheduling="status: N/A\nevidence: [../x, y.md]").replace("platformName", "platformNam")
    found = remarks(write(tmp_path, bad), checker.Asked(certified=date(2020, 1, 1)))
    assert len({r.rule for r in found}) > 6
    assert all(r.rule in RULES and r.message and r.remedy and not r.message.endswith(".") for r in found)
