"""A small registry, and a git repository that holds it as the program's does: each submission comes by a merge."""

import os
import subprocess
from pathlib import Path

from aiconform.checklists import load

ROW = """    - id: {id}
      description: "Official words, for example Kueue or Volcano."
      level: {level}
      status: "{status}"
      evidence: [{evidence}]
      notes: "{notes}"
"""


def product(
    folder: Path,
    path: str,
    rows: dict[str, tuple[str, str, str]],
    *,
    name: str = "Example Platform",
    vendor: str = "Example",
    version: str = "1.0",
    files: dict[str, str] | None = None,
) -> Path:
    """Writes `v1.35/example` with rows (requirement -> status, evidence as it stands in a YAML list, notes)."""
    where = folder / path
    where.mkdir(parents=True, exist_ok=True)
    levels = {r.id: r.level for r in load(path.split("/")[0]).requirements}
    text = (
        f"metadata:\n  kubernetesVersion: {path.split('/')[0]}\n  platformName: {name!r}\n"
        f"  platformVersion: {version!r}\n  vendorName: {vendor!r}\n  description: runs models\nspec:\n  all:\n"
    )
    for id, (status, evidence, notes) in rows.items():
        text += ROW.format(id=id, level=levels.get(id, "MUST"), status=status, evidence=evidence, notes=notes)
    (where / "PRODUCT.yaml").write_text(text)
    for file, content in (files or {}).items():
        (where / file).write_text(content)
    return where


def git(repo: Path, *words: str, day: str = "2025-11-01") -> str:
    stamp = f"{day}T12:00:00+00:00"
    env = {
        **os.environ, "GIT_AUTHOR_DATE": "2020-01-01T00:00:00+00:00", "GIT_COMMITTER_DATE": stamp,
        "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
    }  # fmt: skip
    done = subprocess.run(["git", *words], cwd=repo, env=env, check=True, capture_output=True, text=True)
    return done.stdout


def repository(folder: Path) -> Path:
    """An empty repository with a first commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "README.md").write_text("x")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first", day="2025-10-01")
    return folder


def merge(repo: Path, day: str, branch: str) -> None:
    """What lies uncommitted in the work tree, committed on a branch long before, and merged on a day."""
    git(repo, "checkout", "-qb", branch)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", branch, day="2021-01-01")
    git(repo, "checkout", "-q", "main")
    git(repo, "merge", "-q", "--no-ff", "-m", f"merge {branch}", branch, day=day)
