"""What a lab needs of the machine: Linux, root, watches, packages, programs and images."""

from __future__ import annotations

import ctypes
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from . import binaries, images, packages
from .errors import LabError

Report = Callable[[str], None]
#: What one lab takes, with room for a few pods.
_INOTIFY = 40


def require_machine() -> None:
    """Raise LabError unless this is Linux and we are root."""
    if sys.platform != "linux":
        raise LabError(f"the lab needs Linux (namespaces, cgroups), this is {sys.platform}: run it in a Linux VM")
    if os.geteuid() != 0:
        raise LabError("the lab needs root (it makes namespaces, links and cgroups): run it with sudo")


def require_watches() -> None:
    """Raise LabError when the machine has too few inotify instances left for a lab (it takes about 32)."""
    held: list[int] = []
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        for _ in range(_INOTIFY):
            handle = libc.inotify_init1(os.O_CLOEXEC)
            if handle < 0:
                raise LabError(
                    f"a lab needs {_INOTIFY} inotify instances and only {len(held)} are left on this machine: "
                    "`sysctl -w fs.inotify.max_user_instances=1024`, or take another lab down"
                )
            held.append(handle)
    finally:
        for handle in held:
            os.close(handle)


def prepare(cache: Path, kwok: bool, minor: str, report: Report) -> tuple[dict[str, str], list[Path]]:
    """Install, build and make what is missing, after saying so. Returns (programs, image archives)."""
    lacking = packages.missing()
    _, building = binaries.find(cache, binaries.wanted(kwok, minor))
    if not Path("/proc/sys/net/bridge").exists():
        # Compiled in, or loaded for good: no harm in it, and no way to know who else uses it by the time of `down`.
        report("loading the kernel modules br_netfilter and overlay")
        subprocess.run(["modprobe", "-a", "br_netfilter", "overlay"], check=False, capture_output=True)
    if lacking:
        report(f"will install with apt-get: {' '.join(lacking)}")
    if building:
        minutes = sum(group.minutes for group in building)
        names = ", ".join(f"{group.title} {binaries.version(group)}".removesuffix(" 0") for group in building)
        report(
            f"will build from source into {cache}: {names} (at most {math.ceil(minutes)} min on 2 cores and "
            f"{math.ceil(sum(group.gib for group in building))} GiB the first time)"
        )
    packages.install(lacking, report)
    programs = binaries.ensure(cache, kwok, report, minor)
    return programs, images.ensure(cache, programs, report)
