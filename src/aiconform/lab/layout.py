"""Where a lab lives: its folder, its addresses, its names. Everything follows from the lab's name and its slot.

A slot is a small number that no other lab, route or link of this machine uses; it picks the subnets and the link
names, so that several labs run side by side. The folder is the same for every user of the machine, because the
things in it (links, subnets, cgroups) belong to the machine and not to a user.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError, UnknownName

SLOTS = 16
#: The real nodes that a lab can have, and how each hands its accelerators out; every lab has the first two.
MODES = {"lab-node-1": "dra", "lab-node-2": "device-plugin", "lab-node-3": "dra", "lab-node-4": "dra"}
NODES = tuple(MODES)
FEWEST = 2
DRIVER = "accel.sim.aiconform.dev"
RESOURCE = "sim.aiconform.dev/accelerator"
DRA_RESOURCE = "sim.aiconform.dev/accelerator-dra"
CLUSTER_DOMAIN = "cluster.local"


def base_folder() -> Path:
    """The folder that holds one folder for each lab (AICONFORM_LAB_ROOT, else /var/lib/aiconform-lab)."""
    return Path(os.environ.get("AICONFORM_LAB_ROOT") or "/var/lib/aiconform-lab")


def cache_folder() -> Path:
    """The user's cache for binaries and images ($XDG_CACHE_HOME or ~/.cache, then aiconform/lab)."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "aiconform" / "lab"


def check_name(name: str) -> str:
    """Return the name, or raise: it becomes part of folder, cgroup and context names."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?", name):
        raise UnknownName(f"lab name {name!r} is not usable: take at most 30 of a-z, 0-9 and '-', not at either end")
    return name


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Subnets and names of one slot."""

    slot: int

    @property
    def nodes(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(f"10.246.{self.slot}.0/24")

    @property
    def pods(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(f"10.250.{self.slot * 16}.0/20")

    @property
    def services(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(f"10.249.{self.slot * 16}.0/20")

    @property
    def host(self) -> str:
        """The host's address on the lab's network; the control plane listens here."""
        return str(self.nodes[1])

    @property
    def database(self) -> str:
        """etcd's address: on the loopback, where no pod can reach it, and of this lab only."""
        return f"127.246.{self.slot}.1"

    @property
    def dns(self) -> str:
        return str(self.services[10])

    @property
    def kubernetes(self) -> str:
        """ClusterIP of the `kubernetes` Service."""
        return str(self.services[1])

    @property
    def link(self) -> str:
        """The host's end of the cable to the lab's switch (at most 15 characters)."""
        return f"aiconform{self.slot}"

    def node(self, name: str) -> str:
        """Address of a node."""
        return str(self.nodes[11 + NODES.index(name)])

    def pod_subnet(self, name: str) -> str:
        """Pod subnet of a node, with prefix length."""
        third = self.slot * 16 + 1 + NODES.index(name)
        return f"10.250.{third}.0/24"


@dataclass(frozen=True)
class Folder:
    """The files of one lab."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def processes(self) -> Path:
        return self.root / "processes.tsv"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def config(self) -> Path:
        return self.root / "config"

    def node(self, name: str) -> Path:
        """The folder that holds a node's disk."""
        return self.root / "nodes" / name

    def client(self, name: str) -> Path:
        """Kubeconfig of a component."""
        return self.pki / f"{name}.kubeconfig"


def known_node(name: str, there: Sequence[str] = NODES) -> str:
    """Return the node's name, or raise UnknownName; `there` are the lab's real nodes."""
    if name not in there:
        raise UnknownName(f"the lab has no node {name!r}: its real nodes are {', '.join(there)}")
    return name


def folder_of(name: str) -> Folder:
    """The folder of the lab of that name."""
    root = base_folder() / check_name(name)
    if len(str(root)) > 60:
        # Unix sockets below it may have 108 bytes at most.
        raise LabError(f"the lab folder {root} has too long a path: set AICONFORM_LAB_ROOT to a shorter one")
    return Folder(root)
