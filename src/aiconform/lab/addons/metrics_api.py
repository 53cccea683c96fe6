"""The custom and external metrics API over the addon `prometheus`: an aggregated API server beside the lab.

How to use it: `lab up --addon metrics-api`, or the step `addon: metrics-api` of a fault. It serves
custom.metrics.k8s.io/v1beta2 (`pods/METRIC` for what the job `pods` of Prometheus scrapes) and
external.metrics.k8s.io/v1beta1, which a cluster has once: where the addon `keda` is, that has it, unless a fault says
here what to `serve`.

A fault changes it by `addon: {name: metrics-api, args: {...}}`: `serve` (a list of group/version), `fault` (a name of
metrics_backend.FAULTS for both APIs, or a map of `custom` and `external` to one), `delay` (seconds by which values are
late), `milli` (quantities in thousandths); `stop: true` takes it away.
"""

from __future__ import annotations

import socket
from pathlib import Path

import aiconform

from .. import control_plane, metrics_server, node, processes, webhooks
from ..kube import condition
from ..layout import Addresses
from . import keda, prometheus
from .framework import Addon, Site, documents

_APISERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
_PROCESS = "addon/metrics-api"


def _served(site: Site) -> list[str]:
    """What it serves now, as "group/version"."""
    wanted = (site.change("metrics-api").get("args") or {}).get("serve")
    if wanted is not None:
        return list(wanted)
    custom = f"{metrics_server.CUSTOM}/v1beta2"
    return [custom] if keda.has_the_api(site) else [custom, keda.API]


def start(site: Site) -> None:
    """Apply its objects, start it, and wait until the API server finds it available."""
    host, port = Addresses(slot=site.state.slot).host, webhooks.port(site, "metrics-api")
    for document in documents("metrics-api.yaml", host=host, port=str(port)):
        site.kube.apply(document)
    served = _served(site)
    if processes.running(site.folder, _PROCESS) is None:
        _run(site, host, port, served)
    names = [_name(group_version) for group_version in served]
    for group_version in served:
        site.kube.apply(_service(group_version))
    _withdraw(site, keep=names)
    site.kube.wait(
        _APISERVICES,
        lambda items: {i["metadata"]["name"] for i in items if condition(i, "Available")} >= set(names),
        60,
        "the metrics APIs",
    )


def _run(site: Site, host: str, port: int, served: list[str]) -> None:
    pki, args = site.folder.pki, site.change("metrics-api").get("args") or {}
    flags = {
        "listen": f"{host}:{port}",
        "certificates": str(webhooks.certificates(site.folder, site.state, "metrics-api")),
        "proxy-ca": str(pki / "front-proxy-ca.crt"),
        "prometheus": prometheus.address(site),
        "api": f"https://{host}:{site.state.ports['kube-apiserver']}",
        "api-ca": str(pki / "ca.crt"),
        "api-cert": str(pki / "admin.crt"),
        "api-key": str(pki / "admin.key"),
        "serve": ",".join(served),
        **{f"{api}-fault": name for api, name in _faults(args.get("fault", "")).items()},
        "delay": str(args.get("delay", 0)),
    }
    argv = [node.python(), "-m", metrics_server.__name__, *(f"--{k}={v}" for k, v in flags.items())]
    # From where this very code is, installed or not.
    environment = {"PYTHONPATH": str(Path(aiconform.__file__).parents[1])}
    processes.start(site.folder, _PROCESS, [*argv, *(["--milli"] if args.get("milli") else [])], environment)
    control_plane.wait_until(site.folder, _PROCESS, lambda: _listens(host, port), 30)


def _faults(wanted: str | dict[str, str]) -> dict[str, str]:
    return wanted if isinstance(wanted, dict) else dict.fromkeys(("custom", "external"), wanted)


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _name(group_version: str) -> str:
    group, _, version = group_version.partition("/")
    return f"{version}.{group}"


def _service(group_version: str) -> dict[str, object]:
    group, _, version = group_version.partition("/")
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": _name(group_version)},
        "spec": {
            "group": group,
            "version": version,
            "groupPriorityMinimum": 100,
            "versionPriority": 200 if version == "v1beta2" else 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "metrics-api", "namespace": "metrics-api"},
        },
    }


def _withdraw(site: Site, keep: list[str]) -> None:
    """Delete its APIServices, but those to keep; those of others stay."""
    for item in site.kube.items(_APISERVICES):
        mine = (item["spec"].get("service") or {}).get("namespace") == "metrics-api"
        if mine and item["metadata"]["name"] not in keep:
            site.kube.delete(f"{_APISERVICES}/{item['metadata']['name']}")


def stop(site: Site) -> None:
    """Take its APIs away; without a server they would hold up every discovery."""
    _withdraw(site, keep=[])


ADDON = Addon(
    name="metrics-api",
    title="custom and external metrics over Prometheus",
    group=None,
    start=start,
    stop=stop,
    needs=("prometheus",),
    process=_PROCESS,
)
