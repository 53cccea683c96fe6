"""The annotations prometheus.io/scrape, port and path, which many configurations of Prometheus go by.

Nothing in the cluster's API says that they count. Where a Prometheus shows its configuration, that is looked into.
"""

from typing import Any

import yaml

from aiconform.checks.ai_service_metrics.via import (
    MAKE_A_SERVICE,
    PATH,
    Collector,
    Group,
    Objects,
    Place,
    Registration,
    Shown,
    seconds,
)
from aiconform.checks.ai_service_metrics.via.monitors import service
from aiconform.model import Detection, Inventory, Permission

_NOTE = "_annotation_prometheus_io_"
_WORKLOADS = ("pod", "endpoints", "endpointslice", "service")


class Annotations:
    """The adapter; see the module."""

    product = "annotations"
    proved = (
        "Prometheus 3.15, in the lab; by hand there: VictoriaMetrics 1.150 (single-node, scraping by itself), sound, "
        "missing new pods, without the labels of pods, and looking back for an hour; OpenTelemetry Collector 0.155, "
        "which writes to Prometheus"
    )
    searches = True
    permissions: tuple[Permission, ...] = (
        *MAKE_A_SERVICE,
        Permission(
            group="",
            resources=("services",),
            verbs=("list",),
            scope="cluster",
            why="finds the Services that answer the Prometheus API",
        ),
        Permission(group="", resources=("pods",), verbs=("patch",), why="annotates the probe, and takes that back"),
    )

    def detect(self, inventory: Inventory) -> Detection:
        del inventory
        return Detection(usable=True, because="nothing else was found, and annotations need nothing of the API server")

    def kinds(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        del served
        return ()

    def collectors(self, objects: Objects, shown: tuple[Shown, ...]) -> tuple[Collector, ...]:
        del objects
        read = [_config(s.config) for s in shown]
        jobs = [job for config in read for job in config.get("scrape_configs") or []]
        intervals = [(config.get("global") or {}).get("scrape_interval") for config in read]
        intervals += [job.get("scrape_interval") for job in jobs]
        discovering = [j for j in jobs if _roles(j) & set(_WORKLOADS)]
        by_pod = [j for j in discovering if _mentions(j, "__meta_kubernetes_pod" + _NOTE)]
        by_service = [j for j in discovering if _mentions(j, "__meta_kubernetes_service" + _NOTE)]
        way = "service-annotations" if by_service and not by_pod else "pod-annotations"
        # A configuration that discovers nothing in Kubernetes demands nothing that could be met in another way, unless
        # somebody else scrapes, and writes here.
        alone = bool(jobs) and not discovering and not any(s.takes for s in shown)
        sure = any(not _picky(j) for j in by_pod or by_service) or alone
        slowest = max((seconds(str(i)) for i in intervals if i), default=0.0)
        return (Collector(name="annotations", way=way, sure=sure, interval=slowest),)  # type: ignore[arg-type]

    def register(self, group: Group, collector: Collector) -> Registration:
        notes = {"prometheus.io/scrape": "true", "prometheus.io/port": str(group.port), "prometheus.io/path": PATH}
        if collector.way == "service-annotations":
            return Registration(objects=[service(group, notes)])
        return Registration(annotations=notes)


def _config(text: str) -> dict[str, Any]:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return config if isinstance(config, dict) else {}


def _roles(job: dict[str, Any]) -> set[str]:
    return {str(sd.get("role", "")) for sd in job.get("kubernetes_sd_configs") or []}


def _mentions(job: dict[str, Any], start: str) -> bool:
    rules = job.get("relabel_configs") or []
    return any(str(label).startswith(start) for r in rules for label in r.get("source_labels") or [])


def _picky(job: dict[str, Any]) -> bool:
    """Whether a job asks for more than annotations: certain namespaces, or certain labels."""
    for sd in job.get("kubernetes_sd_configs") or []:
        if (sd.get("namespaces") or {}).get("names") or (sd.get("namespaces") or {}).get("own_namespace"):
            return True
        if sd.get("selectors"):
            return True
    deciding = [r for r in job.get("relabel_configs") or [] if r.get("action") in ("keep", "drop")]
    labels = [str(label) for r in deciding for label in r.get("source_labels") or []]
    return any(label.startswith("__meta_kubernetes_namespace") or "_label" in label for label in labels)


# Labels and names that the charts and operators of stores with the Prometheus API give their Services.
_SIGNS = ("prometheus", "thanos-query", "vmsingle", "vmselect", "victoria-metrics", "mimir-query", "cortex-query")
_PREFIXES = {"vmselect": "/select/0/prometheus", "mimir-query": "/prometheus"}
"""Where these programs have the Prometheus API, unless somebody has changed it; vmselect for its first tenant."""
_NOT = ("alertmanager", "operator", "node-exporter", "pushgateway", "adapter", "kube-state", "blackbox", "agent")
_PORTS = ("web", "http", "http-web", "https", "http-metrics", "http-query")
_MOST = 8


def places(services: list[dict[str, Any]]) -> tuple[Place, ...]:
    """Services that look as if they answered the Prometheus API, by label or name; eight at most."""
    found = [p for s in services for p in _place(s)]
    return tuple(sorted(found, key=lambda p: (p.namespace, p.target)))[:_MOST]


def _place(item: dict[str, Any]) -> list[Place]:
    meta = item["metadata"]
    labels = meta.get("labels") or {}
    marks = [
        meta["name"],
        *(labels.get(k, "") for k in ("app.kubernetes.io/name", "app.kubernetes.io/component", "app")),
    ]
    signs = [sign for sign in _SIGNS if any(sign in m for m in marks)]
    if not signs or any(no in meta["name"] for no in _NOT):
        return []
    ports = (item.get("spec") or {}).get("ports") or []
    best = next((p for name in _PORTS for p in ports if p.get("name") == name), ports[0] if ports else None)
    if best is None:
        return []
    secure = "https:" if best.get("name") == "https" else ""
    target = f"services/{secure}{meta['name']}:{best['port']}"
    return [Place(namespace=meta["namespace"], target=target, prefix=_PREFIXES.get(signs[0], ""))]


MECHANISM = Annotations()
