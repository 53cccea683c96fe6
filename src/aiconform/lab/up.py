"""Bringing a lab up: from nothing, from what a crash left, or not at all when it is sound.

`network` is imported late: most commands with --lab only read the lab's state, and netlink takes half a second to load.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from . import (
    addons,
    control_plane,
    devices,
    down,
    images,
    machine,
    node,
    node_daemons,
    pki,
    processes,
)
from . import state as states
from .errors import LabError
from .images import COREDNS_IMAGE
from .kube import Kube, Object, condition
from .layout import CLUSTER_DOMAIN, DRA_RESOURCE, DRIVER, NODES, Addresses, Folder, base_folder
from .locking import waiting
from .node import process_name
from .state import State

Report = Callable[[str], None]


def fresh(
    folder: Folder,
    name: str,
    cache: Path,
    *,
    nodes: int,
    accelerators: int,
    kwok_nodes: int,
    kubernetes: str,
    report: Report,
) -> State:
    """Make a lab where none is. The folder is held by the caller and holds nothing."""
    from . import network  # late: see the top of the file

    machine.require_watches()
    programs, archives = machine.prepare(cache, kwok_nodes > 0, kubernetes, report)
    major, minors, distinct = devices.choose()
    if not distinct:
        report("note: this kernel has no virtual consoles; accelerators share one device number (weaker isolation)")
    with waiting(base_folder()):
        slot = network.choose_slot(states.slots_taken(name))
        state = State(
            name=name,
            slot=slot,
            boot_id=states.boot_id(),
            cache=str(cache),
            accelerators=accelerators,
            kwok_nodes=kwok_nodes,
            kubernetes=kubernetes,
            nodes=list(NODES[:nodes]),
            ports={},
            device_major=major,
            device_minors=minors,
            binaries=programs,
            recipe=states.RECIPE,
        )
        states.save(folder, state)
    addresses = Addresses(slot=slot)
    with ThreadPoolExecutor(max_workers=4) as pool:
        switch = node.start_switch(folder)
        visible = [cache]
        boxes = {name_: pool.submit(node.start_sandbox, folder, name, name_, visible) for name_ in state.nodes}
        network.make_switch(addresses, switch)
        state.ports = control_plane.choose_ports(addresses)
        states.save(folder, state)
        pki.make(folder, name, addresses, state.ports["kube-apiserver"])
        report(f"starting the control plane at https://{addresses.host}:{state.ports['kube-apiserver']}")
        control_plane.start(folder, state, "etcd")
        control_plane.start(folder, state, "kube-apiserver")
        loads = []
        for name_ in state.nodes:
            network.plug_node(addresses, name_, switch, boxes[name_].result())
            node_daemons.start_containerd(folder, state, name_)
            loads.append(pool.submit(node_daemons.load_image, folder, state, name_, archives[0]))
        network.route_host(addresses)
        _finish(folder, state, archives, loads, pool, report)
    return state


def _finish(
    folder: Folder,
    state: State,
    archives: list[Path],
    loads: list[Future[None]],
    pool: ThreadPoolExecutor,
    report: Report,
) -> None:
    control_plane.wait_healthy(folder, state, "kube-apiserver", 120)
    for component in ("kube-controller-manager", "kube-scheduler"):
        control_plane.start(folder, state, component)
    for load in loads:
        load.result()
    for name in state.nodes:
        node_daemons.start_kubelet(folder, state, name)
        node_daemons.start_proxy(folder, state, name)
    rest = [
        pool.submit(node_daemons.load_image, folder, state, name, archive)
        for archive in archives[1:]
        for name in state.nodes
    ]
    with client(folder, state) as kube:
        apply_addons(kube, state)
        # After its rights: without them it ends.
        for name in state.nodes:
            node_daemons.start_simaccel(folder, state, name)
        if state.kwok_nodes:
            start_kwok(folder, state, kube)
        for load in rest:
            load.result()
        wait_sound(folder, state, kube, report)
    state.complete = True
    states.save(folder, state)


def client(folder: Folder, state: State) -> Kube:
    """A client with the admin's rights; a wait of it ends at once when a process of the lab has ended."""
    host = Addresses(slot=state.slot).host
    kube = Kube(f"https://{host}:{state.ports['kube-apiserver']}", folder.pki)
    kube.guard = lambda: require_alive(folder, state)
    return kube


def require_alive(folder: Folder, state: State) -> None:
    """Raise LabError, with its last words, when a process that was started has ended."""
    wanted = set(expected(state))
    for name, process in processes.recorded(folder).items():
        if name in wanted and not processes.alive(process):
            log = folder.logs / f"{name.replace('/', '.')}.log"
            tail = processes.log_tail(folder, name, lines=1)
            raise LabError(f"{name} ended: read {log} ({tail}), then repeat `aiconform lab up`")


def expected(state: State) -> list[str]:
    """Names of the processes that the lab should have."""
    names = ["switch", *control_plane.COMPONENTS, *(["kwok"] if state.kwok_nodes else [])]
    names += [process for process in addons.expected(state) if process not in names]
    for name in state.nodes:
        names.append(process_name(name, "sandbox"))
        for daemon in node_daemons.DAEMONS:
            if daemon != "simaccel" or not state.changes.simaccel.get(name, {}).get("stop"):
                names.append(process_name(name, daemon))
    return names


def apply_addons(kube: Kube, state: State) -> None:
    """DNS, the rights of simaccel, the device class."""
    parameters = {
        "dns": Addresses(slot=state.slot).dns,
        "domain": CLUSTER_DOMAIN,
        "coredns_image": COREDNS_IMAGE,
        "driver": DRIVER,
        "dra_resource": DRA_RESOURCE,
    }
    for document in addons.documents("base.yaml", **parameters):
        kube.apply(document)


def start_kwok(folder: Folder, state: State, kube: Kube) -> None:
    """Start kwok and make its nodes, tainted so that nothing lands there unasked."""
    addons.find("kwok").start(addons.Site(folder=folder, state=state, kube=kube, report=lambda _: None))
    for number in range(1, state.kwok_nodes + 1):
        name = f"kwok-node-{number}"
        kube.apply(
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": name,
                    "annotations": {"kwok.x-k8s.io/node": "fake"},
                    "labels": {"aiconform.dev/lab-node": "simulated", "kubernetes.io/hostname": name},
                },
                "spec": {"taints": [{"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}]},
                "status": {"capacity": {"cpu": "32", "memory": "256Gi", "pods": "110"}},
            }
        )


def wait_sound(folder: Folder, state: State, kube: Kube, report: Report) -> None:
    """Wait for Ready nodes, Services on them, DNS that answers, and accelerators; by watch where the API has one."""
    wanted = len(state.nodes) + state.kwok_nodes

    def nodes_ready(items: list[Object]) -> bool:
        return sum(condition(item, "Ready") for item in items) >= wanted

    kube.wait("/api/v1/nodes", nodes_ready, 120, f"{wanted} Ready nodes")
    report(f"{wanted} nodes are Ready")
    for name in state.nodes:
        node_daemons.wait_proxy(folder, state, name)
    for name in state.nodes:
        change = state.changes.simaccel.get(name, {})
        # A fault may change the number; the sound lab's is known.
        if not change.get("stop"):
            node_daemons.wait_accelerators(kube, name, exactly=None if change else state.accelerators)
    report("accelerators are announced")
    deployments = "/apis/apps/v1/namespaces/kube-system/deployments"
    kube.wait(deployments, lambda items: any(condition(item, "Available") for item in items), 120, "cluster DNS")
    wait_dns(Addresses(slot=state.slot).dns)
    report("cluster DNS answers")


def wait_dns(server: str, seconds: float = 30) -> None:
    """Ask the cluster's DNS for the API server's name until it answers with an address (one query of RFC 1035)."""
    labels = f"kubernetes.default.svc.{CLUSTER_DOMAIN}".split(".")
    name = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    query = struct.pack(">6H", 0x1D1D, 0x0100, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(0.2)
            try:
                link.sendto(query, (server, 53))
                answer = link.recv(512)
            except OSError:
                continue
        if answer[:2] == query[:2] and answer[3] & 0x0F == 0 and struct.unpack(">H", answer[6:8])[0] > 0:
            return
    raise LabError(f"cluster DNS at {server} does not answer from the host: see `ip route` for the lab's routes")


def repair(folder: Folder, state: State, report: Report) -> bool:
    """Start again what ended in a lab that was once complete. False when it must be made anew."""
    from . import network  # late: see the top of the file

    if not state.complete or state.boot_id != states.boot_id() or processes.running(folder, "switch") is None:
        return False
    if state.recipe != states.RECIPE or any(not Path(program).is_file() for program in state.binaries.values()):
        return False
    addresses = Addresses(slot=state.slot)
    for component in control_plane.COMPONENTS:
        if processes.running(folder, component) is None:
            report(f"{component} had ended, starting it")
            control_plane.start(folder, state, component)
    control_plane.wait_healthy(folder, state, "kube-apiserver", 120)
    for name in state.nodes:
        if processes.running(folder, node.process_name(name, "sandbox")) is None:
            report(f"{name} does not run, making it")
            remake_node(folder, state, name, addresses)
        node_daemons.start_missing(folder, state, name, report)
    network.route_host(addresses)
    with client(folder, state) as kube:
        apply_addons(kube, state)
        if state.kwok_nodes:
            start_kwok(folder, state, kube)
        guard, kube.guard = kube.guard, None
        addons.start_all(addons.Site(folder=folder, state=state, kube=kube, report=report))
        kube.guard = guard
        wait_sound(folder, state, kube, report)
    return True


def remake_node(folder: Folder, state: State, name: str, addresses: Addresses) -> None:
    """Make a node whose namespaces have ended, with an empty disk; its pods are made again by the kubelet."""
    from . import network  # late: see the top of the file

    down.clear_node(folder, state.name, name)
    switch = node.start_switch(folder)
    inside = node.start_sandbox(folder, state.name, name, [Path(state.cache)])
    network.plug_node(addresses, name, switch, inside)
    node_daemons.start_containerd(folder, state, name)
    for archive in images.ensure(Path(state.cache), state.binaries, lambda _: None):
        node_daemons.load_image(folder, state, name, archive)
