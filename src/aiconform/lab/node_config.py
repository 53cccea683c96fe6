"""Configuration files of a node's daemons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from . import cgroups, versions
from .errors import LabError
from .layout import CLUSTER_DOMAIN, Addresses, Folder
from .merge import merge
from .state import State, write_atomically
from .toml import dump_toml

PAUSE_IMAGE = "aiconform.dev/pause:1"
#: Name of the plugin that runs containers.
RUNTIME = "io.containerd.cri.v1.runtime"
SOCKET = "/run/containerd/containerd.sock"
NODE_LABEL = "aiconform.dev/lab-node"
_CNI_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni")
_CNI_PLUGINS = ("bridge", "host-local", "loopback")


def cni_folder() -> str:
    """Where the CNI plugins are installed. Raises LabError when they are not."""
    for folder in _CNI_FOLDERS:
        if all(Path(folder, plugin).exists() for plugin in _CNI_PLUGINS):
            return folder
    raise LabError(
        f"the CNI plugins {', '.join(_CNI_PLUGINS)} are in none of {', '.join(_CNI_FOLDERS)}: install "
        "containernetworking-plugins (Debian, Ubuntu) or containernetworking-plugins' upstream release in /opt/cni/bin"
    )


def containerd_config(state: State, node: str) -> dict[str, Any]:
    """containerd's config, version 3, with the node's changes merged in."""
    config: dict[str, Any] = {
        "version": 3,
        "plugins": {
            "io.containerd.cri.v1.images": {"pinned_images": {"sandbox": PAUSE_IMAGE}},
            RUNTIME: {
                # Without CAP_SYS_RESOURCE a score cannot be lowered.
                "restrict_oom_score_adj": True,
                "disable_apparmor": True,
                "netns_mounts_under_state_dir": True,
                # The default of a second keeps every shim busy, for a number that the kubelet takes from cAdvisor.
                "stats_collect_period": "1m",
                "cdi_spec_dirs": ["/var/run/cdi"],
                "cni": {"bin_dirs": [cni_folder()], "conf_dir": "/var/lib/cni/net.d"},
                "containerd": {"runtimes": {"runc": {"runtime_type": "io.containerd.runc.v2"}}},
            },
        },
    }
    return merge(config, state.changes.containerd.get(node, {}))


def cni_config(addresses: Addresses, node: str) -> dict[str, Any]:
    """One bridge a node; pods are reached by routes, so nothing is masqueraded."""
    return {
        "cniVersion": "1.0.0",
        "name": "lab",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": addresses.pod_subnet(node)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }


def kubelet_config(folder: Folder, state: State, addresses: Addresses, node: str) -> dict[str, Any]:
    """KubeletConfiguration with the node's changes merged in."""
    config: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(folder.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(folder.pki / f"{node}.crt"),
        "tlsPrivateKeyFile": str(folder.pki / f"{node}.key"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroups.node_group(state.name, node),
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [addresses.dns],
        "clusterDomain": CLUSTER_DOMAIN,
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        # oom_score_adj and kernel settings may be out of reach, as in a user namespace.
        "featureGates": {"KubeletInUserNamespace": True, **versions.gates(state.kubernetes, "kubelet")},
        "resolvConf": "",
        # The default is below /usr, where the kubelet would make it on the host.
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "healthzBindAddress": addresses.node(node),
        # A changed device must show in the node's status within a second or two.
        "nodeStatusUpdateFrequency": "1s",
        # Without this an unchanged status is written as often, and everybody who watches nodes reads it.
        "nodeStatusReportFrequency": "1m",
        # A changed Secret or ConfigMap must show in its pods within seconds, and not after a minute.
        "syncFrequency": "10s",
        # Images cannot be pulled again, so none is collected; the disk is the host's business.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
    }
    return merge(config, state.changes.kubelet.get(node, {}))


def proxy_config(folder: Folder, addresses: Addresses, node: str) -> dict[str, Any]:
    """KubeProxyConfiguration; zeros keep it from writing conntrack settings of the machine."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": str(addresses.pods),
        "hostnameOverride": node,
        "clientConnection": {"kubeconfig": str(folder.client("kube-proxy"))},
        "healthzBindAddress": f"{addresses.node(node)}:10256",
        "metricsBindAddress": f"{addresses.node(node)}:10249",
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def write(folder: Folder, state: State, node: str) -> None:
    """Write all of a node's files below its folder."""
    addresses = Addresses(slot=state.slot)
    home = folder.node(node)
    (home / "root/var/lib/cni/net.d").mkdir(parents=True, exist_ok=True)
    documents = {
        home / "kubelet.yaml": yaml.safe_dump(kubelet_config(folder, state, addresses, node)),
        home / "kube-proxy.yaml": yaml.safe_dump(proxy_config(folder, addresses, node)),
        home / "containerd.toml": dump_toml(containerd_config(state, node)),
        home / "root/var/lib/cni/net.d/10-lab.conflist": json.dumps(cni_config(addresses, node), indent=2),
    }
    for path, text in documents.items():
        write_atomically(path, text.encode())
