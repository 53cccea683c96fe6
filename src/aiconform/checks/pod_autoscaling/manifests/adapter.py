"""A custom metrics API for one run: what the pods of its two namespaces export, asked for at every request.

Argument: JSON {"port", "name": the DNS name of its certificate, "metric", "namespaces": [names], "pod_port"}. It makes
key and certificate itself (selfsigned.py), prints {"probe": "adapter/1", "certificate": PEM} as one line, and serves
custom.metrics.k8s.io/v1beta2. It asks nobody who they are: it tells only what the run itself has set. Python 3.9 or
newer, standard library only.
"""

import datetime
import http.server
import json
import os
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

import selfsigned

SETTINGS = json.loads(sys.argv[1])
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
GROUP, VERSION = "custom.metrics.k8s.io", "v1beta2"
BASE = "/apis/%s/%s" % (GROUP, VERSION)
WANTED = re.compile(BASE + r"/namespaces/([^/]+)/pods/([^/]+)/([^/]+)")


def bracketed(address):
    return "[%s]" % address if ":" in address else address


def pods(namespace, selector):
    """The pods of a namespace, as the API server lists them."""
    with open(ACCOUNT + "/token") as file:
        headers = {"Authorization": "Bearer " + file.read().strip()}
    query = urllib.parse.urlencode({"labelSelector": selector} if selector else {})
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    url = "https://%s:%s/api/v1/namespaces/%s/pods?%s" % (bracketed(host), port, namespace, query)
    trusted = ssl.create_default_context(cafile=ACCOUNT + "/ca.crt")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted))
    with opener.open(urllib.request.Request(url, headers=headers), timeout=5) as answer:
        return json.load(answer)["items"]


def exported(address):
    """What a pod says of the metric: the last field of its line; None if it has none or does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open("http://%s:%d/metrics" % (bracketed(address), SETTINGS["pod_port"]), timeout=2) as answer:
            lines = answer.read().decode().splitlines()
    except (OSError, ValueError):
        return None
    found = [line.rpartition(" ")[2] for line in lines if line.startswith(SETTINGS["metric"] + "{")]
    return found[0] if found else None


def values(namespace, name, selector):
    """The items of a MetricValueList."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    items = []
    for pod in pods(namespace, selector):
        own, address = pod["metadata"]["name"], pod.get("status", {}).get("podIP")
        value = exported(address) if address and name in ("*", own) else None
        if value is not None:
            described = {"apiVersion": "/v1", "kind": "Pod", "name": own, "namespace": namespace}
            metric = {"name": SETTINGS["metric"], "selector": None}
            items.append({"describedObject": described, "metric": metric, "timestamp": now, "value": value})
    return items


def missing(what):
    return 404, {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": "NotFound",
        "message": what,
        "code": 404,
    }


def answer(path, query):
    """(HTTP status, body) for a request."""
    version = {"groupVersion": "%s/%s" % (GROUP, VERSION), "version": VERSION}
    if path == "/apis/" + GROUP:
        return 200, {
            "kind": "APIGroup",
            "apiVersion": "v1",
            "name": GROUP,
            "versions": [version],
            "preferredVersion": version,
        }
    if path == BASE:
        resource = {"name": "pods/" + SETTINGS["metric"], "singularName": "", "namespaced": True, "verbs": ["get"]}
        resource["kind"] = "MetricValueList"
        body = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version["groupVersion"]}
        return 200, dict(body, resources=[resource])
    match = WANTED.fullmatch(urllib.parse.unquote(path))
    if not match or match.group(3) != SETTINGS["metric"] or match.group(1) not in SETTINGS["namespaces"]:
        return missing("there is nothing at " + path)
    items = values(match.group(1), match.group(2), query.get("labelSelector", [""])[0])
    if not items:
        return missing("no pod exports " + SETTINGS["metric"])
    return 200, {"kind": "MetricValueList", "apiVersion": version["groupVersion"], "metadata": {}, "items": items}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        try:
            status, body = answer(path.rstrip("/"), urllib.parse.parse_qs(query))
        except (OSError, ValueError, KeyError) as error:
            status, body = (
                503,
                {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": repr(error), "code": 503},
            )
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    selfsigned.serve("adapter/1", SETTINGS["port"], SETTINGS["name"], Handler, 60)


if __name__ == "__main__":
    main()
