"""What a lab has on the machine, counted from outside: by what the kernel shows, not by the lab's own records.

Other labs may come and go meanwhile: what carries their names is left out.
"""

from __future__ import annotations

import ipaddress
import os
import re
import subprocess
import time
from dataclasses import dataclass, fields
from pathlib import Path

from aiconform.lab import Lab
from aiconform.lab import state as states
from aiconform.lab.layout import Addresses, base_folder

# Where a lab could leave files: its own place, and what kubelets, CNI plugins and container runtimes use.
PLACES = ("/run", "/var/lib", "/var/log", "/etc/cni", "/usr/libexec", "/opt", "/dev", "/var/run/cdi")
# Folders of other programs that change all the time, and what the kernel makes when somebody opens a virtual console,
# such as stand for accelerators in all labs.
RESTLESS = ("/var/lib/apt", "/var/lib/dpkg", "/dev/pts", "/dev/shm", "/dev/vcs", "/run/user", "/var/log")


def _own(text: str, lab: Lab, others: set[int]) -> bool:
    """Whether a name belongs to no other lab. `others` are the slots that other labs have."""
    link = re.search(r"\baiconform(\d+)\b", text)
    if link is not None and int(link[1]) in others:
        return False
    for name in re.findall(rf"(?:aiconform-lab-|{re.escape(str(base_folder()))}/)([a-z0-9-]+)", text):
        if name != lab.name:
            return False
    return True


def _command(*argv: str) -> list[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """Names of things on the machine."""

    links: frozenset[str]
    routes: frozenset[str]
    addresses: frozenset[str]
    rules: frozenset[str]
    mounts: frozenset[str]
    cgroups: frozenset[str]
    files: frozenset[str]
    sysctls: frozenset[str]

    def more_than(self, other: Footprint) -> dict[str, set[str]]:
        """What is here and not there, by kind; kinds without any are left out."""
        extra = {f.name: set(getattr(self, f.name) - getattr(other, f.name)) for f in fields(self)}
        return {kind: names for kind, names in extra.items() if names}


def _mounts() -> list[str]:
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def _files() -> set[str]:
    found: set[str] = set()
    for place in PLACES:
        for folder, below, names in os.walk(place):
            depth = folder.count("/") - place.count("/")
            if depth >= 2 or folder.startswith(RESTLESS):
                below.clear()
            found.update(f"{folder}/{name}" for name in [*below, *names])
    return {name for name in found if not name.startswith(RESTLESS)}


def footprint(lab: Lab) -> Footprint:
    """Look at the machine."""
    others = states.slots_taken(lab.name)

    def mine(lines: list[str] | set[str]) -> frozenset[str]:
        # Asked again for each kind: another lab may have come up since.
        others.update(states.slots_taken(lab.name))
        return frozenset(line for line in lines if _own(line, lab, others))

    cgroups = [folder for folder, _, _ in os.walk("/sys/fs/cgroup")]
    sysctls = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")
    return Footprint(
        links=mine([line.split(":")[1].split("@")[0].strip() for line in _command("ip", "-o", "link")]),
        # Tests make such routes, labs do not.
        routes=mine([r for r in _command("ip", "-4", "route", "show", "table", "all") if "blackhole" not in r]),
        addresses=mine([" ".join(line.split()[1:4]) for line in _command("ip", "-o", "-4", "addr")]),
        rules=frozenset(_command("nft", "list", "ruleset")),
        # Tests mount small disks of their own in pytest's folders.
        mounts=mine([m for m in _mounts() if "/pytest-of-" not in m]),
        cgroups=mine([folder for folder in cgroups if "aiconform-lab" in folder]),
        files=mine(_files()),
        sysctls=frozenset(f"{name}={Path('/proc/sys', name).read_text().strip()}" for name in sysctls),
    )


def left_behind(lab: Lab, before: Footprint) -> dict[str, set[str]]:
    """What is on the machine and was not before, by kind, once others that come or go at this moment have done so."""
    for _ in range(40):
        if not (found := footprint(lab).more_than(before)):
            break
        time.sleep(0.5)
    return found


@dataclass(frozen=True)
class Living:
    """Processes and namespaces of a running lab: pids with start times (clock ticks), and namespace numbers.

    `newest`: when the youngest process of the machine began. `cgroup`: a part of the path of the lab's cgroups.
    """

    processes: frozenset[tuple[int, str]]
    namespaces: frozenset[str]
    newest: int
    cgroup: str


def _processes() -> dict[int, tuple[str, str, set[str]]]:
    """pid -> (start time, cgroups, namespaces)."""
    found: dict[int, tuple[str, str, set[str]]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            names = {str((entry / "ns" / kind).readlink()) for kind in ("net", "mnt", "pid", "uts")}
            if stat[0] not in "ZX":
                found[int(entry.name)] = (stat[19], (entry / "cgroup").read_text(), names)
        except OSError:
            continue
    return found


def living(lab: Lab) -> Living:
    """Everything that runs in namespaces or cgroups that the machine itself does not use, and is this lab's."""
    everything = _processes()
    here = {str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in ("net", "mnt", "pid", "uts")}
    roots = {component.pid for component in lab.status().components if component.pid is not None}
    own = f"/aiconform-lab-{lab.name}/"
    names = {name for pid in roots if pid in everything for name in everything[pid][2]} - here
    for pid in roots:
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            names |= everything.get(int(child), ("", "", set[str]()))[2] - here
    pids = {
        (pid, start)
        for pid, (start, cgroup, namespaces) in everything.items()
        if pid in roots or namespaces & names or own in cgroup
    }
    newest = max(int(start) for start, _, _ in everything.values())
    return Living(frozenset(pids), frozenset(names), newest, own)


def survivors(before: Living) -> tuple[set[int], set[str]]:
    """Pids and namespaces of `before` that are still there."""
    now = _processes()
    pids = {pid for pid, start in before.processes if pid in now and now[pid][0] == start}
    # The number of a namespace that is gone is given again: a stranger who began later holds another one.
    held = {
        name
        for start, cgroup, namespaces in now.values()
        if int(start) <= before.newest or before.cgroup in cgroup
        for name in namespaces
    }
    return pids, set(before.namespaces) & held


def overlapping(addresses: Addresses) -> list[str]:
    """Routes of the machine that touch a slot's subnets."""
    found = []
    for line in _command("ip", "-4", "route"):
        target = line.split()[0]
        if target != "default":
            network = ipaddress.IPv4Network(target)
            if any(network.overlaps(net) for net in (addresses.nodes, addresses.pods, addresses.services)):
                found.append(line)
    return found
