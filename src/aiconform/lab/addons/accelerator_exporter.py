"""Accelerator exporter: what simaccel serves on each node, offered as exporters of accelerators are offered.

The program runs beside the node's kubelet; a pod on the node's network stands for it, so that the API server's proxy
and collectors find it as they find any other exporter.
"""

from __future__ import annotations

from ..kube import Object
from .framework import Addon, Site, documents

NAME = "accelerator-exporter"
_PODS = f"/api/v1/namespaces/{NAME}/pods"


def start(site: Site) -> None:
    """Apply its DaemonSet and wait for a pod on each node that runs code."""
    for document in documents("accelerator-exporter.yaml", place=NAME):
        site.kube.apply(document)

    def everywhere(items: list[Object]) -> bool:
        running = [item for item in items if item.get("status", {}).get("phase") == "Running"]
        return len(running) >= len(site.state.nodes)

    site.kube.wait(_PODS, everywhere, 60, "a pod of the accelerator exporter on each node")


def stop(site: Site) -> None:
    """Take the pods away. What they stood for goes on, as an exporter that only a collector can reach."""
    site.kube.delete(f"/apis/apps/v1/namespaces/{NAME}/daemonsets/{NAME}", propagationPolicy="Foreground")
    site.kube.wait(_PODS, lambda items: not items, 60, "the end of the accelerator exporter")


ADDON = Addon(
    name=NAME,
    title="metrics of the simulated accelerators, in the names of a known exporter",
    group=None,
    start=start,
    stop=stop,
)
