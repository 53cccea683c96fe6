"""etcd, the API server, the controller-manager, the scheduler and kwok: flags, start, readiness; all on the host."""

from __future__ import annotations

import select
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import yaml

from . import processes, versions
from .errors import LabError
from .layout import Addresses, Folder
from .merge import merge
from .state import State, write_atomically

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_PREFERRED = {
    "kube-apiserver": 6443,
    "kube-controller-manager": 10257,
    "kube-scheduler": 10259,
    "etcd": 2379,
    "etcd-peer": 2380,
    "kwok": 10247,
}


def choose_ports(addresses: Addresses) -> dict[str, int]:
    """A port for each server. The lab's own addresses have the usual ones free, unless somebody listens on all.

    Call it once the host's address exists on a link.
    """
    chosen: dict[str, int] = {}
    for name, preferred in _PREFERRED.items():
        address = addresses.database if name.startswith("etcd") else addresses.host
        chosen[name] = _free_port(address, preferred, set(chosen.values()))
    return chosen


def free_port(address: str) -> int:
    """Any TCP port that nobody has on the address."""
    return _free_port(address, 0, set())


def _free_port(address: str, preferred: int, avoid: set[int]) -> int:
    for candidate in (preferred, *[0] * 20):
        with socket.socket() as probe:
            # As the servers do: a port whose last connections fade out is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, candidate))
            except OSError:
                continue
            port = int(probe.getsockname()[1])
            if port not in avoid:
                return port
    raise LabError(f"no TCP port is free on {address}: end what listens there (`ss -ltnp`), then repeat")


def arguments(folder: Folder, state: State, component: str) -> dict[str, str | None]:
    """Flags of a component, the state's changes applied (a flag changed to null is left out)."""
    make = {
        "etcd": _etcd,
        "kube-apiserver": _apiserver,
        "kube-controller-manager": _controller_manager,
        "kube-scheduler": _scheduler,
        "kwok": _kwok,
    }[component]
    flags: dict[str, str | None] = {**make(folder, state)}
    flags.update(state.changes.args.get(component, {}))
    return {flag: value for flag, value in flags.items() if value is not None}


def _etcd(folder: Folder, state: State) -> dict[str, str]:
    host = Addresses(slot=state.slot).database
    client = f"https://{host}:{state.ports['etcd']}"
    peer = f"http://{host}:{state.ports['etcd-peer']}"
    return {
        "name": "lab",
        "data-dir": str(folder.root / "etcd"),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"lab={peer}",
        "cert-file": str(folder.pki / "etcd.crt"),
        "key-file": str(folder.pki / "etcd.key"),
        "trusted-ca-file": str(folder.pki / "etcd-ca.crt"),
        "client-cert-auth": "true",
        # The lab's data is thrown away with it.
        "unsafe-no-fsync": "true",
        "backend-batch-interval": "1s",
        "log-level": "warn",
    }


def _apiserver(folder: Folder, state: State) -> dict[str, str]:
    addresses, pki = Addresses(slot=state.slot), folder.pki
    return {
        "bind-address": addresses.host,
        "advertise-address": addresses.host,
        "secure-port": str(state.ports["kube-apiserver"]),
        "etcd-servers": f"https://{addresses.database}:{state.ports['etcd']}",
        "etcd-cafile": str(pki / "etcd-ca.crt"),
        "etcd-certfile": str(pki / "etcd.crt"),
        "etcd-keyfile": str(pki / "etcd.key"),
        "client-ca-file": str(pki / "ca.crt"),
        "tls-cert-file": str(pki / "apiserver.crt"),
        "tls-private-key-file": str(pki / "apiserver.key"),
        "kubelet-certificate-authority": str(pki / "ca.crt"),
        "kubelet-client-certificate": str(pki / "apiserver-kubelet-client.crt"),
        "kubelet-client-key": str(pki / "apiserver-kubelet-client.key"),
        "kubelet-preferred-address-types": "InternalIP",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": str(pki / "sa.pub"),
        "service-account-signing-key-file": str(pki / "sa.key"),
        "service-cluster-ip-range": str(addresses.services),
        "requestheader-client-ca-file": str(pki / "front-proxy-ca.crt"),
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "proxy-client-cert-file": str(pki / "front-proxy-client.crt"),
        "proxy-client-key-file": str(pki / "front-proxy-client.key"),
        "enable-aggregator-routing": "true",
        "enable-admission-plugins": "NodeRestriction",
        "authorization-mode": "Node,RBAC",
        "allow-privileged": "true",
        "feature-gates": versions.written(versions.gates(state.kubernetes, "kube-apiserver")),
        "runtime-config": versions.written(versions.apis(state.kubernetes)),
        # Not a second of grace: the lab goes down all at once.
        "shutdown-delay-duration": "0s",
    }


def _controller_manager(folder: Folder, state: State) -> dict[str, str]:
    addresses, pki = Addresses(slot=state.slot), folder.pki
    kubeconfig = str(folder.client("kube-controller-manager"))
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": addresses.host,
        "secure-port": str(state.ports["kube-controller-manager"]),
        "client-ca-file": str(pki / "ca.crt"),
        "root-ca-file": str(pki / "ca.crt"),
        "service-account-private-key-file": str(pki / "sa.key"),
        "cluster-signing-cert-file": str(pki / "ca.crt"),
        "cluster-signing-key-file": str(pki / "ca.key"),
        "use-service-account-credentials": "true",
        "leader-elect": "false",
        "feature-gates": versions.written(versions.gates(state.kubernetes, "kube-controller-manager")),
        "kube-api-qps": "200",
        "kube-api-burst": "400",
        "horizontal-pod-autoscaler-sync-period": "2s",
        "horizontal-pod-autoscaler-cpu-initialization-period": "10s",
        "horizontal-pod-autoscaler-initial-readiness-delay": "1s",
    }


def _scheduler(folder: Folder, state: State) -> dict[str, str]:
    kubeconfig = str(folder.client("kube-scheduler"))
    return {
        "config": str(folder.config / "kube-scheduler.yaml"),
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": Addresses(slot=state.slot).host,
        "secure-port": str(state.ports["kube-scheduler"]),
        "client-ca-file": str(folder.pki / "ca.crt"),
        "feature-gates": versions.written(versions.gates(state.kubernetes, "kube-scheduler")),
    }


def scheduler_config(folder: Folder, state: State) -> dict[str, Any]:
    """KubeSchedulerConfiguration with the state's changes merged in."""
    config: dict[str, Any] = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(folder.client("kube-scheduler")), "qps": 200, "burst": 400},
        "leaderElection": {"leaderElect": False},
    }
    return merge(config, state.changes.scheduler)


def _kwok(folder: Folder, state: State) -> dict[str, str]:
    return {
        "kubeconfig": str(folder.client("kwok")),
        "config": str(folder.config / "kwok-stages.yaml"),
        "manage-all-nodes": "false",
        "manage-nodes-with-annotation-selector": "kwok.x-k8s.io/node=fake",
        "node-lease-duration-seconds": "40",
        "server-address": f"{Addresses(slot=state.slot).host}:{state.ports['kwok']}",
    }


def start(folder: Folder, state: State, component: str) -> None:
    """Start a component if it does not run."""
    if processes.running(folder, component) is not None:
        return
    folder.config.mkdir(parents=True, exist_ok=True)
    if component == "kube-scheduler":
        text = yaml.safe_dump(scheduler_config(folder, state), sort_keys=False)
        write_atomically(folder.config / "kube-scheduler.yaml", text.encode())
    flags = [f"--{flag}={value}" for flag, value in arguments(folder, state, component).items()]
    processes.start(folder, component, [state.binaries[component], *flags])


def wait_healthy(folder: Folder, state: State, component: str, seconds: float = 60) -> None:
    """Wait until the component's own readiness answer is 200. Raises LabError when it ends or the time is over."""
    host = Addresses(slot=state.slot).host
    context = ssl.create_default_context(cafile=str(folder.pki / "ca.crt"))
    # The controller-manager and the scheduler sign their own serving certificates.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    path = {"kube-apiserver": "readyz", "kube-scheduler": "readyz"}.get(component, "healthz")
    url = f"https://{host}:{state.ports[component]}/{path}"
    if component == "kube-apiserver":
        context.load_cert_chain(folder.pki / "admin.crt", folder.pki / "admin.key")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))

    def healthy() -> bool:
        try:
            with opener.open(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    wait_until(folder, component, healthy, seconds)


def wait_until(folder: Folder, name: str, holds: Callable[[], bool], seconds: float) -> None:
    """Ask again every 50 ms, for servers that cannot announce that they are up; notice at once when they end."""
    deadline = time.monotonic() + seconds
    while not holds():
        process = processes.recorded(folder).get(name)
        ended = process is not None and not processes.alive(process)
        if ended or time.monotonic() > deadline:
            tail = processes.log_tail(folder, name)
            log = folder.logs / f"{name.replace('/', '.')}.log"
            why = "ended" if ended else f"is not ready after {seconds:.0f} s"
            raise LabError(f"{name} {why}: read {log} ({tail}), then repeat `aiconform lab up`")
        select.select([], [], [], 0.05)
