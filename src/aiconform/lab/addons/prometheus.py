"""Prometheus, in a pod: scrapes annotated pods and the accelerator exporters every 2 s.

How to use it: `lab up --addon prometheus`, or the step `addon: prometheus` of a fault, or `needs=("prometheus",)` of
another addon. It is the Service `prometheus`, port `web` (9090), in the namespace `monitoring`; through the API server
`/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query=up`. `address(site)` is its URL for
processes beside the lab. Its jobs:

pods          pods annotated prometheus.io/scrape: "true", at prometheus.io/{port,path,scheme}; labels of the pod become
              labels, and so do namespace, pod and node. A new pod is seen within 7 s or so.
accelerators  port 9400 of the lab's real nodes, with the labels that the exporter writes (honor_labels), and node
prometheus    itself

A fault changes it by `addon: {name: prometheus, args: {...}}`. `config` is merged into the configuration file (lists
are replaced, null removes); `jobs` is merged into the jobs by their names (null removes one, a new name adds one);
`rules` (job -> list) are put after a job's relabel_configs; `flags` into the flags; `service` is another name for the
Service, by which no user would find it; `stop: true` takes it all away. Each change starts it anew, with no data.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .. import binaries
from ..layout import Addresses
from ..merge import merge
from .framework import Addon, Site, documents, load_image, wait_rolled_out

GROUP = binaries.Group(
    title="Prometheus",
    folder="prometheus",
    module="github.com/prometheus/prometheus",
    packages={"prometheus": "github.com/prometheus/prometheus/cmd/prometheus"},
    minutes=2,
    gib=2,
    tags="remove_all_sd,enable_kubernetes_sd",
)
_NAMESPACE = "monitoring"
_DEPLOYMENTS = f"/apis/apps/v1/namespaces/{_NAMESPACE}/deployments"
_SERVICES = f"/api/v1/namespaces/{_NAMESPACE}/services"
_CONFIGMAPS = f"/api/v1/namespaces/{_NAMESPACE}/configmaps"
_INTERVAL = "2s"
# Of the part of the Services' network that is not given out by itself, as DNS has.
_HOST = 20
_NOTE = "__meta_kubernetes_pod_annotation_prometheus_io_"
# Probes and busybox name no content type, which Prometheus refuses unless it is told what to take it for.
_LENIENT = {"fallback_scrape_protocol": "PrometheusText0.0.4"}
JOBS: dict[str, dict[str, Any]] = {
    "prometheus": {"static_configs": [{"targets": ["localhost:9090"]}]},
    "pods": {
        **_LENIENT,
        "kubernetes_sd_configs": [{"role": "pod"}],
        "relabel_configs": [
            {"source_labels": [f"{_NOTE}scrape"], "action": "keep", "regex": "true"},
            {"source_labels": ["__meta_kubernetes_pod_phase"], "action": "drop", "regex": "Pending|Succeeded|Failed"},
            {"source_labels": [f"{_NOTE}scheme"], "target_label": "__scheme__", "regex": "(https?)"},
            {"source_labels": [f"{_NOTE}path"], "target_label": "__metrics_path__", "regex": "(.+)"},
            {
                "source_labels": ["__meta_kubernetes_pod_ip", f"{_NOTE}port"],
                "separator": ":",
                "target_label": "__address__",
                "regex": r"(.+:\d+)",
            },
            {"action": "labelmap", "regex": "__meta_kubernetes_pod_label_(.+)"},
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
            {"source_labels": ["__meta_kubernetes_pod_node_name"], "target_label": "node"},
        ],
    },
    "accelerators": {
        **_LENIENT,
        "honor_labels": True,
        "kubernetes_sd_configs": [{"role": "node"}],
        "relabel_configs": [
            {
                "source_labels": ["__meta_kubernetes_node_label_aiconform_dev_lab_node"],
                "action": "keep",
                "regex": "real",
            },
            {
                "source_labels": ["__meta_kubernetes_node_address_InternalIP"],
                "target_label": "__address__",
                "replacement": "$1:9400",
            },
            {"source_labels": ["__meta_kubernetes_node_name"], "target_label": "node"},
        ],
    },
}
_FLAGS = {
    "config.file": "/etc/prometheus/prometheus.yml",
    "storage.tsdb.path": "/data",
    "storage.tsdb.retention.time": "6h",
    "web.listen-address": ":9090",
}


def image() -> str:
    """The full name of its image, which `ensure_image` puts on every node."""
    return f"aiconform.dev/prometheus:{binaries.version(GROUP)}"


def ensure_image(site: Site) -> None:
    """Put the image on the nodes; its program lies where the official image has it."""
    load_image(site, "prometheus", image(), "/bin/prometheus")


def start(site: Site) -> None:
    """Apply what the state asks for, and return when that Prometheus is ready and has taken its configuration."""
    change = site.change("prometheus").get("args") or {}
    config = json.dumps(configuration(change), sort_keys=True)
    args = [f"--{k}={v}" for k, v in merge(_FLAGS, change.get("flags") or {}).items()]
    mark = hashlib.sha256(config.encode()).hexdigest()[:10]
    ensure_image(site)
    service = change.get("service", "prometheus")
    # First, since a new name takes over the old one's address.
    _only(site, _SERVICES, service, "aiconform.dev/lab=prometheus")
    for document in documents(
        "prometheus.yaml",
        image=image(),
        config=config.replace("'", "''"),
        mark=mark,
        args=json.dumps(args),
        service=service,
        ip=_ip(site),
    ):
        site.kube.apply(document)
    wait_rolled_out(site, _DEPLOYMENTS, ["prometheus"], 60, "Prometheus")
    _only(site, _CONFIGMAPS, f"prometheus-{mark}", "app.kubernetes.io/name=prometheus")


def _only(site: Site, path: str, name: str, labels: str) -> None:
    """Delete those of our objects of a kind that are not this one: earlier configurations made them."""
    for item in site.kube.items(path, labelSelector=labels):
        if item["metadata"]["name"] != name:
            site.kube.delete(f"{path}/{item['metadata']['name']}")


def configuration(change: dict[str, Any]) -> dict[str, Any]:
    """Prometheus' configuration, with a fault's `config`, `jobs` and `rules` put into it."""
    jobs = merge(JOBS, change.get("jobs") or {})
    for name, rules in (change.get("rules") or {}).items():
        jobs[name] = {**jobs[name], "relabel_configs": [*jobs[name].get("relabel_configs", []), *rules]}
    sound = {
        "global": {"scrape_interval": _INTERVAL, "scrape_timeout": _INTERVAL, "evaluation_interval": _INTERVAL},
        "scrape_configs": [{"job_name": name, **job} for name, job in jobs.items()],
    }
    return merge(sound, change.get("config") or {})


def _ip(site: Site) -> str:
    """The Service's address: always the same, since processes beside the lab keep it."""
    return str(Addresses(slot=site.state.slot).services[_HOST])


def address(site: Site) -> str:
    """Its URL, for the lab's host and for pods, whatever a fault calls the Service."""
    return f"http://{_ip(site)}:9090"


def stop(site: Site) -> None:
    """Take it away, and wait until its pod is gone."""
    _only(site, _SERVICES, "", "aiconform.dev/lab=prometheus")
    site.kube.delete(f"{_DEPLOYMENTS}/prometheus", propagationPolicy="Foreground")
    site.kube.wait(
        f"/api/v1/namespaces/{_NAMESPACE}/pods",
        lambda items: not items,
        60,
        "the end of Prometheus",
        labelSelector="aiconform.dev/lab=prometheus",
    )


ADDON = Addon(
    name="prometheus",
    title="Prometheus, which scrapes annotated pods and the accelerator exporters every 2 s",
    group=GROUP,
    start=start,
    stop=stop,
)
