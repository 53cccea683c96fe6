"""The lab's processes: started, recorded, recognised and ended.

Each process writes its own pid and start time to the lab's registry before it becomes the real program, so that
not even `kill -9` between the start and the record loses one. A pid is only ever signalled while its start time
is the recorded one. Beside that every process carries the lab's folder in its environment, which is how the
children that daemons start on their own are found.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from .errors import LabError
from .layout import Folder

MARK = "AICONFORM_LAB_FOLDER"
# $1 registry, $2 name; the line is the name, a tab, and the process's own /proc/PID/stat. A lab is some fifty programs
# that wake each other all the time: as batch ones (sched(7)) they do not interrupt each other for it, which takes a
# quarter of the processor time of labs that are busy side by side. Go's programs have timers for ever, and watch
# themselves every 20 us while they do anything: timers that may come 10 ms late (proc_pid_timerslack_ns(5)) come
# together, which takes another quarter. Where the kernel does not let one set that, it stays as it is.
_RECORD = (
    'read -r stat </proc/$$/stat && printf "%s\\t%s\\n" "$2" "$stat" >>"$1" && shift 2 && '
    '{ { echo 10000000 >/proc/$$/timerslack_ns; } 2>/dev/null || :; } && exec chrt --batch 0 "$@"'
)
# Seconds for which a process counts as new.
_NEW = 30.0
_started: list[subprocess.Popen[bytes]] = []  # held, so that ended children can be reaped


class Process(msgspec.Struct, frozen=True):
    """A recorded process. `start` is in clock ticks after boot (proc(5), field 22)."""

    name: str
    pid: int
    start: int


def _parse_stat(stat: str) -> tuple[int, str, int]:
    """(pid, state letter, start time) of a line of /proc/PID/stat."""
    head, _, tail = stat.rpartition(")")
    fields = tail.split()
    return int(head.split(" ", 1)[0]), fields[0], int(fields[19])


def start_time(pid: int) -> int | None:
    """Start time of a running process; None when it is gone or a zombie."""
    try:
        _, state, start = _parse_stat(Path(f"/proc/{pid}/stat").read_text())
    except (OSError, ValueError, IndexError):
        return None
    return None if state in "ZX" else start


def alive(process: Process) -> bool:
    """Whether this very process still runs."""
    return start_time(process.pid) == process.start


def _is_another(process: Process) -> bool:
    """Whether its pid is free again, or belongs to somebody else by now. A zombie is itself."""
    try:
        return _parse_stat(Path(f"/proc/{process.pid}/stat").read_text())[2] != process.start
    except (OSError, ValueError, IndexError):
        return True


def recorded(folder: Folder) -> dict[str, Process]:
    """The registry: the newest record for each name."""
    return {process.name: process for process in all_recorded(folder)}


def all_recorded(folder: Folder) -> list[Process]:
    """Every record, oldest first, older ones of a name included. A half-written line is skipped."""
    seen: list[Process] = []
    try:
        lines = folder.processes.read_text().splitlines()
    except OSError:
        return seen
    for line in lines:
        name, _, stat = line.partition("\t")
        try:
            pid, _, start = _parse_stat(stat)
        except (ValueError, IndexError):
            continue
        seen.append(Process(name, pid, start))
    return seen


def running(folder: Folder, name: str) -> Process | None:
    """The running process of that name, if any."""
    process = recorded(folder).get(name)
    return process if process is not None and alive(process) else None


def start(
    folder: Folder,
    name: str,
    argv: Sequence[str],
    env: Mapping[str, str] | None = None,
    stdout: int | None = None,
    clean_env: bool = True,
) -> subprocess.Popen[bytes]:
    """Start a daemon in its own session, with its log in the lab's folder.

    The environment is small and fixed (the user's proxies and kubeconfigs must not leak into the lab), but for GOGC:
    with more memory the lab's programs collect garbage less often.
    """
    folder.logs.mkdir(parents=True, exist_ok=True)
    base = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    base |= {k: v for k, v in os.environ.items() if k == "GOGC"}
    full = {**(base if clean_env else os.environ), **(env or {}), MARK: str(folder.root)}
    log_path = folder.logs / f"{name.replace('/', '.')}.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _RECORD, "sh", str(folder.processes), name, *argv],
            stdin=subprocess.DEVNULL,
            stdout=log if stdout is None else stdout,
            stderr=log,
            env=full,
            cwd="/",
            start_new_session=True,
        )
    # Recorded here as well: whoever looks next must not find the record of a predecessor.
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text().strip()
        with folder.processes.open("a") as registry:
            registry.write(f"{name}\t{stat}\n")
    except OSError as error:
        process.kill()
        raise LabError(f"cannot record {name} in {folder.processes}: {error.strerror}; free some space") from error
    _started.append(process)
    return process


def log_tail(folder: Folder, name: str, lines: int = 3) -> str:
    """The last lines of a process's log, for an error message."""
    try:
        text = (folder.logs / f"{name.replace('/', '.')}.log").read_text(errors="replace")
    except OSError:
        return ""
    return " | ".join(line.strip()[:300] for line in text.splitlines()[-lines:])


def wait_gone(processes: Iterable[Process], seconds: float) -> list[Process]:
    """Wait until all are gone; return those that are not."""
    poll = select.poll()
    open_fds: dict[int, Process] = {}
    for process in processes:
        try:
            fd = os.pidfd_open(process.pid)
        except ProcessLookupError:
            continue
        # A zombie's other threads may still hold its sockets: only its pidfd tells when they have ended.
        if _is_another(process):
            os.close(fd)
            continue
        open_fds[fd] = process
        poll.register(fd, select.POLLIN)
    deadline = time.monotonic() + seconds
    try:
        while open_fds and (left := deadline - time.monotonic()) > 0:
            for fd, _ in poll.poll(left * 1000):
                poll.unregister(fd)
                os.close(fd)
                del open_fds[fd]
        return [process for process in open_fds.values() if alive(process)]
    finally:
        for fd in open_fds:
            os.close(fd)
        reap()


def reap() -> None:
    """Collect children of this very process that have ended, so that no zombie stays."""
    _started[:] = [process for process in _started if process.poll() is None]


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _send(process: Process, number: int) -> None:
    """Signal this very process and no other: the pidfd is opened first and then checked against the record."""
    try:
        fd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if alive(process):
            signal.pidfd_send_signal(fd, number)
    except ProcessLookupError:
        return
    finally:
        os.close(fd)


def stop(process: Process | None, grace: float = 5.0) -> None:
    """End a process and its children: SIGTERM, then after `grace` seconds SIGKILL. 0 kills at once.

    A daemon in a node runs below `nsenter`, which does not pass signals on: its child is what must be told.
    """
    if process is None or not alive(process):
        reap()
        return
    family = [process]
    for pid in children(process.pid):
        if (when := start_time(pid)) is not None:
            family.append(Process(process.name, pid, when))
    told = family[1:] or family
    if grace > 0:
        for member in told:
            _send(member, signal.SIGTERM)
        if not wait_gone(told, grace) and not wait_gone(family, 1.0):
            return
    for member in family:
        _send(member, signal.SIGKILL)
    left = wait_gone(family, 5.0)
    if left:
        raise LabError(f"process {left[0].pid} ({process.name}) does not end: look at it with `ps`, then repeat")


def kill_all(processes: Iterable[Process], seconds: float = 5.0) -> list[Process]:
    """SIGKILL all of them at once and wait; return what is left."""
    wanted = list(processes)
    for process in wanted:
        _send(process, signal.SIGKILL)
    return wait_gone(wanted, seconds)


def marked(folder: Folder, patience: float = 2.0) -> list[Process]:
    """Every process of this machine that carries the lab's mark in its environment.

    A process that is just becoming another program shows no environment: it is looked at again, for `patience` seconds.
    """
    mark = f"{MARK}={folder.root}".encode()
    over = time.monotonic() + patience
    while True:
        found, unclear = _scan(mark)
        if not unclear or time.monotonic() > over:
            return found
        time.sleep(0.02)


def _scan(mark: bytes) -> tuple[list[Process], bool]:
    """Who carries the mark now, and whether somebody new may yet come to carry it."""
    found, unclear = [], False
    youngest = (time.clock_gettime(time.CLOCK_BOOTTIME) - _NEW) * os.sysconf("SC_CLK_TCK")
    for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            environment = b""
        when = start_time(pid)
        if when is None:
            continue
        if mark in environment.split(b"\0"):
            found.append(Process("marked", pid, when))
        # Threads of the kernel have no program.
        unclear |= not environment and when > youngest and Path(f"/proc/{pid}/exe").exists()
    return found, unclear


def rss_mib(pids: Iterable[int]) -> float:
    """Resident memory of the processes and all their descendants, MiB (pages shared by two count twice)."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    todo, seen = list(pids), set[int]()
    while todo:
        pid = todo.pop()
        if pid in seen:
            continue
        seen.add(pid)
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
        except (OSError, IndexError):
            continue
        todo += children(pid)
    return total / 2**20
