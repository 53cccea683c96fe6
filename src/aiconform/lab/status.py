"""What a lab looks like now."""

from __future__ import annotations

from typing import Literal

import msgspec

from . import processes
from . import state as states
from .errors import LabError
from .kube import Kube, condition
from .layout import Addresses, Folder
from .state import State
from .up import expected


class Component(msgspec.Struct, kw_only=True):
    """A process of the lab."""

    name: str
    pid: int | None
    alive: bool
    rss_mib: float
    log: str


class LabStatus(msgspec.Struct, kw_only=True):
    """The lab's state; `up` means that every process lives and every node is Ready."""

    name: str
    state: Literal["absent", "up", "partial"]
    components: list[Component] = []
    nodes: dict[str, bool] = {}  # name -> Ready
    kubeconfig: str | None = None
    rss_mib: float = 0.0
    fault: str | None = None
    kubernetes: str = ""  # minor version, such as 1.37


def status(name: str, folder: Folder) -> LabStatus:
    """Look at the registry and at the API server; nothing is changed."""
    state = states.load(folder)
    if state is None:
        return LabStatus(name=name, state="partial" if folder.root.exists() else "absent")
    same_boot = state.boot_id == states.boot_id()
    records = processes.recorded(folder) if same_boot else {}
    components: list[Component] = []
    for process in (*expected(state), *_of_the_fault(state)):
        record = records.get(process)
        lives = record is not None and processes.alive(record)
        components.append(
            Component(
                name=process,
                pid=record.pid if record is not None and lives else None,
                alive=lives,
                rss_mib=round(processes.rss_mib([record.pid]), 1) if record is not None and lives else 0.0,
                log=str(folder.logs / f"{process.replace('/', '.')}.log"),
            )
        )
    nodes = _nodes(folder, state)
    sound = state.complete and all(c.alive for c in components) and bool(nodes) and all(nodes.values())
    return LabStatus(
        name=name,
        state="up" if sound else "partial",
        components=components,
        nodes=nodes,
        kubeconfig=str(folder.kubeconfig),
        rss_mib=round(processes.rss_mib(c.pid for c in components if c.pid is not None), 1),
        fault=state.fault.id if state.fault is not None else None,
        kubernetes=state.kubernetes,
    )


def _of_the_fault(state: State) -> list[str]:
    """The processes by which the active fault acts: without them the lab is not what the fault says."""
    return [undo.component for undo in state.fault.undo if undo.kind == "process"] if state.fault is not None else []


def _nodes(folder: Folder, state: State) -> dict[str, bool]:
    """Ready or not, for each node; empty when the API server does not answer."""
    if "kube-apiserver" not in state.ports or not (folder.pki / "admin.crt").exists():
        return {}
    url = f"https://{Addresses(slot=state.slot).host}:{state.ports['kube-apiserver']}"
    with Kube(url, folder.pki) as kube:
        try:
            if not kube.ready():
                return {}
            return {item["metadata"]["name"]: condition(item, "Ready") for item in kube.items("/api/v1/nodes")}
        except LabError:
            return {}
