"""Karpenter with its KWOK provider: a real autoscaler whose machines are simulated nodes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from .. import binaries, control_plane, kinds
from .. import state as states
from ..kube import condition
from ..layout import RESOURCE
from .framework import Addon, Site, documents, module_files, run

_GROUP = binaries.Group(
    title="Karpenter",
    folder="karpenter",
    module="sigs.k8s.io/karpenter",
    packages={"karpenter-kwok": "sigs.k8s.io/karpenter/kwok"},
    minutes=2,
    gib=1.5,
    files=("pkg/apis/crds/*.yaml", "kwok/apis/crds/*.yaml"),
)
_NODEPOOLS = "/apis/karpenter.sh/v1/nodepools"
_CLAIMS = "/apis/karpenter.sh/v1/nodeclaims"


def _type(name: str, resources: dict[str, str], price: float) -> dict[str, Any]:
    """An instance type as the provider reads it (kwok/cloudprovider/helpers.go, InstanceTypeOptions)."""
    where = [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["lab"]},
    ]
    return {
        "name": name,
        "architecture": "amd64",
        "operatingSystems": ["linux"],
        "resources": {"pods": "32", "ephemeral-storage": "20Gi", **resources},
        "offerings": [{"Price": price, "Available": True, "Requirements": where}],
    }


def start(site: Site) -> None:
    """Apply its kinds and pools, start it, and wait until it says that the pools are in order."""
    kinds.apply(site, module_files(site, _GROUP))
    for document in documents("karpenter.yaml"):
        site.kube.apply(document)
    types = [
        _type("accelerators-4", {"cpu": "8", "memory": "32Gi", RESOURCE: "4"}, 4.0),
        _type("plain-8", {"cpu": "8", "memory": "32Gi"}, 1.0),
    ]
    site.folder.config.mkdir(exist_ok=True)
    file = site.folder.config / "karpenter-instance-types.json"
    states.write_atomically(file, json.dumps(types).encode())
    port = _port(site)
    env = {
        "SYSTEM_NAMESPACE": "karpenter",
        "CLUSTER_NAME": site.state.name,
        "INSTANCE_TYPES_FILE_PATH": str(file),
        "DISABLE_LEADER_ELECTION": "true",
        # 0: any port that is free.
        "METRICS_PORT": "0",
        "HEALTH_PROBE_PORT": str(port),
    }
    run(site, "karpenter", "karpenter-kwok", {}, env)
    control_plane.wait_until(site.folder, "addon/karpenter", lambda: _healthy(port), 60)
    site.kube.wait(_NODEPOOLS, lambda pools: all(condition(p, "Ready") for p in pools), 60, "Karpenter's pools")


def _port(site: Site) -> int:
    """Its health port: it listens on every address, so that each lab needs one of its own."""
    if "karpenter" not in site.state.ports:
        site.state.ports["karpenter"] = control_plane.free_port("0.0.0.0")
        states.save(site.folder, site.state)
    return site.state.ports["karpenter"]


def _healthy(port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def clean(site: Site) -> None:
    """Give its machines back, and wait until it has removed their nodes."""
    claims = site.kube.items(_CLAIMS)
    for claim in claims:
        site.kube.delete(f"{_CLAIMS}/{claim['metadata']['name']}")
    if claims:
        site.kube.wait(_CLAIMS, lambda items: not items, 90, "the end of Karpenter's machines")


ADDON = Addon(
    name="karpenter",
    title="Karpenter with simulated machines, pools `accelerators` and `plain`, both from zero",
    group=_GROUP,
    start=start,
    clean=clean,
    needs=("kwok",),
    process="addon/karpenter",
)
