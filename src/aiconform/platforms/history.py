"""When each submission came into the program's repository, by that repository's git history."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from aiconform.submission.git import NoGit, day, git

_BEGINS = "the history that is here begins after it"
_NO_DAY = "its commit has no possible date"


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
        when = day(stamp)
        for line in lines:
            status, _, path = line.partition("\t")
            if not path or path in closed:
                continue
            changed = out[path].changed if path in out else None
            if status.startswith("A"):
                why = _BEGINS if not parents else "" if when else _NO_DAY
                out[path] = Dated(when if parents else None, changed, why)
                closed.add(path)
            elif status.startswith("D"):
                closed.add(path)
            else:
                out[path] = Dated(None, changed or when, _BEGINS)
    return out
