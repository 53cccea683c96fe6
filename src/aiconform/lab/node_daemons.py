"""The daemons of a node: containerd, kubelet, kube-proxy and simaccel."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import node, node_config, processes
from .control_plane import wait_until
from .errors import LabError
from .kube import Kube, Object
from .layout import DRIVER, MODES, RESOURCE, Addresses, Folder
from .node import process_name
from .state import State

DAEMONS = ("containerd", "kubelet", "kube-proxy", "simaccel")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def start_containerd(folder: Folder, state: State, name: str) -> None:
    """Start containerd and wait for its socket."""
    node_config.write(folder, state, name)
    folders = {str(Path(state.binaries[program]).parent) for program in ("containerd", "containerd-shim-runc-v2")}
    config = folder.node(name) / "containerd.toml"
    argv = [state.binaries["containerd"], "--config", str(config), "--log-level", "warn"]
    node.start_daemon(folder, name, "containerd", argv, {"PATH": ":".join([*sorted(folders), _PATH])})
    path = f"/proc/{node.pid_one(folder, name)}/root{node_config.SOCKET}"

    def listening() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except OSError:
                return False
        return True

    wait_until(folder, process_name(name, "containerd"), listening, 60)


def load_image(folder: Folder, state: State, name: str, archive: Path) -> None:
    """Import an image archive into the node's containerd."""
    argv = [state.binaries["ctr"], "--namespace", "k8s.io", "images", "import", "--local", str(archive)]
    done = node.run_in(folder, name, argv)
    if done.returncode != 0:
        raise LabError(
            f"{name} cannot import {archive} ({done.stderr.strip()[-300:]}): if the disk has space, delete that file "
            "and repeat `aiconform lab up`"
        )


def start_kubelet(folder: Folder, state: State, name: str) -> None:
    """Start the kubelet."""
    node_config.write(folder, state, name)
    argv = [
        state.binaries["kubelet"],
        f"--config={folder.node(name) / 'kubelet.yaml'}",
        f"--kubeconfig={folder.client(f'kubelet-{name}')}",
        f"--hostname-override={name}",
        f"--node-ip={Addresses(slot=state.slot).node(name)}",
        f"--node-labels={node_config.NODE_LABEL}=real",
        # Nobody in the lab reads what cAdvisor gathers.
        "--housekeeping-interval=1m",
    ]
    node.start_daemon(folder, name, "kubelet", argv)


def start_proxy(folder: Folder, state: State, name: str) -> None:
    """Start kube-proxy."""
    argv = [state.binaries["kube-proxy"], f"--config={folder.node(name) / 'kube-proxy.yaml'}"]
    node.start_daemon(folder, name, "kube-proxy", argv)


def simaccel_flags(folder: Folder, state: State, name: str) -> dict[str, Any] | None:
    """simaccel's flags on a node (a list repeats the flag), changes applied; None when it is to stay stopped."""
    flags: dict[str, Any] = {
        "mode": MODES[name],
        "node-name": name,
        "kubeconfig": str(folder.client("simaccel")),
        "driver-name": DRIVER,
        "resource-name": RESOURCE,
        "devices": state.accelerators,
        "major": state.device_major,
        "minor-base": state.device_minors[name],
        "kubelet-root": "/var/lib/kubelet",
        "cdi-dir": "/var/run/cdi",
        "device-dir": "/dev",
        "metrics-addr": ":9400",
    }
    changes = dict(state.changes.simaccel.get(name, {}))
    if changes.pop("stop", False):
        return None
    flags.update(changes)
    return {flag: value for flag, value in flags.items() if value is not None}


def start_simaccel(folder: Folder, state: State, name: str) -> None:
    """Start simaccel, unless a change wants it stopped."""
    flags = simaccel_flags(folder, state, name)
    if flags is None:
        return
    argv = [state.binaries["simaccel"]]
    for flag, value in flags.items():
        for one in value if isinstance(value, list) else [value]:
            argv += [f"--{flag}", str(one)]
    node.start_daemon(folder, name, "simaccel", argv)


def start(folder: Folder, state: State, name: str, daemon: str) -> None:
    """Start a daemon of a node."""
    start_one = {
        "containerd": start_containerd,
        "kubelet": start_kubelet,
        "kube-proxy": start_proxy,
        "simaccel": start_simaccel,
    }[daemon]
    start_one(folder, state, name)


def start_missing(folder: Folder, state: State, name: str, report: Callable[[str], None]) -> None:
    """Start the daemons of a node that do not run, but one that is to stay stopped."""
    for daemon in DAEMONS:
        if daemon == "simaccel" and simaccel_flags(folder, state, name) is None:
            continue
        if processes.running(folder, process_name(name, daemon)) is None:
            report(f"starting {daemon} on {name}")
            start(folder, state, name, daemon)


def stop(folder: Folder, name: str, daemon: str) -> None:
    """End a daemon of a node; containers go on."""
    processes.stop(processes.running(folder, process_name(name, daemon)))


def wait_kubelet(folder: Folder, state: State, name: str) -> None:
    """Wait until the kubelet says that it is healthy."""
    wait_until(folder, process_name(name, "kubelet"), lambda: _health(state, name, 10248) is not None, 60)


def wait_proxy(folder: Folder, state: State, name: str) -> None:
    """Wait until pods of the node reach Services: until then their first requests get lost."""

    def ready() -> bool:
        # It calls itself healthy before it has written its first rules; of a family it speaks only afterwards.
        return b'"IPv4"' in (_health(state, name, 10256) or b"")

    wait_until(folder, process_name(name, "kube-proxy"), ready, 60)


def _health(state: State, name: str, port: int) -> bytes | None:
    """What a daemon of a node says of its health; None if it does not answer that it is healthy."""
    url = f"http://{Addresses(slot=state.slot).node(name)}:{port}/healthz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return bytes(answer.read()) if answer.status == 200 else None
    except OSError:
        return None


def withdraw(kube: Kube, name: str) -> None:
    """Delete the ResourceSlices of the node's accelerators (a driver that was killed leaves them)."""
    path = "/apis/resource.k8s.io/v1/resourceslices"
    for item in kube.items(path):
        if item["spec"]["driver"] == DRIVER and item["spec"]["pool"]["name"] == name:
            kube.delete(f"{path}/{item['metadata']['name']}")


def announced(name: str, item: Object) -> int:
    """How many accelerators a ResourceSlice or a Node announces for this node."""
    if MODES[name] == "dra":
        spec = item["spec"]
        return len(spec.get("devices") or []) if spec["driver"] == DRIVER and spec["pool"]["name"] == name else 0
    if item["metadata"]["name"] != name:
        return 0
    return int(item.get("status", {}).get("allocatable", {}).get(RESOURCE, "0"))


def wait_accelerators(kube: Kube, name: str, exactly: int | None = None, seconds: float = 60) -> None:
    """Watch until the node announces its accelerators: at least one, or `exactly` so many."""
    path = "/apis/resource.k8s.io/v1/resourceslices" if MODES[name] == "dra" else "/api/v1/nodes"

    def done(items: list[Object]) -> bool:
        count = sum(announced(name, item) for item in items)
        return count > 0 if exactly is None else count == exactly

    wanted = "accelerators" if exactly is None else f"{exactly} accelerators"
    kube.wait(path, done, seconds, f"{wanted} on {name}")
