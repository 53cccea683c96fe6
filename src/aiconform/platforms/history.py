"""When each submission came into the program's repository, by that repository's git history."""

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

# A checkout that somebody gives us must not run programs of its own choice.
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false",
         "-c", "log.showSignature=false", "-c", "protocol.ext.allow=never")  # fmt: skip
_SECONDS = 600


class NoGit(Exception):
    """git is missing, or refused. The message is one sentence."""


@dataclass(frozen=True)
class Dated:
    """When a file was added (None: not known, and `why`), and when it was changed last after that."""

    added: date | None
    changed: date | None = None
    why: str = ""


@dataclass(frozen=True)
class History:
    """Dates by path below the source, and the commit that is checked out."""

    files: dict[str, Dated]
    commit: str
    why: str = ""

    def of(self, path: str) -> Dated:
        return self.files.get(path) or Dated(None, why=self.why or "the file is not in the git history")


def git(*words: str, at: Path | None = None) -> str:
    """What git prints. Raises NoGit; never asks anything."""
    place = ("-C", str(at)) if at else ()
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C", "GIT_PAGER": "cat"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        env.pop(name, None)
    try:
        done = subprocess.run(
            ["git", *_SAFE, *place, *words], capture_output=True, env=env, timeout=_SECONDS, check=False
        )
    except FileNotFoundError:
        raise NoGit("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise NoGit(f"git {words[0]} did not end within {_SECONDS} s") from None
    if done.returncode:
        raise NoGit(f"git says: {_complaint(done.stderr.decode(errors='replace')) or f'exit code {done.returncode}'}")
    return done.stdout.decode("utf-8", errors="replace")


def _complaint(text: str) -> str:
    """The line of git's errors that says what is wrong; hints and progress stand before and behind it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines[-1:] or [""])[0]


def read(source: Path) -> History:
    """The history of a checkout. Where there is none that can be trusted, every date is unknown, with the reason."""
    try:
        prefix = git("rev-parse", "--show-prefix", at=source).strip()
    except NoGit as error:
        return History({}, "", "the source is no git checkout" if "not a git repository" in str(error) else str(error))
    if prefix:
        return History({}, "", "the source lies in a repository of something else, whose dates say nothing of it")
    try:
        commit = git("rev-parse", "HEAD", at=source).strip()
        log = git(
            "log", "--first-parent", "-m", "--no-renames", "--name-status", "--no-color", "--format=%x00%ct %P", "HEAD",
            "--", "v*", at=source,
        )  # fmt: skip
    except NoGit as error:
        return History({}, "", str(error))
    return History(parse(log), commit)


def parse(log: str) -> dict[str, Dated]:
    """Dates from `git log --first-parent -m --name-status --format=%x00%ct %P`, newest first.

    What a commit without a parent added was there before this history begins (a shallow clone, or an import).
    """
    out: dict[str, Dated] = {}
    closed: set[str] = set()
    for part in log.split("\0")[1:]:
        head, *lines = part.splitlines()
        stamp, _, parents = head.partition(" ")
        day = datetime.fromtimestamp(int(stamp), UTC).date()
        for line in lines:
            status, _, path = line.partition("\t")
            if not path or path in closed:
                continue
            changed = out[path].changed if path in out else None
            if status.startswith("A"):
                why = "" if parents else "the history that is here begins after it"
                out[path] = Dated(day if parents else None, changed, why)
                closed.add(path)
            elif status.startswith("D"):
                closed.add(path)
            else:
                out[path] = Dated(None, changed or day, "the history that is here begins after it")
    return out
