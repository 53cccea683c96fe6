"""One command at a time on one lab. The lock is the lab's folder itself, so that no lock file is left behind."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import LabError


@contextmanager
def locked(folder: Path, create: bool) -> Iterator[bool]:
    """Hold the lab. Yields False when the folder does not exist (and `create` is not wanted).

    Raises LabError at once when another command holds it.
    """
    while True:
        try:
            if create:
                folder.mkdir(parents=True, exist_ok=True, mode=0o755)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            yield False
            return
        except OSError as error:
            raise LabError(f"cannot open the lab folder {folder}: {error.strerror}; is this run as root?") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise LabError(
                f"another aiconform command works on the lab in {folder}: wait for it to end, then repeat"
            ) from error
        if _same(handle, folder):
            break
        # `down` removed the folder while we were waiting for it to open: take the new one.
        os.close(handle)
    try:
        yield True
    finally:
        os.close(handle)


def _same(handle: int, folder: Path) -> bool:
    try:
        there = folder.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(handle)
    return (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino)


@contextmanager
def waiting(folder: Path) -> Iterator[None]:
    """Hold a folder, waiting for it if need be: for short work shared by all labs, as choosing a slot."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
