"""Prometheus Operator, beside the lab, with one Prometheus of its own: ServiceMonitors and PodMonitors are real.

How to use it: `lab up --addon prometheus-operator`, or the step `addon: prometheus-operator` of a fault. Its Prometheus
is operated/k8s: it scrapes every 2 s and takes the monitors of all namespaces, and no annotations. It answers at the
Service `prometheus-operated`, port `web`, in `operated`. A changed monitor needs up to 20 s: the kubelet brings the new
configuration into the pod, and the reloader there looks every 5 s (every 3 minutes where a fault's `spec` sets
`containers: []`). A series is forgotten 15 s after its last sample. The addon `prometheus` comes with it: both run
from its image.

A fault changes it by `addon: {name: prometheus-operator, args: {...}}`: `spec` is merged into the Prometheus' spec,
`flags` into the operator's flags; `stop: true` ends the operator, and its Prometheus goes on as it is.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from .. import binaries, control_plane, kinds, processes, webhooks
from ..kube import Object
from ..layout import Addresses
from ..merge import merge
from . import prometheus
from .framework import Addon, Site, load_image, module_files, wait_rolled_out

_KINDS = ("prometheuses", "servicemonitors", "podmonitors", "probes", "prometheusrules", "scrapeconfigs")
_MODULE = "github.com/prometheus-operator/prometheus-operator"
_GROUP = binaries.Group(
    title="Prometheus Operator",
    folder="prometheus-operator",
    module=_MODULE,
    packages={
        "operator": f"{_MODULE}/cmd/operator",
        "prometheus-config-reloader": f"{_MODULE}/cmd/prometheus-config-reloader",
    },
    minutes=3,
    gib=2,
    files=tuple(f"example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml" for kind in _KINDS),
)
_NAME, _PROCESS = "prometheus-operator", "addon/prometheus-operator"
# Its Service selects every pod that is called prometheus, so the other one must be in another namespace.
_NAMESPACE = "operated"
_PROMETHEUSES = f"/apis/monitoring.coreos.com/v1/namespaces/{_NAMESPACE}/prometheuses"
_SETS = f"/apis/apps/v1/namespaces/{_NAMESPACE}/statefulsets"
_CLAIMED_VERSION = "v3.5.0"
"""The operator knows flags by release; it knows none as new as the lab's Prometheus."""
_CONFIG = "/etc/prometheus/config"
_RELOADER = [
    "--listen-address=:8080",
    "--reload-url=http://localhost:9090/-/reload",
    f"--config-file={_CONFIG}/prometheus.yaml.gz",
    f"--config-envsubst-file={_CONFIG}_out/prometheus.env.yaml",
    "--watched-dir=/etc/prometheus/rules/prometheus-k8s-rulefiles-0",
    # It is told of the first change only, since the kubelet replaces the file that it watches (its pull request 7366).
    # From then on it looks by itself, every three minutes if it is not told otherwise.
    "--watch-interval=5s",
]


def start(site: Site) -> None:
    """Apply its kinds, start it, apply the Prometheus, and return when that is ready."""
    change = site.change(_NAME).get("args") or {}
    kinds.apply(site, module_files(site, _GROUP))
    prometheus.ensure_image(site)
    reloader = f"aiconform.dev/prometheus-config-reloader:{binaries.version(_GROUP)}"
    load_image(site, "prometheus-config-reloader", reloader, "/bin/prometheus-config-reloader")
    address = f"{Addresses(slot=site.state.slot).host}:{webhooks.port(site, _NAME)}"
    if processes.running(site.folder, _PROCESS) is None:
        flags = merge(
            {"web.listen-address": address, "prometheus-config-reloader": reloader, "kubelet-endpoints": "false"},
            change.get("flags") or {},
        )
        argv = [site.state.binaries["operator"], *(f"--{k}={v}" for k, v in flags.items())]
        processes.start(site.folder, _PROCESS, argv, {"KUBECONFIG": str(site.folder.kubeconfig)})
    control_plane.wait_until(site.folder, _PROCESS, lambda: _healthy(address), 60)
    for document in _place():
        site.kube.apply(document)
    # What a fault had put into it must go, too, so nothing of an older spec is kept.
    wanted = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "Prometheus",
        "spec": merge(_spec(), change.get("spec") or {}),
    }
    wanted["metadata"] = {"name": "k8s", "namespace": _NAMESPACE}
    site.kube.apply(wanted)
    wait_rolled_out(site, _SETS, ["prometheus-k8s"], 90, "the operator's Prometheus")


def _place() -> list[Object]:
    """A namespace, and the rights that the other Prometheus has."""
    group, account = "rbac.authorization.k8s.io", {"name": "prometheus", "namespace": _NAMESPACE}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "aiconform-lab:prometheus-operated"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "aiconform-lab:prometheus"},
            "subjects": [{"kind": "ServiceAccount", **account}],
        },
    ]


def _spec() -> dict[str, Any]:
    return {
        "image": prometheus.image(),
        "imagePullPolicy": "Never",
        "version": _CLAIMED_VERSION,
        "replicas": 1,
        "serviceAccountName": "prometheus",
        "scrapeInterval": "2s",
        "scrapeTimeout": "2s",
        # A job that is removed leaves no staleness markers, and five minutes are long.
        "query": {"lookbackDelta": "15s"},
        "serviceMonitorSelector": {},
        "serviceMonitorNamespaceSelector": {},
        "podMonitorSelector": {},
        "podMonitorNamespaceSelector": {},
        "nodeSelector": {"aiconform.dev/lab-node": "real"},
        "tolerations": [{"operator": "Exists"}],
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}},
        "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "config-reloader", "args": _RELOADER}],
    }


def _healthy(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{address}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


ADDON = Addon(
    name=_NAME,
    title="Prometheus Operator with a Prometheus that takes the monitors of every namespace",
    group=_GROUP,
    start=start,
    needs=("prometheus",),
    process=_PROCESS,
)
