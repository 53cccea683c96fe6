"""When a submission was certified, by git."""

import sys
from datetime import date
from pathlib import Path

import pytest

from aiconform.platforms.history import parse, read

sys.path.insert(0, str(Path(__file__).parent))
from made import git, merge, product, repository

ROWS = {"gang_scheduling": ("Implemented", "https://example.com", "Kueue")}
FILE = "v1.35/example/PRODUCT.yaml"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    made = repository(tmp_path / "repo")
    product(made, "v1.35/example", ROWS)
    merge(made, "2025-11-07", "one")
    return made


def test_the_day_of_the_merge_counts_and_not_when_it_was_written(repo: Path) -> None:
    history = read(repo)
    assert history.of(FILE).added == date(2025, 11, 7)
    assert history.of(FILE).changed is None
    assert len(history.commit) == 40


def test_a_later_change_is_told_apart(repo: Path) -> None:
    product(repo, "v1.35/example", {"gang_scheduling": ("Implemented", "https://example.com/2", "Kueue")})
    merge(repo, "2026-02-03", "two")
    found = read(repo).of(FILE)
    assert (found.added, found.changed) == (date(2025, 11, 7), date(2026, 2, 3))


def test_what_was_taken_out_and_came_again_counts_from_then(repo: Path) -> None:
    git(repo, "rm", "-rq", "v1.35")
    merge(repo, "2025-12-01", "out")
    product(repo, "v1.35/example", ROWS)
    merge(repo, "2026-01-05", "again")
    assert read(repo).of(FILE).added == date(2026, 1, 5)


def test_a_shallow_clone_knows_no_date_and_says_so(repo: Path, tmp_path: Path) -> None:
    product(repo, "v1.35/other", ROWS)
    merge(repo, "2026-01-05", "other")
    git(tmp_path, "clone", "-q", "--depth", "1", repo.as_uri(), "shallow")
    found = read(tmp_path / "shallow").of(FILE)
    assert found.added is None and "begins after it" in found.why


def test_an_import_in_the_first_commit_is_no_certification(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    product(copy, "v1.35/example", ROWS)
    git(copy, "init", "-q", "-b", "main")
    git(copy, "add", ".")
    git(copy, "commit", "-qm", "import")
    assert read(copy).of(FILE).added is None
    product(copy, "v1.35/example", ROWS, version="2.0")
    git(copy, "commit", "-qam", "change", day="2026-03-03")
    found = read(copy).of(FILE)
    assert (found.added, found.changed) == (None, date(2026, 3, 3)) and found.why


def test_a_folder_in_a_repository_of_something_else_has_no_dates(repo: Path) -> None:
    product(repo / "copied", "v1.35/example", ROWS)
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "vendored", day="2026-03-03")
    found = read(repo / "copied").of(FILE)
    assert found.added is None and "something else" in found.why


def test_a_plain_folder_and_a_file_that_git_does_not_know(repo: Path, tmp_path: Path) -> None:
    product(tmp_path / "plain", "v1.35/example", ROWS)
    assert read(tmp_path / "plain").of(FILE).why == "the source is no git checkout"
    assert read(repo).of("v1.35/new/PRODUCT.yaml").why == "the file is not in the git history"


def test_without_git_dates_are_unknown(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert read(repo).of(FILE).why == "git is not installed"


def test_programs_named_by_the_checkout_are_not_run(repo: Path, tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    for key in ("core.fsmonitor", "core.pager", "diff.external", "core.sshCommand"):
        git(repo, "config", key, f"touch {trap}")
    assert read(repo).of(FILE).added
    assert not trap.exists()


def test_an_empty_log() -> None:
    assert parse("") == {}
