"""Sealed run folders put together from recordings that lie beside the checks."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

from aiconform.engine import registry
from aiconform.evidence import seal
from aiconform.evidence.run_files import write_json
from aiconform.model import Accelerator, Inventory, Node, Options, Product, Run, Suite

GANG, ACCESS = "gang_scheduling", "secure_accelerator_access"
SOUND = {GANG: "pass-sound", ACCESS: "pass-sound"}
RUN = Run(
    id="a1", at="2026-01-02T10:00:00Z", platform="example", context="prod", server_version="v1.37.1",
    checklist="v1.37", suite=Suite(version="0.1.0"), options=Options(only=(GANG, ACCESS)), attempts=(),
)  # fmt: skip


def node(name: str, kubelet: str = "v1.37.1") -> Node:
    return Node(
        name=name, uid=f"uid-{name}", ready=True, unschedulable=False, labels={}, taints=(), allocatable={},
        kubelet=kubelet, runtime="containerd://2.3", kernel="6.1",
    )  # fmt: skip


def accelerator(id: str = "sim", **nodes: int) -> Accelerator:
    return Accelerator(
        id=id, vendor="simulated", form="device-plugin", resource="sim.example/accelerator",
        nodes={n.replace("_", "-"): units for n, units in nodes.items()}, recognised=True,
    )  # fmt: skip


INVENTORY = Inventory(
    server_version="v1.37.1", platform="example", apis=(), nodes=(node("n-1"), node("n-2")),
    accelerators=(accelerator(n_1=4, n_2=4),), products=(Product(name="kueue", version="0.14.1"),),
)  # fmt: skip


def make_run(folder: Path, recordings: dict[str, str], *, run: Run = RUN, inventory: Inventory = INVENTORY) -> Path:
    """A run that holds, by check, every attempt of one kept recording ("pass-sound") or of one of them
    ("pass-sound/native"; "pass-sound/native=other" gives it another name).
    """
    recorded = folder / "recorded"
    recorded.mkdir(parents=True)
    attempts = []
    for check, kept in recordings.items():
        name, _, only = kept.partition("/")
        only, _, renamed = only.partition("=")
        for source in sorted((registry.folder(check) / "recordings" / name).iterdir()):
            if only in ("", source.name):
                via = renamed or source.name
                attempts.append(f"{check}.{via}")
                shutil.copytree(source / "recording", recorded / attempts[-1])
                begin = recorded / attempts[-1] / "begin.json"
                begin.write_text(json.dumps({**json.loads(begin.read_text()), "via": via}))
    write_json(recorded / "run.json", replace(run, attempts=tuple(attempts)))
    write_json(recorded / "inventory.json", inventory)
    seal.write(recorded)
    return folder
