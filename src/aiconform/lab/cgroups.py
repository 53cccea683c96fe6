"""One cgroup folder for each lab, with one for each node below it. Works with cgroup v1 and v2.

v1: /sys/fs/cgroup/<controller>/aiconform-lab-<name>/<node>     v2: /sys/fs/cgroup/aiconform-lab-<name>/<node>
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from .errors import LabError

_ROOT = Path("/sys/fs/cgroup")
_WANTED = ("cpuset", "cpu", "memory", "pids", "io", "hugetlb")


def unified() -> bool:
    """Whether the machine uses cgroup v2 only."""
    return (_ROOT / "cgroup.controllers").exists()


def hierarchies() -> list[Path]:
    """The roots below which a folder is made: one with v2, one for each controller with v1.

    Folders such as `cpu,cpuacct` have symbolic links (`cpu`) beside them: these are left out.
    """
    if unified():
        return [_ROOT]
    return [entry for entry in sorted(_ROOT.iterdir()) if entry.is_dir() and not entry.is_symlink()]


def lab_group(name: str) -> str:
    """The lab's cgroup, from the root of each hierarchy."""
    return f"aiconform-lab-{name}"


def node_group(name: str, node: str) -> str:
    """The kubelet's cgroupRoot for a node."""
    return f"/{lab_group(name)}/{node}"


def make(name: str, node: str) -> None:
    """Make the node's folder in every hierarchy and let its children use the controllers."""
    group = node_group(name, node).strip("/")
    try:
        for root in hierarchies():
            folder = root
            for part in group.split("/"):
                if unified():
                    _delegate(folder)
                folder = folder / part
                folder.mkdir(exist_ok=True)
                if not unified() and (folder / "cpuset.cpus").exists():
                    _inherit_cpuset(folder)
            if unified():
                _delegate(folder)
    except OSError as error:
        raise LabError(
            f"cannot make cgroup {error.filename or group} ({error.strerror}): the lab needs a writable "
            "/sys/fs/cgroup; in a container, run it privileged with `--cgroupns=host`"
        ) from error


def _delegate(folder: Path) -> None:
    """v2: hand the controllers down (a process in `folder` itself would make the kernel refuse; the root is exempt)."""
    offered = (folder / "cgroup.controllers").read_text().split()
    active = (folder / "cgroup.subtree_control").read_text().split()
    for controller in _WANTED:
        if controller in offered and controller not in active:
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(folder: Path) -> None:
    """v1: a new cpuset is empty and takes no process until it has CPUs and memory nodes."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        if not (folder / file).read_text().strip():
            (folder / file).write_text((folder.parent / file).read_text())


def processes(name: str) -> list[int]:
    """Pids in the lab's cgroups: what its containers run."""
    found: set[int] = set()
    for root in hierarchies():
        for folder, _, _ in os.walk(root / lab_group(name)):
            try:
                found.update(int(pid) for pid in (Path(folder) / "cgroup.procs").read_text().split())
            except OSError:
                continue
    return sorted(found)


def remove(name: str, node: str | None = None, seconds: float = 3.0) -> None:
    """Remove the lab's (or one node's) folders, deepest first; a cgroup stays busy for a moment after a kill."""
    group = node_group(name, node).strip("/") if node else lab_group(name)
    deadline = time.monotonic() + seconds
    while left := _remove_once(group):
        if time.monotonic() > deadline:
            raise LabError(f"cgroup {left[0]} stays busy: see its cgroup.procs, end these processes, then repeat")
        # The kernel offers no event for "last process left" on v1.
        time.sleep(0.02)


def _remove_once(group: str) -> list[Path]:
    left: list[Path] = []
    for root in hierarchies():
        for folder, _, _ in os.walk(root / group, topdown=False):
            try:
                Path(folder).rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                left.append(Path(folder))
    return left
