"""git on checkouts of strangers: it runs no program that their configuration names, and asks nobody anything."""

import os
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false",
         "-c", "log.showSignature=false", "-c", "protocol.ext.allow=never")  # fmt: skip
_SECONDS = 600


class NoGit(Exception):
    """git is missing, or refused. The message is one sentence."""


def git(*words: str, at: Path | None = None, online: bool = False) -> str:
    """What git prints. Raises NoGit. Unless `online` it fetches nothing, not even what a partial clone lacks."""
    place = ("-C", str(at)) if at else ()
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C", "GIT_PAGER": "cat"}
    if not online:
        # The environment goes before what a repository allows itself.
        env["GIT_ALLOW_PROTOCOL"] = "none"
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


def day(stamp: str) -> date | None:
    """The day of a commit's seconds since 1970; None where no calendar has it, or no year after it."""
    try:
        found = datetime.fromtimestamp(int(stamp), UTC).date()
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.year < date.max.year else None
