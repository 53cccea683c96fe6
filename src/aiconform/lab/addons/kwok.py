"""KWOK: simulated nodes, whose pods are Running without running anything."""

from __future__ import annotations

from pathlib import Path

from .. import binaries, control_plane, processes
from .. import state as states
from ..kube import Object
from .framework import Addon, Site


def start(site: Site) -> None:
    """Start the process; nodes are made by others (`lab up --kwok-nodes`, Karpenter)."""
    if processes.running(site.folder, "kwok") is not None:
        return
    text = (Path(__file__).parent / "kwok-stages.yaml").read_bytes()
    site.folder.config.mkdir(exist_ok=True)
    states.write_atomically(site.folder.config / "kwok-stages.yaml", text)
    control_plane.start(site.folder, site.state, "kwok")


def clean(site: Site) -> None:
    """Delete simulated nodes that the lab did not make itself, and the pods that are stuck on them."""
    strange = [node for node in site.kube.items("/api/v1/nodes") if _strange(node)]
    for node in strange:
        name = node["metadata"]["name"]
        if node["metadata"].get("finalizers"):
            site.kube.patch(f"/api/v1/nodes/{name}", {"metadata": {"finalizers": None}})
        site.kube.delete(f"/api/v1/nodes/{name}")
        for pod in site.kube.items("/api/v1/pods", fieldSelector=f"spec.nodeName={name}"):
            metadata = pod["metadata"]
            path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
            site.kube.delete(path, gracePeriodSeconds="0")
    if strange:
        site.kube.wait("/api/v1/nodes", lambda nodes: not any(map(_strange, nodes)), 60, "the end of simulated nodes")


def _strange(node: Object) -> bool:
    """Whether it is simulated and not one of `lab up --kwok-nodes`."""
    annotations = node["metadata"].get("annotations") or {}
    labels = node["metadata"].get("labels") or {}
    return annotations.get("kwok.x-k8s.io/node") == "fake" and labels.get("aiconform.dev/lab-node") != "simulated"


ADDON = Addon(
    name="kwok",
    title="KWOK (simulated nodes)",
    group=next(group for group in binaries.GROUPS if group.title == "KWOK"),
    start=start,
    clean=clean,
    process="kwok",
)
