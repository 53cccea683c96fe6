"""Where the registry is read from: a folder, or a git repository that is cloned into the user's cache."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiconform.submission.git import NoGit, git

OFFICIAL = "https://github.com/cncf/k8s-ai-conformance"
_URL = re.compile(r"(?:https?|ssh|git|file)://.+|[\w.-]+@[\w.-]+:.+")
_VERSION = re.compile(r"v\d+\.\d+")


class SourceError(Exception):
    """The source cannot be used. The message is one sentence: what, where, what to do. `usage`: no source at all."""

    def __init__(self, message: str, *, usage: bool = False) -> None:
        super().__init__(message)
        self.usage = usage


@dataclass(frozen=True)
class Source:
    """A folder with `vX.Y/<product>` in it, and what the user called it."""

    folder: Path
    called: str


def open_source(text: str, say: Callable[[str], None]) -> Source:
    """A folder as it is; a git URL as a clone in the cache, brought up to date. Raises SourceError.

    The clone has the whole history, which the dates come from, but file contents of the newest state only.
    """
    folder = Path(text).expanduser()
    if folder.is_dir():
        _check(folder, text)
        return Source(folder, text)
    if not _URL.fullmatch(text):
        raise SourceError(f"--source {text} is neither a folder nor a git URL", usage=True)
    kept = _cache() / _slug(text)
    if kept.is_dir():
        try:
            git("fetch", "--quiet", "--no-tags", "origin", "HEAD", at=kept, online=True)
            git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", at=kept, online=True)
        except NoGit as error:
            say(f"{text} could not be brought up to date ({error}): the copy in {kept} is used as it is")
    else:
        _clone(text, kept)
    _check(kept, text)
    return Source(kept, text)


def _clone(url: str, kept: Path) -> None:
    fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        git(
            "-c", "core.symlinks=false", "clone", "--quiet", "--filter=blob:none", "--single-branch", "--no-tags", "--",
            url, str(fresh), online=True,
        )  # fmt: skip
        fresh.rename(kept)
    except NoGit as error:
        hint = "install git, or" if "not installed" in str(error) else "check the URL and the network, or"
        raise SourceError(f"{url} cannot be cloned: {error}; {hint} give a folder with --source DIR") from None
    except OSError as error:
        raise SourceError(
            f"{kept} cannot be written: {error.strerror}; set XDG_CACHE_HOME to a folder that can"
        ) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def versions(folder: Path) -> list[Path]:
    """The folders `vX.Y`, oldest first."""
    found = [p for p in folder.iterdir() if p.is_dir() and _VERSION.fullmatch(p.name)]
    return sorted(found, key=lambda p: tuple(int(n) for n in p.name[1:].split(".")))


def _check(folder: Path, text: str) -> None:
    try:
        if not versions(folder):
            raise SourceError(
                f"{text} holds no folders such as v1.35: name a checkout of the program's repository ({OFFICIAL})"
            )
    except OSError as error:
        raise SourceError(f"{folder} cannot be read: {error.strerror}; check its permissions") from None


def _slug(url: str) -> str:
    name = re.sub(r"[^\w.-]+", "-", url.rstrip("/").rpartition("/")[2].removesuffix(".git")) or "registry"
    return f"{name}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "aiconform" / "registries"
