"""Advice beyond the gate, each by what should and what should not be advised."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from aiconform.checklists import load, versions
from aiconform.submission import advice, checker
from aiconform.submission.evidence import sort, submission_of
from aiconform.submission.parse import parse

sys.path.insert(0, str(Path(__file__).parent))
import shared
from products import METADATA, product_yaml, rules, write

DOCUMENTED = "status: Implemented\nevidence: ['https://docs.example.com/a']"
ASKED = checker.Asked(members=frozenset({"Example"}))


def advised(path: Path, asked: checker.Asked = ASKED) -> list[str]:
    """What is advised, but for the texts, which the small files do not have."""
    return [r.removeprefix("advice ") for r in rules(path, asked) if r.startswith("advice") and "text-" not in r]


def test_a_right_submission_needs_no_advice(tmp_path: Path) -> None:
    assert advised(write(tmp_path, product_yaml())) == []


@pytest.mark.parametrize(
    ("row", "given", "expected"),
    [
        ("ai_inference", DOCUMENTED, ["documentation-only ai_inference"]),
        ("ai_inference", DOCUMENTED.replace("]", ", junit.xml]"), []),
        ("ai_inference", DOCUMENTED.replace("docs.example.com/a", "github.com/a/b/blob/main/run.log"), []),
        ("ai_inference", "status: Implemented\nevidence: ['']", ["no-evidence ai_inference"]),
        ("ai_inference", "status: Implemented", ["no-evidence ai_inference"]),
        ("gpu_sharing", "status: Not Implemented", []),
        ("gpu_sharing", "status: N/A\nnotes: n/a", ["thin-reason gpu_sharing"]),
        ("gpu_sharing", "status: N/A\nnotes: not supported", ["thin-reason gpu_sharing"]),
        ("gpu_sharing", "status: N/A\nnotes: the devices cannot be shared", []),
        ("gpu_sharing", "status: N/A\nnotes: 本平台不提供该功能", []),
    ],
)
def test_rows(tmp_path: Path, row: str, given: str, expected: list[str]) -> None:
    assert advised(write(tmp_path, product_yaml(**{row: given}))) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("level: MUST", "level: SHOULD", "level-changed ai_inference"),
        ("kubernetesVersion: v1.37", "kubernetesVersion: v1.36", "other-version"),
        ("kubernetesVersion: v1.37", "kubernetesVersion: v1.370", "other-version"),
        ("kubernetesVersion: v1.37", "kubernetesVersion: v1.37.2", ""),
        ("kubernetesVersion: v1.37", 'kubernetesVersion: "1.37"', ""),
        ("master/v1.37", "master/v1.36", "other-version"),
        ('"logo.svg"', "https://example.com/logo.png", "logo-form"),
        ('"logo.svg"', "https://example.com/logo.SVG", ""),
        ("  networking:\n", "  networking:\n    - id: extra\n", "row-ignored extra"),
        ("  networking:\n", "  networking:\n    - id: ai_inference\n      level: MUST\n", "row-twice ai_inference"),
    ],
)
def test_files(tmp_path: Path, old: str, new: str, expected: str) -> None:
    text = product_yaml(gpu_sharing="status:", driver_runtime_management="status:", virtualized_accelerator="status:")
    assert old in text
    assert advised(write(tmp_path, text.replace(old, new, 1))) == ([expected] if expected else [])


def test_evidence_in_another_submission_is_noticed(tmp_path: Path) -> None:
    base = "https://github.com/cncf/k8s-ai-conformance"
    for link, expected in (
        (f"{base}/blob/main/v1.37/other/x.md", "other-product ai_inference"),
        (f"{base}/tree/main/v1.36/Example/x.md", "other-version ai_inference"),
        (f"{base}/blob/main/v1.37/Example/x.md", ""),
        (
            "https://raw.githubusercontent.com/cncf/k8s-ai-conformance/main/v1.37/other/x.md",
            "other-product ai_inference",
        ),
        (f"{base}/blob/main/README.md", ""),
    ):
        path = write(tmp_path, product_yaml(ai_inference=f"status: Implemented\nevidence: ['{link}']"))
        assert advised(path) == ([expected] if expected else []), link
    assert submission_of("v1.37/other/x.md") is None


def test_evidence_that_was_copied_is_noticed_by_its_bytes(tmp_path: Path) -> None:
    both = "status: Implemented\nevidence: ['https://docs.example.com/a', 'x.log']"
    one = product_yaml(version="v1.36", ai_inference=both, accelerator_metrics=DOCUMENTED)
    two = product_yaml(ai_inference=both.replace("x.log", "file://v1.37/example/x.log"), accelerator_metrics=DOCUMENTED)
    # The folder's case is not the product's name, and 1.35 is further away than 1.36.
    before = write(tmp_path, one, version="v1.36", name="Example")
    oldest = write(tmp_path, product_yaml(version="v1.35"), version="v1.35")
    path = write(tmp_path, two)
    for folder in (before.parent, path.parent):
        (folder / "x.log").write_text("the same")
    # Every row with junit.xml is a copy, too: the file is the same.
    assert "copied accelerator_metrics" in advised(path) and "copied ai_inference" in advised(path)
    assert "copied gang_scheduling" in advised(path)
    (path.parent / "x.log").write_text("made again")
    (path.parent / "junit.xml").write_text((path.parent / "junit.xml").read_text() + "<!-- again -->")
    assert [a for a in advised(path) if "copied" in a] == ["copied accelerator_metrics"]
    assert not any("copied" in a for a in advised(oldest))


def test_a_certification_ends_after_a_year(tmp_path: Path) -> None:
    path = write(tmp_path, product_yaml())

    def on(today: date, certified: date | None) -> list[str]:
        return advised(path, checker.Asked(members=frozenset({"Example"}), certified=certified, today=today))

    assert on(date(2027, 1, 1), date(2026, 1, 1)) == []
    assert on(date(2027, 1, 2), date(2026, 1, 1)) == ["expired"]
    assert on(date(2099, 1, 1), None) == [] or (tmp_path / ".git").exists()


def test_the_day_comes_from_git_where_there_is_a_repository(tmp_path: Path) -> None:
    path = write(tmp_path, product_yaml())
    env = {**os.environ, "GIT_AUTHOR_DATE": "2026-01-01T12:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T12:00:00Z"}
    who = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=tmp_path, env=env, check=True)
    # A later change does not certify again.
    path.write_text(path.read_text() + "# changed\n")
    env |= {"GIT_AUTHOR_DATE": "2027-06-01T12:00:00Z", "GIT_COMMITTER_DATE": "2027-06-01T12:00:00Z"}
    subprocess.run(["git", *who, "commit", "-qam", "two"], cwd=tmp_path, env=env, check=True)
    checker._added.cache_clear()
    asked = checker.Asked(members=frozenset({"Example"}), today=date(2027, 6, 2))
    assert advised(path, asked) == ["expired"]
    assert advised(path, checker.Asked(members=frozenset({"Example"}), today=date(2026, 6, 2))) == []
    # The way to a file may lead through another repository, which is not the file's.
    other = write(tmp_path / "elsewhere", product_yaml())
    assert advised(other, asked) == []
    (tmp_path / "way" / ".git").mkdir(parents=True)
    assert advised(tmp_path / "way" / ".." / path.relative_to(tmp_path), asked) == ["expired"]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("junit.xml#x", "results"),
        ("file://a/b.log", "results"),
        ("https://example.com/logs/run.txt?x=1", "results"),
        ("evidence/x.md", "report"),
        ("https://github.com/a/b/blob/main/X.MD#y", "report"),
        ("https://github.com/a/b/tree/main/scripts", "code"),
        ("scripts/run.sh", "code"),
        ("https://docs.example.com/x.html", "documentation"),
        ("https://docs.example.com/x.pdf", "documentation"),
        ("N/A", "text"),
        ("see the notes", "text"),
        ("https://[", "text"),
    ],
)
def test_evidence_is_sorted_by_its_name(link: str, expected: str) -> None:
    assert sort(link) == expected


@pytest.mark.parametrize("version", versions())
def test_the_official_texts_are_known_by_their_digests(version: str) -> None:
    path = shared.folder("checklists") / f"AIConformance-{version[1:]}.yaml"
    official = parse(path.read_bytes())
    assert {r.id: advice.digest(r.description) for r in official.rows} == advice.texts()[version]
    assert [(r.id, r.level, r.section) for r in official.rows] == [
        (r.id, r.level, r.section) for r in load(version).requirements
    ]


def test_a_changed_text_is_noticed_and_other_blanks_are_not(tmp_path: Path) -> None:
    official = (shared.folder("checklists") / "AIConformance-1.37.yaml").read_text()
    spec = official.partition("spec:")[2]
    asked = checker.Asked(members=frozenset({"Example"}))
    same = write(tmp_path, METADATA + "spec:" + spec.replace("Provide a ", "Provide   a "))
    assert not [r for r in rules(same, asked) if "text-changed" in r]
    other = write(tmp_path, METADATA + "spec:" + spec.replace("Provide a monitoring", "Provide some monitoring"))
    assert [r for r in rules(other, asked) if "text-changed" in r] == ["advice text-changed ai_service_metrics"]
