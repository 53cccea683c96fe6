"""Which character devices stand in for accelerators.

Best are virtual consoles (major 4): many distinct devices that open without hardware, so that the holder of one
cannot open another by its number. Where the kernel has none, FUSE's device (10, 229) stands for all of them: a
pod without a grant is still refused, but two holders are not kept apart by number (weaker; `up` says so).
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from .layout import NODES

CONSOLE_MAJOR, FUSE = 4, (10, 229)
#: First console of each node: 8 devices, one control device, and room between them. Consoles 1-12 belong to logins.
_FIRST = 20
MAX_DEVICES = 8


def opens(major: int, minor: int) -> bool:
    """Whether a character device of this number can be made and opened here."""
    with tempfile.TemporaryDirectory(prefix="aiconform-") as folder:
        node = Path(folder, "device")
        try:
            os.mknod(node, 0o600 | stat.S_IFCHR, os.makedev(major, minor))
            os.close(os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY))
        except OSError:
            return False
    return True


def choose() -> tuple[int, dict[str, int], bool]:
    """(major, first minor of each node, whether devices of one node have numbers of their own)."""
    if opens(CONSOLE_MAJOR, _FIRST):
        return CONSOLE_MAJOR, {node: _FIRST + 10 * index for index, node in enumerate(NODES)}, True
    return FUSE[0], dict.fromkeys(NODES, FUSE[1]), False
