"""What a device probe saw inside one container: which accelerator nodes it could open, and as whose.

The probe's answer is described in the probe script itself ("probe": "devices/1"). Numbers are (major, minor).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiconform.model import Recording

# How a denial looks: the device rules say EPERM; file modes, security modules and nodev mounts say EACCES.
DENIED = frozenset({"EPERM", "EACCES"})
# Results that say nothing about permission. All others (ok, ENXIO, ENODEV, EBUSY, EIO ...) come from the
# device's driver, or from its absence: the rules had let the call through.
UNCLEAR = frozenset({"ENOENT", "ENOTDIR", "ELOOP", "EMFILE", "ENFILE", "ENOMEM", "EINTR"})
# Values with which runtimes say that a variable names no device.
NO_IDENTITY = frozenset({"", "all", "none", "void"})

Number = tuple[int, int]


def let_through(result: str) -> bool:
    """Whether open(2) got past the device rules."""
    return result not in DENIED and result not in UNCLEAR and not result.startswith("mknod:")


@dataclass(frozen=True)
class Container:
    """One answer of the device probe. `seq` is the observation it rests on."""

    seq: int
    namespace: str
    pod: str
    name: str
    step: str
    body: dict[str, Any]

    @property
    def kernel(self) -> str:
        return str(self.body.get("kernel", ""))

    def opened(self, *kinds: str) -> tuple[dict[str, Any], ...]:
        """Nodes of these kinds whose opening was not denied."""
        return tuple(n for n in self.body["nodes"] if n["kind"] in kinds and let_through(n["open"]))

    def numbers(self, *kinds: str) -> frozenset[Number]:
        """Numbers of the nodes of these kinds (device, if none is named) that really opened."""
        kinds = kinds or ("device",)
        nodes = [n for n in self.body["nodes"] if n["kind"] in kinds and n["open"] == "ok"]
        return frozenset((n["major"], n["minor"]) for n in nodes)

    @property
    def units(self) -> int:
        """How many devices its open nodes amount to. A device may have one node of each of several patterns
        (renderD128 and card0), so the rarest pattern counts."""
        by_pattern: dict[str, set[Number]] = defaultdict(set)
        for n in self.opened("device"):
            by_pattern[n["pattern"]].add((n["major"], n["minor"]))
        return min((len(found) for found in by_pattern.values()), default=0)

    @property
    def identities(self) -> frozenset[str]:
        """What it was told it has: by the vendor's variable, else by the vendor's tool. Empty if by neither."""
        told = self.body["told"]
        by_variable = [v for v in told["identity"] if v not in NO_IDENTITY]
        return frozenset(by_variable or (told["command"] or {}).get("identities", ()))

    @property
    def can_make(self) -> bool:
        """Whether device nodes made by hand work here at all: /dev/null's could be made and opened."""
        return bool(self.body["made"]["control"] == "ok")

    def made(self) -> tuple[tuple[Number, str], ...]:
        """Each number tried by a hand-made node, with the result."""
        results = self.body["made"]["results"]
        return tuple(((major, minor), r) for r, found in sorted(results.items()) for major, minor in found)


def containers(rec: Recording, *, step: str, name: str = "") -> tuple[Container, ...]:
    """The device probes of one step, optionally of containers of this name, in order."""
    found = []
    for o in rec.observations:
        if o.kind != "probe" or o.step != step or not isinstance(o.body, dict):
            continue
        if o.body.get("probe") == "devices/1":
            _, namespace, pod, container = o.subject.split("/")
            if not name or container == name:
                found.append(Container(o.seq, namespace, pod, container, o.step, o.body))
    return tuple(found)


def listing(nodes: Iterable[dict[str, Any]], most: int = 4) -> str:
    """Nodes in words: "/dev/simaccel1 (4:21), /dev/simaccel2 (4:22)"."""
    names = [f"{n['path']} ({n['major']}:{n['minor']}{_how(n)})" for n in nodes]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _how(node: dict[str, Any]) -> str:
    return "" if node["open"] == "ok" else f", {node['open']}"


def numbered(numbers: Iterable[Number], most: int = 6) -> str:
    """Numbers in words: "4:20, 4:21"."""
    names = [f"{major}:{minor}" for major, minor in sorted(numbers)]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
