"""The probe: which character devices can this container open? Prints one line of JSON.

Runs in any image with python3 >= 3.9, with the standard library alone. Its only argument is JSON:

  paths, shared     glob patterns of device nodes that give access, and of nodes that holders share
  drivers           names in /proc/devices whose majors belong to the vendor
  identity_env      a variable that lists the granted identities ("" if there is none)
  identity_command  argv that prints identities ([] if there is none)
  numbers           [[major, minor], ...] that other containers were granted
  granted           whether this container asked for a device, so that what it opens by name may be its own
  listen            a TCP port to listen on when the answer is printed, and then wait to be ended (0: exit)
  tell, hear        a fifo through which a container tells its device numbers to its neighbour ("": none)

Only nodes that belong to accelerators are ever opened: opening some others (a watchdog) does harm.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

MOST_NODES = 4096
MISC = 10  # the major of many unrelated devices, watchdogs among them: never guess a number there
# What every container may open by the runtimes' defaults.
DEFAULTS = {(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2), (10, 200), (10, 229)}
DENIED = ("EPERM", "EACCES")


def name_of(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, str(error.errno))


def attempt(path: str) -> str:
    """How open(2) ends: "ok" or an errno's name. Other modes are tried where the rules deny reading and writing."""
    results = []
    for mode in (os.O_RDWR, os.O_RDONLY, os.O_WRONLY):
        try:
            os.close(os.open(path, mode | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC))
            results.append("ok")
        except OSError as error:
            results.append(name_of(error))
        if results[-1] not in DENIED:
            return results[-1]
    return results[0]


def vendor_majors(drivers: list[str]) -> dict[int, str]:
    """Majors of character devices whose driver's name is one of these: {195: "nvidia"}."""
    found: dict[int, str] = {}
    with contextlib.suppress(OSError):
        text = Path("/proc/devices").read_text(encoding="ascii", errors="replace")
        for line in text.partition("Block devices")[0].splitlines():
            words = line.split()
            if len(words) == 2 and words[0].isdigit() and words[1] in drivers:
                found[int(words[0])] = words[1]
    return found


def character_devices() -> list[tuple[str, int, int]]:
    """(path, major, minor) of every character device under /dev; links are not followed."""
    found = []
    for folder, _, names in os.walk("/dev"):
        for name in names:
            path = f"{folder}/{name}"
            try:
                status = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISCHR(status.st_mode):
                found.append((path, os.major(status.st_rdev), os.minor(status.st_rdev)))
    return sorted(found)[:MOST_NODES]


def matching(path: str, patterns: list[str]) -> str:
    return next((p for p in patterns if fnmatch.fnmatchcase(path, p)), "")


def look(config: dict[str, Any], majors: dict[int, str], known: set[tuple[int, int]]) -> list[dict[str, Any]]:
    """Every character device, and how opening it ends if it belongs to an accelerator.

    kind: device or shared (by path), number (another container's device), vendor (by major), sibling (same
    major as a device of ours), other (not opened).
    """
    found = character_devices()
    own = {a for p, a, _ in found if matching(p, config["paths"])} - {MISC}
    nodes = []
    for path, major, minor in found:
        pattern = matching(path, config["paths"])
        kind = "other"
        if pattern:
            kind = "device"
        elif matching(path, config["shared"]):
            kind = "shared"
        elif (major, minor) in known:
            kind = "number"
        elif major in majors:
            kind = "vendor"
        elif major in own and (major, minor) not in DEFAULTS:
            kind = "sibling"
        node: dict[str, Any] = {"path": path, "major": major, "minor": minor, "kind": kind, "pattern": pattern}
        if kind != "other":
            node["open"] = attempt(path)
        nodes.append(node)
    return nodes


def by_hand(folder: str, major: int, minor: int) -> str:
    """Makes a device node and opens it. "mknod:ERRNO" if it cannot even be made."""
    path = f"{folder}/.aiconform-{os.getpid()}-{major}-{minor}"
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(major, minor))
    except OSError as error:
        return "mknod:" + name_of(error)
    try:
        return attempt(path)
    finally:
        Path(path).unlink()


def candidates(numbers: set[tuple[int, int]], majors: dict[int, str]) -> list[tuple[int, int]]:
    """The given numbers and their neighbours: the same block of 64 minors, and the first one of a vendor's."""
    wanted = set(numbers)
    for major, minor in numbers:
        if major == MISC and major not in majors:
            continue
        start = minor // 64 * 64
        wanted |= {(major, m) for m in range(start, start + 64)}
        if major in majors:
            wanted |= {(major, m) for m in range(64)}
    return sorted(wanted - DEFAULTS)


def make(numbers: set[tuple[int, int]], majors: dict[int, str], own: set[tuple[int, int]]) -> dict[str, Any]:
    """Hand-made nodes: the control (/dev/null's number), and how each foreign number ends, by result."""
    control, folder = "", ""
    for folder in ("/dev", "/tmp", "/var/tmp", str(Path.cwd())):
        control = by_hand(folder, 1, 3)
        if control == "ok":
            break
    results: dict[str, list[list[int]]] = {}
    if control == "ok":
        for major, minor in candidates(numbers, majors):
            if (major, minor) not in own:
                results.setdefault(by_hand(folder, major, minor), []).append([major, minor])
    return {"control": control, "folder": folder, "results": results}


def identities(config: dict[str, Any]) -> dict[str, Any]:
    """What the container was told it has: by the vendor's variable, and by the vendor's tool."""
    name = config["identity_env"]
    listed = [v.strip() for v in os.environ.get(name, "").split(",") if v.strip()] if name else []
    answer: dict[str, Any] = {"names": sorted(os.environ), "identity": listed, "command": None}
    if config["identity_command"]:
        try:
            run = subprocess.run(config["identity_command"], capture_output=True, text=True, timeout=20, check=False)
            answer["command"] = {"exit": run.returncode, "identities": parsed(run.stdout)}
        except (OSError, subprocess.SubprocessError) as error:
            answer["command"] = {"error": type(error).__name__, "identities": []}
    return answer


def parsed(text: str) -> list[str]:
    """Identities from a tool's listing: "UUID: x" where lines say so, else whole lines.

    Indented lines are parts of the device above them; where there are parts, they are what was granted.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    parts = [line for line in lines if line[0].isspace()]
    chosen = parts or lines
    marked = [m.group(1) for m in (re.search(r"UUID:\s*([^\s)]+)", line) for line in chosen) if m]
    return marked or [line.strip() for line in chosen]


def capabilities() -> str:
    lines: list[str] = []
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next((line.split()[1] for line in lines if line.startswith("CapEff")), "")


def through(fifo: str, numbers: list[tuple[int, int]] | None = None) -> list[tuple[int, int]]:
    """Hands numbers to the neighbour, or takes them from it; each end waits for the other one."""
    with contextlib.suppress(FileExistsError):
        os.mkfifo(fifo, 0o666)
    if numbers is None:
        return [(major, minor) for major, minor in json.loads(Path(fifo).read_text(encoding="ascii"))]
    Path(fifo).write_text(json.dumps(numbers), encoding="ascii")
    return numbers


def wait_on(port: int) -> None:
    """Listens, so that a readiness probe sees that the answer was printed, until it is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    family = socket.AF_INET6 if Path("/proc/net/if_inet6").exists() else socket.AF_INET
    server = socket.create_server(("", port), family=family, dualstack_ipv6=family == socket.AF_INET6)
    while True:
        server.accept()[0].close()


def main() -> None:
    config = json.loads(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    known = {(major, minor) for major, minor in config["numbers"]}
    if config["hear"]:
        known |= set(through(config["hear"]))
    majors = vendor_majors(config["drivers"])
    nodes = look(config, majors, known)
    mine = {(n["major"], n["minor"]) for n in nodes if n["kind"] in ("device", "shared") and n["open"] == "ok"}
    seeds = {(n["major"], n["minor"]) for n in nodes if n["kind"] == "device"} | known
    answer = {
        "probe": "devices/1",
        "uid": os.getuid(),
        "capabilities": capabilities(),
        "kernel": os.uname().release,
        "majors": {str(major): name for major, name in majors.items()},
        "nodes": nodes,
        "made": make(seeds, majors, mine if config["granted"] else set()),
        "told": identities(config),
    }
    print(json.dumps(answer, sort_keys=True), flush=True)
    if config["tell"]:
        through(config["tell"], sorted(mine))
    if config["listen"]:
        wait_on(config["listen"])


if __name__ == "__main__":
    main()
