"""What the lab remembers on disk: how it was made, what was changed in it, and which fault is active.

The state is written before the thing it describes is done, so that another process (or the same command after a
crash) can finish or undo it. Writes are atomic.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from .binaries import NEWEST
from .errors import LabError
from .layout import FEWEST, NODES, Folder, base_folder

#: Raise it when a lab made by older code cannot be kept up by newer code: `up` then makes it anew.
RECIPE = 3


class Changes(msgspec.Struct, kw_only=True):
    """Deviations from the sound lab; `mend` empties all of them."""

    args: dict[str, dict[str, str | None]] = {}  # component -> flag -> value (null removes the flag)
    scheduler: dict[str, Any] = {}  # merged into KubeSchedulerConfiguration
    kubelet: dict[str, dict[str, Any]] = {}  # node -> merged into KubeletConfiguration
    containerd: dict[str, dict[str, Any]] = {}  # node -> merged into containerd's config
    simaccel: dict[str, dict[str, Any]] = {}  # node -> flags; {"stop": true} keeps it stopped
    addons: dict[str, dict[str, Any]] = {}  # addon -> args, env; {"stop": true} keeps it stopped


class Undo(msgspec.Struct, kw_only=True):
    """One thing that `mend` must take back; `kind` says which fields matter."""

    kind: str  # restart | delete | process | node_exec | node
    component: str = ""  # restart: its name; process: its registry name
    nodes: list[str] = []
    run: str = ""
    objects: list[dict[str, Any]] = []  # delete: references; node: the node as it was


class ActiveFault(msgspec.Struct, kw_only=True):
    """The fault that the lab has now."""

    id: str
    path: str
    complete: bool = False
    undo: list[Undo] = []


class State(msgspec.Struct, kw_only=True):
    """How the lab was made."""

    name: str
    slot: int
    boot_id: str
    cache: str
    accelerators: int
    kwok_nodes: int
    kubernetes: str = NEWEST  # minor version
    nodes: list[str] = msgspec.field(default_factory=lambda: list(NODES[:FEWEST]))  # the real ones
    ports: dict[str, int]
    device_major: int
    device_minors: dict[str, int]
    binaries: dict[str, str] = {}
    addons: list[str] = []  # in the order in which they came
    kinds: dict[str, str] = {}  # name of a CustomResourceDefinition -> what was applied (kinds.py)
    recipe: int = 1
    complete: bool = False
    changes: Changes = msgspec.field(default_factory=Changes)
    fault: ActiveFault | None = None


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file in one step, so that a reader (or a crash) never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb", opener=lambda p, f: os.open(p, f, mode)) as file:
            file.write(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise LabError(f"cannot write {path}: {error.strerror}; free some space or check the folder") from error


def save(folder: Folder, state: State) -> None:
    """Write the state."""
    write_atomically(folder.state, msgspec.json.format(msgspec.json.encode(state)), 0o600)


def load(folder: Folder) -> State | None:
    """Read the state; None when the lab has none or when it cannot be read (then it is rebuilt)."""
    try:
        return msgspec.json.decode(folder.state.read_bytes(), type=State)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None
    except PermissionError as error:
        raise LabError(f"cannot read {folder.state}: the lab belongs to root, use sudo") from error


def slots_taken(except_name: str) -> set[int]:
    """Slots that the other labs of this machine recorded."""
    taken: set[int] = set()
    base = base_folder()
    if not base.is_dir():
        return taken
    for root in base.iterdir():
        if root.name != except_name and (other := load(Folder(root))) is not None:
            taken.add(other.slot)
    return taken


def boot_id() -> str:
    """Changes with every boot of the machine: pids recorded under another one mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
