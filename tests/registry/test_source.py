"""A registry from a folder, and from a git URL."""

import sys
from pathlib import Path

import pytest

from aiconform.platforms import SourceError, open_source, registry

sys.path.insert(0, str(Path(__file__).parent))
from made import git, merge, product, repository

ROWS = {"gang_scheduling": ("Implemented", "https://example.com", "Kueue")}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = repository(tmp_path / "repo")
    # As the great forges do: old contents are left away, and have not to be asked for later.
    git(made, "config", "uploadpack.allowFilter", "true")
    git(made, "config", "uploadpack.allowAnySHA1InWant", "true")
    product(made, "v1.35/example", ROWS)
    merge(made, "2025-11-07", "one")
    return made


def quiet(_: str) -> None:
    raise AssertionError("nothing has to be said")


def test_a_url_is_cloned_with_its_history_and_brought_up_to_date(repo: Path) -> None:
    first = registry(open_source(repo.as_uri(), quiet))
    assert [str(e.certified) for e in first.entries] == ["2025-11-07"]
    product(repo, "v1.36/example", ROWS)
    merge(repo, "2026-03-01", "two")
    second = registry(open_source(repo.as_uri(), quiet))
    assert [e.path for e in second.entries] == ["v1.35/example", "v1.36/example"]


def test_offline_the_kept_copy_serves_and_that_is_said(repo: Path) -> None:
    product(repo, "v1.35/example", {"gang_scheduling": ("Implemented", "https://example.com/2", "Kueue")})
    merge(repo, "2026-03-01", "two")
    kept = open_source(repo.as_uri(), quiet).folder
    assert "?" in git(kept, "rev-list", "--objects", "--all", "--missing=print"), "contents of the first version"
    repo.rename(repo.with_name("away"))
    said: list[str] = []
    (entry,) = registry(open_source(repo.as_uri(), said.append)).entries
    assert (str(entry.certified), str(entry.updated)) == ("2025-11-07", "2026-03-01")
    assert "could not be brought up to date" in said[0]


def test_links_in_a_clone_are_not_made(repo: Path) -> None:
    (repo / "v1.35" / "example" / "gang.md").symlink_to("/etc/hostname")
    merge(repo, "2026-03-01", "two")
    kept = open_source(repo.as_uri(), quiet).folder
    assert not (kept / "v1.35" / "example" / "gang.md").is_symlink()


@pytest.mark.parametrize(
    ("source", "says", "usage"),
    [
        ("/nonexistent", "neither a folder nor a git URL", True),
        ("--upload-pack=touch x", "neither a folder nor a git URL", True),
        ("ext::sh -c 'touch /tmp/x'", "neither a folder nor a git URL", True),
        ("file:///nonexistent/repo", "cannot be cloned", False),
    ],
)
def test_what_is_no_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str, usage: bool
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(SourceError, match=says) as caught:
        open_source(source, quiet)
    assert caught.value.usage is usage
    assert not list(tmp_path.glob("aiconform/registries/*"))


def test_without_git_the_error_says_so(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SourceError, match=r"git is not installed; install git, or give a folder with --source DIR"):
        open_source(repo.as_uri(), quiet)


def test_a_folder_without_versions(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds no folders such as v1\.35"):
        open_source(str(tmp_path), quiet)
