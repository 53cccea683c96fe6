"""Taking a lab down: everything that it made, in whatever state it is, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from . import cgroups, node, processes
from . import state as states
from .errors import LabError
from .layout import Addresses, Folder, base_folder
from .processes import Process


def remove(folder: Folder, name: str, report: Callable[[str], None], keep_folder: bool = False) -> None:
    """Remove the lab. Safe to repeat. `keep_folder` keeps the (emptied) folder itself, for the lock on it."""
    state = states.load(folder)
    if state is None or state.boot_id == states.boot_id():
        _end_processes(folder, name)
    cgroups.remove(name)
    if state is not None:
        from . import network  # late: see up.py

        network.remove_link(Addresses(slot=state.slot).link)
    _unmount(folder.root)
    _remove_tree(folder.root, keep_folder)
    if not keep_folder:
        _remove_if_empty(base_folder())
    report(f"lab {name} is down")


def _end_processes(folder: Folder, name: str) -> None:
    """SIGKILL: first what holds the namespaces (the kernel then ends all within), then the rest."""
    known = [process for process in processes.all_recorded(folder) if processes.alive(process)]
    holders = [process for process in known if process.name.endswith("/sandbox") or process.name == "switch"]
    # The first process of a node ends when all others in it have, which takes longer than its holder's end.
    firsts = [
        Process(holder.name, pid, when)
        for holder in holders
        for pid in processes.children(holder.pid)
        if (when := processes.start_time(pid)) is not None
    ]
    left = processes.kill_all([*firsts, *holders, *known])
    # What daemons started on their own, and what a lost registry forgot.
    left = processes.kill_all(processes.marked(folder)) or left
    contained = [
        Process("container", pid, when)
        for pid in cgroups.processes(name)
        if (when := processes.start_time(pid)) is not None
    ]
    left = processes.kill_all(contained) or left
    if left:
        raise LabError(f"process {left[0].pid} ({left[0].name}) of lab {name} does not end: see `ps`, then repeat")


def _mounts_below(root: Path) -> list[str]:
    """Mount points below a folder in our own mount namespace, deepest first (proc(5), mountinfo)."""
    found: list[str] = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].replace("\\040", " ")
        if point == str(root) or point.startswith(f"{root}/"):
            found.append(point)
    return sorted(found, key=len, reverse=True)


def _unmount(root: Path) -> None:
    for point in _mounts_below(root):
        subprocess.run(["umount", "-l", point], check=False, capture_output=True)


def _remove_tree(root: Path, keep: bool) -> None:
    """Delete the folder. The kernel may still be taking a dead node's mounts apart: then try again for 5 s."""
    if _mounts_below(root):
        raise LabError(f"something is still mounted below {root}: `umount` it, then repeat `aiconform lab down`")
    deadline = time.monotonic() + 5
    while True:
        try:
            for entry in root.iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            if not keep:
                root.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise LabError(f"cannot remove {error.filename}: {error.strerror}; remove it by hand") from error
            time.sleep(0.05)
        else:
            return


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def clear_node(folder: Folder, lab: str, name: str) -> None:
    """Remove what is left of a node whose namespaces have ended."""
    mine = [process for process in processes.all_recorded(folder) if process.name.startswith(f"{name}/")]
    processes.kill_all([process for process in mine if processes.alive(process)])
    cgroups.remove(lab, name)
    node.reset_disk(folder, name)
