"""Puts a load on a simulated accelerator: processor time and memory of the container that holds it.

Runs in any image with python3 >= 3.9, with the standard library alone. Its only argument is JSON:

  idle, load      seconds: first nothing is done, then memory is held and the processors are used
  bytes           how much memory
  workers         processes that compute
  identity_env    a variable that lists the granted identities ("" if there is none)
  identity_dir    a folder with one file per granted device, named by its identity ("" if there is none)
  check           only show that this script runs here, and end

Prints a line of JSON each second:

  {"probe": "burner/1", "phase": "idle" | "prepare" | "load" | "done", "seconds": of this phase, "identities": [...],
   "bytes": allocated now, "busy": share of the load's time in which there was work (1.0: all of it), "error": ""}

Work is what a process did or waited to do: on a busy node it gets less of a processor and is as busy.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

PAGE = 4096
TICKS = os.sysconf("SC_CLK_TCK")


def identities(config: dict[str, Any]) -> list[str]:
    found = [i for i in os.environ.get(config.get("identity_env") or "-", "").split(",") if i]
    folder = Path(config.get("identity_dir") or "/nonexistent")
    if folder.is_dir():
        found += sorted(p.name for p in folder.iterdir())
    return sorted(set(found))


def compute(told: int) -> None:
    """Computes from the moment its parent says so until it is ended, or its parent is gone."""
    os.read(told, 1)
    parent = os.getppid()
    number = 1
    while os.getppid() == parent:
        for _ in range(200_000):
            number = (number * 1103515245 + 12345) & 0x7FFFFFFF


def start(workers: int) -> tuple[list[int], int]:
    """Processes that wait, and what to close to let them compute. Made before the memory, so that it is not theirs."""
    hear, tell = os.pipe()
    children = []
    for _ in range(workers):
        child = os.fork()
        if child == 0:
            os.close(tell)
            compute(hear)
            os._exit(0)
        children.append(child)
    os.close(hear)
    return children, tell


def worked(children: list[int]) -> float:
    """Seconds for which the children ran or waited for a processor; where the kernel does not tell, ran."""
    total = 0.0
    for child in children:
        with contextlib.suppress(OSError):
            try:
                ran, waited, _ = Path(f"/proc/{child}/schedstat").read_text().split()
                total += (int(ran) + int(waited)) / 1e9
            except (FileNotFoundError, ValueError):
                fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
                total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def held(size: int) -> bytearray:
    """Memory that is really there: every page of it was written."""
    memory = bytearray(size)
    for at in range(0, size, PAGE):
        memory[at] = 1
    return memory


def report(config: dict[str, Any], phase: str, began: float, **more: Any) -> None:
    line = {
        "probe": "burner/1", "phase": phase, "seconds": round(time.monotonic() - began, 3),
        "identities": identities(config), "bytes": 0, "busy": 0.0, "error": "",
    }  # fmt: skip
    print(json.dumps({**line, **more}, sort_keys=True), flush=True)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    config = json.loads(sys.argv[1])
    began = time.monotonic()
    if config.get("check"):
        report(config, "done", began)
        return
    while time.monotonic() - began < config["idle"]:
        report(config, "idle", began)
        time.sleep(1)
    report(config, "prepare", began)
    children, gate = start(int(config["workers"]))
    memory = held(int(config["bytes"]))
    os.close(gate)
    began, first = time.monotonic(), worked(children)
    while (passed := time.monotonic() - began) < config["load"]:
        busy = min((worked(children) - first) / passed, 1.0) if passed > 0.01 else 0.0
        report(config, "load", began, bytes=len(memory), busy=round(busy, 4))
        time.sleep(1)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    del memory
    report(config, "done", began)


if __name__ == "__main__":
    main()
