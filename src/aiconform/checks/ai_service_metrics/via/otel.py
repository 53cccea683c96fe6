"""OpenTelemetry Collector with its target allocator, which reads ServiceMonitors and PodMonitors.

Where its metrics pipelines write to a Service that also answers the Prometheus API, that is asked. Where the metrics
end up otherwise is not written in the cluster: the URL is the user's to name (--metrics-url).
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import yaml

from aiconform.checks.ai_service_metrics.via import (
    ASK_FOR_ACCOUNT,
    NOWHERE_WRITTEN,
    Collector,
    Group,
    Manifest,
    Objects,
    Place,
    Registration,
    Shown,
    seconds,
    served_version,
)
from aiconform.checks.ai_service_metrics.via.monitors import monitor
from aiconform.checks.ai_service_metrics.via.selectors import Unsatisfiable, labels_for
from aiconform.model import Detection, Inventory, Permission

_GROUP, _MONITORS = "opentelemetry.io", "monitoring.coreos.com/v1"


class Otel:
    """The adapter; see the module."""

    product = "otel"
    proved = (
        "OpenTelemetry Collector 0.155 with a target allocator (be894441), which writes to Prometheus, on Kubernetes "
        "1.37.1, by hand, without their operator; that it forgets was not waited for: removed targets got no staleness "
        "marker, so it takes five minutes"
    )
    searches = True
    permissions: tuple[Permission, ...] = (
        Permission(
            group="",
            resources=("services",),
            verbs=("list",),
            scope="cluster",
            why="finds the Services that answer the Prometheus API",
        ),
        Permission(
            group=_GROUP,
            resources=("opentelemetrycollectors",),
            verbs=("list",),
            scope="cluster",
            why="whether a target allocator reads monitors, and which it selects",
        ),
        Permission(
            group="monitoring.coreos.com",
            resources=("podmonitors",),
            verbs=("create", "delete"),
            why="registers the probe, and takes that back",
        ),
        ASK_FOR_ACCOUNT,
    )

    def detect(self, inventory: Inventory) -> Detection:
        version = served_version(inventory, _GROUP, "opentelemetrycollectors")
        if version and inventory.serves("monitoring.coreos.com", "v1", "podmonitors"):
            return Detection(
                usable=True, because=f"the API server serves opentelemetrycollectors of {_GROUP}/{version}"
            )
        return Detection(usable=False, because=f"the API server does not serve both {_GROUP} and PodMonitors")

    def kinds(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        start = f"opentelemetrycollectors.{_GROUP}/"
        versions = [s.removeprefix(start) for s in served if s.startswith(start)]
        return tuple((f"{_GROUP}/{v}", "opentelemetrycollectors") for v in sorted(versions)[-1:])

    def collectors(self, objects: Objects, shown: tuple[Shown, ...]) -> tuple[Collector, ...]:
        del shown
        found = [_collector(o) for o in objects.get(f"opentelemetrycollectors.{_GROUP}", [])]
        return tuple(sorted(found, key=lambda c: (bool(c.problem), c.name)))

    def register(self, group: Group, collector: Collector) -> Registration:
        return Registration(objects=[monitor(_MONITORS, "PodMonitor", group, collector.labels, "podMetricsEndpoints")])


def _collector(item: Manifest) -> Collector:
    name = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
    spec = item.get("spec") or {}
    allocator = spec.get("targetAllocator") or {}
    rules = allocator.get("prometheusCR") or {}
    if not allocator.get("enabled"):
        return Collector(name=name, problem="it has no target allocator, so it reads no monitors")
    if not rules.get("enabled"):
        return Collector(name=name, problem="its target allocator does not read monitors")
    if allowed := rules.get("allowNamespaces"):
        return Collector(name=name, problem=f"it takes monitors of certain namespaces only ({', '.join(allowed)})")
    try:
        # What no selector means has changed with its versions; an empty one means all of them.
        selector = rules.get("podMonitorSelector")
        namespaces = rules.get("podMonitorNamespaceSelector") or {}
        return Collector(
            name=name,
            way="pod",
            labels=labels_for(selector or {}),
            namespace_labels=labels_for(namespaces),
            places=tuple(_places(_config(spec.get("config")), item["metadata"]["namespace"])),
            account=(item["metadata"]["namespace"], allocator.get("serviceAccount") or _account(item)),
            sure=selector is not None,
            # The operator's default.
            interval=seconds(rules.get("scrapeInterval") or "30s"),
            elsewhere=NOWHERE_WRITTEN,
        )
    except Unsatisfiable as why:
        return Collector(name=name, problem=str(why))


def _account(item: Manifest) -> str:
    return f"{item['metadata']['name']}-targetallocator"


def _config(written: Any) -> dict[str, Any]:
    """The collector's configuration: an object, and text in v1alpha1."""
    try:
        read = yaml.safe_load(written) if isinstance(written, str) else written
    except yaml.YAMLError:
        return {}
    return read if isinstance(read, dict) else {}


def _places(config: dict[str, Any], own: str) -> Iterator[Place]:
    """The Services to which pipelines of metrics write as Prometheus takes it (remote write, OTLP)."""
    pipelines = (config.get("service") or {}).get("pipelines") or {}
    used = {e for name, p in pipelines.items() if name.partition("/")[0] == "metrics" for e in p.get("exporters") or []}
    for exporter in sorted(used):
        settings = (config.get("exporters") or {}).get(exporter) or {}
        url = urlsplit(str(settings.get("metrics_endpoint") or settings.get("endpoint") or ""))
        before, api, _ = url.path.partition("/api/v1/")
        name, *rest = (url.hostname or "").rstrip(".").split(".")
        if api and name and url.port and rest[1:2] in ([], ["svc"]):
            secure = "https:" if url.scheme == "https" else ""
            namespace = rest[0] if rest else own
            yield Place(namespace=namespace, target=f"services/{secure}{name}:{url.port}", prefix=before)


MECHANISM = Otel()
