"""Checkouts of strangers: none of their programs is run, and no date of theirs ends ours."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from aiconform.platforms import history
from aiconform.submission import checker
from aiconform.submission.git import NoGit, day, git

sys.path.insert(0, str(Path(__file__).parent))
from products import product_yaml, write

WHO = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgSign=false")


def run(folder: Path, *words: str, given: str = "") -> str:
    done = subprocess.run(["git", *WHO, *words], cwd=folder, input=given, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def checkout(folder: Path, seconds: str) -> Path:
    """A repository whose second commit adds a submission at this time, with a signature. Returns its PRODUCT.yaml."""
    run(folder, "init", "-q", "-b", "main")
    run(folder, "commit", "-q", "--allow-empty", "-m", "one")
    path = write(folder, product_yaml())
    run(folder, "add", "v1.37")
    who = f"a <a@example.com> {seconds} +0000"
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n eA==\n -----END PGP SIGNATURE-----"
    parts = (f"tree {run(folder, 'write-tree')}", f"parent {run(folder, 'rev-parse', 'HEAD')}", f"author {who}")
    text = "\n".join((*parts, f"committer {who}", signature, "", "two", ""))
    commit = run(folder, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=text)
    run(folder, "update-ref", "refs/heads/main", commit)
    return path


@pytest.mark.parametrize("seconds", ["1769860800", "99999999999999", "9" * 18, "9" * 30, "253402300799", "-5", "now"])
def test_no_date_of_a_commit_is_too_odd(tmp_path: Path, seconds: str) -> None:
    path = checkout(tmp_path, seconds)
    checker._added.cache_clear()
    asked = checker.Asked(members=frozenset({"Example"}), today=date(2027, 6, 1))
    expired = any(r.rule == "expired" for r in next(iter(checker.check([path], asked))).remarks)
    dated = history.read(tmp_path).of("v1.37/example/PRODUCT.yaml")
    if seconds == "1769860800":
        assert expired and dated.added == date(2026, 1, 31)
    elif not dated.added:
        assert not expired and dated.why == "its commit has no possible date"


def test_days_that_no_calendar_has_are_none() -> None:
    assert [day(s) for s in ("", "x", "9" * 14, "9" * 18, "9" * 30, "253402300799")] == [None] * 6
    assert day("0") == date(1970, 1, 1)


def test_no_program_that_a_repository_names_is_run(tmp_path: Path) -> None:
    repo, sign = tmp_path / "repo", tmp_path / "ran"
    repo.mkdir()
    path = checkout(repo, "1769860800")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {sign}\n")
    program.chmod(0o755)
    for name, value in {
        "log.showSignature": "true", "gpg.program": str(program), "core.fsmonitor": str(program),
        "core.pager": str(program), "pager.log": "true", "diff.external": str(program),
        # What the objects of a partial clone would be fetched by, when one is missing.
        "extensions.partialClone": "origin", "remote.origin.promisor": "true", "remote.origin.url": str(repo),
        "remote.origin.uploadpack": str(program), "protocol.file.allow": "always",
    }.items():  # fmt: skip
        run(repo, "config", name, value)
    run(repo, "config", "core.repositoryFormatVersion", "1")
    checker._added.cache_clear()
    assert next(iter(checker.check([path], checker.Asked()))).remarks
    assert history.read(repo).of("v1.37/example/PRODUCT.yaml").added == date(2026, 1, 31)
    tree = git("rev-parse", "HEAD^{tree}", at=repo).strip()
    (repo / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    checker._added.cache_clear()
    assert next(iter(checker.check([path], checker.Asked()))).remarks
    assert not history.read(repo).of("v1.37/example/PRODUCT.yaml").added
    with pytest.raises(NoGit):
        git("ls-tree", "HEAD", at=repo)
    assert not sign.exists()
    # It would have been run, had git been left to itself.
    subprocess.run(["git", "ls-tree", "HEAD"], cwd=repo, capture_output=True, check=False)
    assert sign.exists()
