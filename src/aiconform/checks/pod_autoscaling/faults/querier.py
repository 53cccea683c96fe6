"""A query layer before the lab's Prometheus that is wrong in one chosen way. Runs beside the lab, and then in a pod.

Argument: one of these modes. Prints "ready" when the pod answers at http://prometheus.querier.svc:9090 (querier.yml).

high     a value above 50 is said to be 1000
caches   the first value that a question has is its answer for a minute
zero     what nobody exports is 0
"""

import json
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

NAMESPACE, NAME = "querier", "querier"
UPSTREAM = "http://prometheus.monitoring.svc.cluster.local:9090"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
KEPT = 60.0


class Querier(BaseHTTPRequestHandler):
    """Hands questions on, and spoils the answers."""

    mode = ""
    known = {}

    def do_GET(self):
        try:
            with OPENER.open(UPSTREAM + self.path, timeout=10) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        url = urlsplit(self.path)
        if status == 200 and url.path.endswith("/query"):
            whole = json.loads(body)
            whole["data"]["result"] = self.spoilt(parse_qs(url.query)["query"][0], whole["data"]["result"])
            body = json.dumps(whole).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def spoilt(self, query, result):
        if self.mode == "zero":
            return result or [{"metric": {}, "value": [time.time(), "0"]}]
        if self.mode == "high":
            return [{**r, "value": [r["value"][0], high(r["value"][1])]} for r in result]
        since, first = self.known.get(query, (0.0, []))
        if time.time() - since < KEPT:
            return first
        if result:
            self.known[query] = time.time(), result
        return result

    def log_message(self, *args):
        pass


def high(value):
    return "1000" if float(value) > 50 else value


def serve(mode):
    Querier.mode = mode
    ThreadingHTTPServer(("", 9090), Querier).serve_forever()


def bring(mode):
    """The pod, and a wait until it answers."""
    # Only the machine of the lab has it, the pod has not.
    from lightkube import Client, codecs
    from lightkube.resources.core_v1 import Pod

    client = Client()
    container = {
        "name": NAME,
        "image": "aiconform.dev/probe:1",
        "imagePullPolicy": "Never",
        "command": ["python3", "/scripts/querier.py", "serve", mode],
        "volumeMounts": [{"name": "scripts", "mountPath": "/scripts"}],
        "readinessProbe": {"tcpSocket": {"port": 9090}, "periodSeconds": 1},
    }
    spec = {
        "terminationGracePeriodSeconds": 0,
        "nodeSelector": {"aiconform.dev/lab-node": "real"},
        "containers": [container],
        "volumes": [{"name": "scripts", "configMap": {"name": NAME}}],
    }
    meta = {"name": NAME, "namespace": NAMESPACE, "labels": {"app": NAME}}
    data = {"querier.py": Path(__file__).read_text()}
    for manifest in (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data},
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec},
    ):
        client.apply(codecs.from_dict(manifest), field_manager=NAME, force=True)
    client.wait(Pod, NAME, for_conditions=["Ready"], namespace=NAMESPACE)
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1] == "serve" else bring(sys.argv[1])
