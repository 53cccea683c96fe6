"""A custom and external metrics API over the lab's Prometheus, as an aggregated API server.

Run by the addon `metrics-api` as a process beside the lab. It behaves as prometheus-adapter does: `pods/METRIC` is the
sum of a pod's series with the labels `namespace` and `pod`; `metrics/METRIC` describes a namespace; an external metric
is every series of that namespace which fits the selector; what has no series is NotFound. Callers are known by the
headers of the aggregator, whose certificate must come from the front-proxy authority, and are allowed what a
SubjectAccessReview says.

`--custom-fault` and `--external-fault` make one of its APIs wrong in one way; `--delay` and `--milli` make it unusual
and right.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import ssl
import sys
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .metrics_backend import FAULTS, Backend, Sample

CUSTOM, EXTERNAL = "custom.metrics.k8s.io", "external.metrics.k8s.io"
SERVED = (f"{CUSTOM}/v1beta2", f"{CUSTOM}/v1beta1", f"{EXTERNAL}/v1beta1")
_Json = dict[str, Any]


class NoMetric(Exception):
    """Nothing has this metric; the message says what was asked for."""


def quantity(value: float, milli: bool = False) -> str:
    """A Kubernetes quantity: "37", "1500m"; with `milli` always in thousandths."""
    if milli or value != int(value):
        return f"{math.ceil(value * 1000)}m"
    return str(int(value))


def _time(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


@dataclass(frozen=True)
class Asked:
    """One request for values: "pods" and "*" or a name, "namespaces", or "external"."""

    group: str
    version: str
    namespace: str
    kind: str
    name: str
    metric: str

    def attributes(self) -> dict[str, str]:
        """What the API server is asked about, as it would see the request itself."""
        if self.group == EXTERNAL:
            resource, sub, verb = self.metric, "", "list"
        elif self.kind == "namespaces":
            resource, sub, verb = "metrics", self.metric, "get"
        else:
            resource, sub, verb = "pods", self.metric, "get"
        return {
            "group": self.group, "version": self.version, "namespace": self.namespace, "verb": verb,
            "resource": resource, "subresource": sub, "name": self.name,
        }  # fmt: skip


_PATHS = (
    rf"/apis/(?P<group>{CUSTOM})/(?P<version>v1beta[12])/namespaces/(?P<namespace>[^/]+)/"
    r"(?P<kind>pods)/(?P<name>[^/]+)/(?P<metric>[^/]+)",
    rf"/apis/(?P<group>{CUSTOM})/(?P<version>v1beta[12])/namespaces/(?P<namespace>[^/]+)/"
    r"(?P<name>metrics)/(?P<metric>[^/]+)",
    rf"/apis/(?P<group>{EXTERNAL})/(?P<version>v1beta1)/namespaces/(?P<namespace>[^/]+)/(?P<metric>[^/]+)",
)


def asked(path: str) -> Asked | None:
    """What a path asks for; None if it is no request for values."""
    for pattern in _PATHS:
        if match := re.fullmatch(pattern, urllib.parse.unquote(path)):
            parts = match.groupdict()
            default = "external" if parts["group"] == EXTERNAL else "namespaces"
            return Asked(
                parts["group"], parts["version"], parts["namespace"], parts.get("kind") or default,
                parts.get("name") or "", parts["metric"],
            )  # fmt: skip
    return None


def answer(backend: Backend, what: Asked, query: dict[str, str], user: str, *, milli: bool = False) -> _Json:
    """The MetricValueList or ExternalMetricValueList. Raises NoMetric."""
    labels = query.get("metricLabelSelector", "")
    if what.kind == "external":
        found = backend.external(what.metric, what.namespace, query.get("labelSelector", ""))
    elif what.kind == "namespaces":
        found = backend.of_namespace(what.metric, what.namespace, labels)
    else:
        every = what.name == "*"
        names = backend.pods(what.namespace, query.get("labelSelector", "")) if every else [what.name]
        found = backend.of_pods(what.metric, what.namespace, names, labels)
    if not found and what.kind != "external":
        raise NoMetric(f"the server could not find the metric {what.metric} for {what.kind} {what.name}")
    kind = "ExternalMetricValueList" if what.kind == "external" else "MetricValueList"
    items = [_item(backend, what, sample, user, milli) for sample in found]
    return {"kind": kind, "apiVersion": f"{what.group}/{what.version}", "metadata": {}, "items": items}


def _item(backend: Backend, what: Asked, sample: Sample, user: str, milli: bool) -> _Json:
    named = sample.labels.get("pod", what.namespace)
    said = backend.told(sample.value, user, f"{what.namespace}/{named}/{what.metric}")
    common = {"timestamp": _time(sample.at), "value": quantity(said, milli)}
    if what.kind == "external":
        labels = {k: v for k, v in sample.labels.items() if k != "__name__"}
        return {"metricName": what.metric, "metricLabels": labels, **common}
    kind, name = ("Pod", named) if what.kind == "pods" else ("Namespace", what.namespace)
    described = {"kind": kind, "name": name, "apiVersion": "/v1"}
    if kind == "Pod":
        described["namespace"] = what.namespace
    metric = {"metricName": what.metric} if what.version == "v1beta1" else {"metric": {"name": what.metric}}
    return {"describedObject": described, **metric, **common}


def discovery(backend: Backend, served: Sequence[str], path: str) -> _Json | None:
    """APIGroup or APIResourceList for these paths; None for others. Metrics are listed when they are there."""
    parts = path.strip("/").split("/")
    groups = {s.split("/")[0] for s in served}
    if len(parts) == 2 and parts[1] in groups:
        versions = [{"groupVersion": s, "version": s.split("/")[1]} for s in served if s.startswith(parts[1] + "/")]
        group = {"name": parts[1], "versions": versions, "preferredVersion": versions[0]}
        return {"kind": "APIGroup", "apiVersion": "v1", **group}
    name = "/".join(parts[1:])
    if len(parts) == 3 and name in served:
        resources = [_resource(metric, name) for metric in _metrics(backend)]
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": resources}
    return None


def _metrics(backend: Backend) -> list[str]:
    try:
        # The API server waits 5 s for a list of kinds; without one it ends no namespace.
        found = backend.query('count by (__name__) ({namespace!="",pod!="",__name__!~"scrape_.*|up"})', seconds=1)
    except OSError:
        return []
    return sorted(s.labels["__name__"] for s in found)


def _resource(metric: str, served: str) -> _Json:
    if served.startswith(EXTERNAL):
        return {"name": metric, "namespaced": True, "kind": "ExternalMetricValueList", "verbs": ["get"]}
    return {"name": f"pods/{metric}", "namespaced": True, "kind": "MetricValueList", "verbs": ["get"]}


def handler(backends: Mapping[str, Backend], served: Sequence[str], *, milli: bool) -> type[BaseHTTPRequestHandler]:
    """The class that answers requests. Each of the two groups has a backend: they may be wrong in different ways."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 120

        def do_GET(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            try:
                self._answer(url.path, query)
            except NoMetric as error:
                self._send(404, _status(404, "NotFound", str(error)))
            except (OSError, KeyError, ValueError) as error:
                self._send(500, _status(500, "InternalError", f"Prometheus or the API server: {error}"))

        def _answer(self, path: str, query: dict[str, str]) -> None:
            if path in ("/healthz", "/readyz", "/livez"):
                return self._send(200, {})
            listed = discovery(backends[CUSTOM], served, path)
            if listed is not None:
                return self._send(200, listed)
            what = asked(path)
            if what is None or f"{what.group}/{what.version}" not in served:
                return self._send(404, _status(404, "NotFound", f"{path} is not served here"))
            backend, user = backends[what.group], self.headers.get("X-Remote-User", "")
            attributes = what.attributes()
            if not backend.allows(user, self.headers.get_all("X-Remote-Group") or [], attributes):
                said = f'User "{user}" cannot {attributes["verb"]} resource "{attributes["resource"]}" in API group '
                return self._send(403, _status(403, "Forbidden", f'{said}"{what.group}": not allowed'))
            return self._send(200, answer(backend, what, query, user, milli=milli))

        def _send(self, status: int, body: _Json) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            if args[1:2] and str(args[1]) >= "400":
                sys.stderr.write(f"{format % args}\n")

    return Handler


def _status(code: int, reason: str, message: str) -> _Json:
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code,
    }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until the end. Files are PEM."""
    parser = argparse.ArgumentParser(description="custom and external metrics over Prometheus")
    for name in ("listen", "certificates", "proxy-ca", "prometheus", "api", "api-ca", "api-cert", "api-key"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--serve", default=",".join(SERVED))
    for name in ("custom", "external"):
        parser.add_argument(f"--{name}-fault", default="", choices=["", *FAULTS])
    parser.add_argument("--delay", type=float, default=0.0, help="seconds by which every value is late")
    parser.add_argument("--milli", action="store_true", help="write every quantity in thousandths")
    options = parser.parse_args(argv)
    own = ssl.create_default_context(cafile=options.api_ca)
    own.load_cert_chain(options.api_cert, options.api_key)
    faults = {CUSTOM: options.custom_fault, EXTERNAL: options.external_fault}
    backends = {g: Backend(options.prometheus, options.api, own, fault, options.delay) for g, fault in faults.items()}
    host, _, port = options.listen.rpartition(":")
    made = handler(backends, options.serve.split(","), milli=options.milli)
    server = ThreadingHTTPServer((host, int(port)), made)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{options.certificates}/tls.crt", f"{options.certificates}/tls.key")
    # Nobody but the aggregator: the headers that name the caller are believed.
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(options.proxy_ca)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main()
