"""ServiceMonitors and PodMonitors of whatever group: the same shape everywhere."""

from typing import Any

from aiconform.checks.ai_service_metrics.via import PATH, PORT_NAME, Group, Manifest


def service(group: Group, annotations: dict[str, str] | None = None) -> Manifest:
    """The Service of a group."""
    meta: dict[str, Any] = {"name": group.name, "labels": dict(group.labels)}
    if annotations:
        meta["annotations"] = annotations
    ports = [{"name": PORT_NAME, "port": group.port, "targetPort": group.port}]
    spec = {"selector": dict(group.labels), "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def monitor(api: str, kind: str, group: Group, labels: dict[str, str], endpoints: str) -> Manifest:
    """A monitor. `endpoints` is the name of its list. It sets no interval: the collector's own is the platform's."""
    spec = {"selector": {"matchLabels": dict(group.labels)}, endpoints: [{"port": PORT_NAME, "path": PATH}]}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": group.name, "labels": dict(labels)}, "spec": spec}
