"""Restarting one process of the lab with the flags and files that the state asks for now."""

from __future__ import annotations

from . import addons, control_plane, node_daemons, processes, up
from .errors import LabError, UnknownName
from .kube import Kube
from .layout import Folder
from .node import process_name
from .state import State

ORDER = control_plane.COMPONENTS


def restart(folder: Folder, state: State, component: str) -> None:
    """Restart a process and wait until it does its work again. Raises UnknownName."""
    name, _, daemon = component.partition("/")
    if component in control_plane.COMPONENTS:
        # An API server that ends politely takes 5 s; its data is etcd's business.
        processes.stop(processes.running(folder, component), grace=0 if component == "kube-apiserver" else 5)
        control_plane.start(folder, state, component)
        # etcd is ready when the API server is.
        control_plane.wait_healthy(folder, state, "kube-apiserver" if component == "etcd" else component)
        return
    if name == addons.PREFIX:
        with up.client(folder, state) as kube:
            kube.guard = None
            addons.restart(addons.Site(folder=folder, state=state, kube=kube, report=lambda _: None), daemon)
        return
    if name not in state.nodes or daemon not in node_daemons.DAEMONS:
        raise UnknownName(f"the lab has no component {component!r}")
    if daemon in ("kubelet", "simaccel"):
        with up.client(folder, state) as kube:
            # Processes end on purpose here.
            kube.guard = None
            _restart_with_devices(folder, state, kube, name, daemon)
    else:
        node_daemons.stop(folder, name, daemon)
        node_daemons.start(folder, state, name, daemon)


def _restart_with_devices(folder: Folder, state: State, kube: Kube, name: str, daemon: str) -> None:
    """Restart simaccel, or the kubelet with simaccel stopped meanwhile.

    Old announcements are seen to go before new ones are waited for; otherwise the old ones would pass for the new.
    """
    node_daemons.stop(folder, name, "simaccel")
    node_daemons.withdraw(kube, name)
    node_daemons.wait_accelerators(kube, name, exactly=0)
    if daemon == "kubelet":
        node_daemons.stop(folder, name, "kubelet")
        # The kubelet leaves its socket and, when it starts, clears the folder: a plugin that took the old socket
        # for a new one would lose its own.
        socket = folder.node(name) / "root/var/lib/kubelet/device-plugins/kubelet.sock"
        socket.unlink(missing_ok=True)
        node_daemons.start_kubelet(folder, state, name)
        node_daemons.wait_kubelet(folder, state, name)
    node_daemons.start_simaccel(folder, state, name)
    if node_daemons.simaccel_flags(folder, state, name) is None:
        return
    process = processes.recorded(folder).get(process_name(name, "simaccel"))
    # A wrong flag ends it at once; no need to wait a minute for its devices then.
    if process is None or not processes.wait_gone([process], 0.3):
        tail = processes.log_tail(folder, process_name(name, "simaccel"))
        raise LabError(f"simaccel ended at once on {name} ({tail}): correct its flags, then `aiconform lab mend`")
    node_daemons.wait_accelerators(kube, name)
