"""Prometheus Operator: Prometheus, ServiceMonitor and PodMonitor of monitoring.coreos.com/v1.

Also what brings its own Prometheus Operator: kube-prometheus-stack, OpenShift's monitoring.
"""

from collections.abc import Mapping
from typing import Any, Literal

from aiconform.checks.ai_service_metrics.via import (
    ASK_FOR_ACCOUNT,
    MAKE_A_SERVICE,
    Collector,
    Group,
    Manifest,
    Objects,
    Place,
    Registration,
    Shown,
    seconds,
)
from aiconform.checks.ai_service_metrics.via.monitors import monitor, service
from aiconform.checks.ai_service_metrics.via.selectors import Unsatisfiable, labels_for
from aiconform.model import Detection, Inventory, Permission

_GROUP, _API = "monitoring.coreos.com", "monitoring.coreos.com/v1"
_WAYS: tuple[tuple[Literal["service", "pod"], str], ...] = (("service", "serviceMonitor"), ("pod", "podMonitor"))


class PrometheusOperator:
    """The adapter; see the module."""

    product = "prometheus-operator"
    proved = "Prometheus Operator 0.85.0 with Prometheus 3.15, in the lab"
    searches = False
    permissions: tuple[Permission, ...] = (
        *MAKE_A_SERVICE,
        Permission(
            group=_GROUP,
            resources=("prometheuses",),
            verbs=("list",),
            scope="cluster",
            why="which monitors it selects, and where it answers queries",
        ),
        Permission(
            group=_GROUP,
            resources=("servicemonitors", "podmonitors"),
            verbs=("create", "delete"),
            why="registers the probe, and takes that back",
        ),
        ASK_FOR_ACCOUNT,
    )

    def detect(self, inventory: Inventory) -> Detection:
        if inventory.serves(_GROUP, "v1", "prometheuses"):
            return Detection(usable=True, because=f"the API server serves prometheuses of {_API}")
        return Detection(usable=False, because=f"the API server does not serve prometheuses of {_API}")

    def kinds(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        del served
        return ((_API, "prometheuses"),)

    def collectors(self, objects: Objects, shown: tuple[Shown, ...]) -> tuple[Collector, ...]:
        del shown
        found = [_collector(p) for p in objects.get(f"prometheuses.{_GROUP}", [])]
        # One that takes every namespace is the one meant for users.
        return tuple(sorted(found, key=lambda c: (bool(c.problem), bool(c.namespace_labels), c.name)))

    def register(self, group: Group, collector: Collector) -> Registration:
        if collector.way == "pod":
            return Registration(objects=[monitor(_API, "PodMonitor", group, collector.labels, "podMetricsEndpoints")])
        made = monitor(_API, "ServiceMonitor", group, collector.labels, "endpoints")
        return Registration(objects=[service(group), made])


def _collector(prometheus: Manifest) -> Collector:
    meta, spec = prometheus["metadata"], prometheus.get("spec") or {}
    name, said = f"{meta['namespace']}/{meta['name']}", []
    places = _places(meta, spec)
    account = (meta["namespace"], spec.get("serviceAccountName") or "default")
    for way, kind in _WAYS:
        try:
            return Collector(
                name=name,
                way=way,
                labels=_labels(spec.get(f"{kind}Selector"), f"it selects no {kind[0].upper()}{kind[1:]}s at all"),
                namespace_labels=_labels(
                    spec.get(f"{kind}NamespaceSelector"), f"it takes monitors of its own namespace {account[0]} only"
                ),
                places=places,
                account=account,
                # Its default (monitoring.coreos.com/v1, PrometheusSpec).
                interval=seconds(spec.get("scrapeInterval") or "30s"),
            )
        except Unsatisfiable as why:
            said.append(str(why))
    return Collector(name=name, problem="; ".join(dict.fromkeys(said)), places=places, account=account)


def _labels(selector: Mapping[str, Any] | None, otherwise: str) -> dict[str, str]:
    """Labels that are selected. Without a selector nothing is; the empty one takes everything."""
    if selector is None:
        raise Unsatisfiable(otherwise)
    return labels_for(selector)


def _places(meta: Mapping[str, Any], spec: Mapping[str, Any]) -> tuple[Place, ...]:
    """Its governing Service. With several shards each knows a part only, and none answers for all."""
    if spec.get("listenLocal") or (spec.get("shards") or 1) > 1:
        return ()
    scheme = "https:" if (spec.get("web") or {}).get("tlsConfig") else ""
    name = spec.get("serviceName") or "prometheus-operated"
    prefix = (spec.get("routePrefix") or _path(spec.get("externalUrl") or "")).rstrip("/")
    target = f"services/{scheme}{name}:{spec.get('portName') or 'web'}"
    return (Place(namespace=meta["namespace"], target=target, prefix=prefix),)


def _path(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2] if "/" in url.partition("://")[2] else ""


MECHANISM = PrometheusOperator()
