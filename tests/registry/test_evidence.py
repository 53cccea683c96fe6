"""What kind of evidence an entry is, and which text stands behind it."""

from pathlib import Path

import pytest

from aiconform.platforms.evidence import classify, section, texts
from aiconform.platforms.types import Strength
from aiconform.submission.parse import parse


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "v1.35" / "example"
    where.mkdir(parents=True)
    (where / "report.md").write_text("# All\nKueue\n## One thing\nVolcano\n### deeper\nKAI\n## Another\nSlurm\n")
    (where / "with blanks.md").write_text("x")
    (where / "e2e.log").write_text("--- PASS: TestKueue\n")
    (where / "gone-out").symlink_to("/etc/hostname")
    (where / "out.md").symlink_to("/etc/hostname")
    (tmp_path / "v1.35" / "secret.md").write_text("Kueue")
    return where


@pytest.mark.parametrize(
    ("text", "strength", "place", "problem"),
    [
        ("https://docs.example.com/a/b", Strength.DOCUMENTATION, "page", ""),
        ("https://docs.example.com/a.html#x.log", Strength.DOCUMENTATION, "page", ""),
        ("https://github.com/a/b", Strength.DOCUMENTATION, "repository", ""),
        ("https://github.com/a/b/tree/main/tests", Strength.DOCUMENTATION, "repository", ""),
        ("https://github.com/a/b/blob/main/README.md#dra", Strength.REPORT, "repository", ""),
        ("https://github.com/a/b/blob/main/run.sh", Strength.SCRIPT, "repository", ""),
        ("https://raw.githubusercontent.com/a/b/main/out.txt", Strength.LOG, "repository", ""),
        ("https://notgithub.com/a/README.md", Strength.DOCUMENTATION, "page", ""),
        ("https://docs.google.com/document/d/x/edit", Strength.REPORT, "page", ""),
        ("http://[bad", Strength.NOTHING, "text", "no link"),
        ("report.md", Strength.REPORT, "beside", ""),
        ("./report.md#anchor", Strength.REPORT, "beside", ""),
        ("see report.md", Strength.REPORT, "beside", ""),
        ("file://v1.35/example/report.md", Strength.REPORT, "beside", ""),
        ("e2e.log", Strength.LOG, "beside", ""),
        ("with blanks.md", Strength.REPORT, "beside", ""),
        ("./with%20blanks.md#x", Strength.REPORT, "beside", ""),
        ("missing.md", Strength.NOTHING, "beside", "not there"),
        ("../secret.md", Strength.NOTHING, "beside", "not there"),
        ("/etc/hostname.md", Strength.NOTHING, "beside", "not there"),
        ("out.md", Strength.NOTHING, "beside", "not there"),
        ("N/A", Strength.NOTHING, "text", "neither"),
        ("ask our sales team", Strength.NOTHING, "text", "neither"),
        ("javascript:alert(1)", Strength.NOTHING, "text", "neither"),
    ],
)
def test_kinds(folder: Path, text: str, strength: Strength, place: str, problem: str) -> None:
    found = classify(text, folder, "v1.35")
    assert found is not None
    assert (found.strength, found.place) == (strength, place)
    assert problem in found.problem and bool(problem) == bool(found.problem)


def test_an_empty_entry_is_none(folder: Path) -> None:
    assert classify("  ", folder, "v1.35") is None


def shown(folder: Path, evidence: str, description: str = "") -> str:
    text = f'spec:\n  a:\n    - {{id: x, description: "{description}", evidence: [{evidence}]}}\n'
    return texts(parse(text.encode()).rows[0], folder, "v1.35")


def test_files_are_read_from_the_folder_alone(folder: Path) -> None:
    assert "TestKueue" in shown(folder, "e2e.log")
    assert shown(folder, "../secret.md, out.md, gone-out, https://example.com/report.md") == ""


def test_a_fragment_stands_for_its_section(folder: Path) -> None:
    assert shown(folder, '"report.md#one-thing"') == "## One thing\nVolcano\n### deeper\nKAI"
    assert "Slurm" in shown(folder, '"report.md#no-such-heading"')
    assert section("# A b!\nx", "a-b") == "# A b!\nx"


def test_the_requirements_own_words_do_not_count(folder: Path) -> None:
    (folder / "quote.md").write_text("Such as\n  Kueue and\nVolcano.\nWe use Slurm")
    assert shown(folder, "quote.md", "such as Kueue and Volcano.").split() == ["We", "use", "Slurm"]
