"""The objects of this check, as manifests. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiconform.cluster import asking
from aiconform.cluster.asking import Ask

Object = dict[str, Any]
APP, DIAL = "load", "dial"
"""The Deployment that is scaled; and the pod that exports the whole load where replicas do not export their own."""
PORT, PORT_NAME = 8080, "metrics"
SCRIPTS, SCRIPT = "scripts", "load.py"
_LABEL = "aiconform.dev/scaled"
# What annotation-driven collectors look for, by long custom.
ANNOTATIONS = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": str(PORT),
    "prometheus.io/path": "/metrics",
    "prometheus.io/scheme": "http",
}


def pod(
    name: str,
    image: str,
    arguments: Sequence[str],
    nodes: Sequence[Mapping[str, Any]],
    *,
    ask: Ask | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Object:
    """A pod that exports a load, on one of these nodes."""
    wanted = list({str(t): t for n in nodes for t in asking.tolerations(n["taints"])}.values())
    hosts = [{"key": "kubernetes.io/hostname", "operator": "In", "values": [n["hostname"] for n in nodes]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": hosts}]}}
    made = asking.pod(
        name,
        image,
        script_configmap=SCRIPTS,
        script_key=SCRIPT,
        args=arguments,
        tolerations=wanted,
        ask=ask,
        spec={"affinity": {"nodeAffinity": required}},
    )
    made["metadata"] |= {"labels": {_LABEL: name}, "annotations": dict(annotations or {})}
    made["spec"]["containers"][0] |= {
        "ports": [{"name": PORT_NAME, "containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
    }
    return made


def deployment(pod: Object) -> Object:
    """A Deployment of one such pod; an old pod goes before a new one comes, since it holds an accelerator."""
    name = pod["metadata"]["name"]
    template = {
        "metadata": {key: pod["metadata"][key] for key in ("labels", "annotations")},
        "spec": pod["spec"] | {"restartPolicy": "Always"},
    }
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {_LABEL: name}},
        "strategy": {"type": "Recreate"},
        "template": template,
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def monitor(kind: str, labels: Mapping[str, str]) -> Object:
    """What makes a collector scrape our pods of one namespace. `kind`: "podmonitors.GROUP/VERSION" or alike."""
    plural, _, api = kind.partition(".")
    expressions = [{"key": _LABEL, "operator": "Exists"}]
    selector = {"selector": {"matchExpressions": expressions}}
    if plural in ("podmonitors", "vmpodscrapes"):
        endpoint = {"port": PORT_NAME, "path": "/metrics", "interval": "15s"}
        spec: Object = {**selector, "podMetricsEndpoints": [endpoint]}
        return {
            "apiVersion": api,
            "kind": "PodMonitor" if plural == "podmonitors" else "VMPodScrape",
            "metadata": {"name": APP, "labels": dict(labels)},
            "spec": spec,
        }
    spec = {**selector, "endpoints": [{"port": PORT_NAME, "interval": "15s"}]}
    return {"apiVersion": api, "kind": "PodMonitoring", "metadata": {"name": APP}, "spec": spec}


def selecting(prometheuses: Sequence[Object], field: str) -> dict[str, str]:
    """The labels that every selector of this name in the Prometheus objects asks for."""
    found: dict[str, str] = {}
    for prometheus in prometheuses:
        selector = (prometheus.get("spec") or {}).get(field) or {}
        found |= selector.get("matchLabels") or {}
        for rule in selector.get("matchExpressions") or []:
            if rule.get("operator") == "In" and rule.get("values"):
                found[rule["key"]] = rule["values"][0]
            elif rule.get("operator") == "Exists":
                found.setdefault(rule["key"], "")
    return found
