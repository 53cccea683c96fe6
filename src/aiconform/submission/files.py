"""Finds and reads submissions on disk. Nothing here follows a link out of what it was given."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from aiconform.submission.parse import Submission, parse

NAME = "PRODUCT.yaml"
# A real one has some 30 kB.
LARGEST = 256 << 10
_VERSION = re.compile(r"v\d+\.\d+")


class Unreadable(Exception):
    """A file that cannot be used. The message is one sentence: what, where, what to do."""


def find(paths: Iterable[Path]) -> Iterator[Path]:
    """Every PRODUCT.yaml, once: a file as it is, a folder with all below it, sorted. Raises Unreadable."""
    seen: set[Path] = set()
    for path in paths:
        found = [path]
        if path.is_dir():
            found = sorted(p for p in path.rglob(NAME) if not p.is_dir())
            if not found:
                raise Unreadable(f"{path} holds no {NAME}; name a product's folder or the file itself")
        elif not path.exists() and not path.is_symlink():
            raise Unreadable(f"{path} does not exist; name a product's folder or its {NAME}")
        for one in found:
            if plain(one) not in seen:
                seen.add(plain(one))
                yield one


def place(path: Path) -> tuple[str, str]:
    """Version ("v1.37", "" if no folder above has such a name) and product, from a PRODUCT.yaml's path."""
    folder = plain(path).parent
    version = next((p.name for p in folder.parents if _VERSION.fullmatch(p.name)), "")
    return version, folder.name


def read(path: Path) -> Submission:
    """One PRODUCT.yaml. Raises Unreadable for what is no regular file, a link out of its folder, or too large."""
    version, product = place(path)
    # realpath, because resolve raises for a link that points at itself.
    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(path.parent)):
        raise Unreadable(f"{path} is a symbolic link out of its folder; put the file itself there")
    return parse(read_bytes(path), version=version, product=product)


def plain(path: Path) -> Path:
    """The absolute path without `..`, but with its links: a name that is a link is still the product's name."""
    return Path(os.path.normpath(path.absolute()))


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """A regular file's bytes: devices, pipes and folders could hold a reader up for ever. Raises Unreadable."""
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise Unreadable(f"{path} is no regular file; put the file itself there")
        if info.st_size > largest:
            raise Unreadable(f"{path} has {info.st_size} bytes, and over {largest} are not read; make it smaller")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}; check its name and permissions") from None
