"""The suite's own metrics API, for real: its server as a process of this machine, between a pod and an API server."""

import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiconform.checks.pod_autoscaling import via
from aiconform.checks.pod_autoscaling.via import Wish, own_adapter
from aiconform.cluster import asking

SCRIPT = Path(__file__).parent / "manifests" / "adapter.py"
WISH = Wish(name="load", namespace="own", least=1, most=5, target=50, label="x", served=())
PAGES = {"p0": "37", "p1": None}


class Pod(http.server.BaseHTTPRequestHandler):
    """A pod on 127.0.0.1 that exports, and one on 127.0.0.2 that exports nothing."""

    def do_GET(self) -> None:
        value = PAGES["p0" if self.connection.getsockname()[0] == "127.0.0.1" else "p1"]
        text = f'# TYPE aiconform_load gauge\naiconform_load{{aiconform_target="x"}} {value}\n' if value else ""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def pods() -> Iterator[int]:
    """The port on which both pods answer."""
    first = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pod)
    second = http.server.ThreadingHTTPServer(("127.0.0.2", first.server_address[1]), Pod)
    for server in (first, second):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield first.server_address[1]
    for server in (first, second):
        server.shutdown()
        server.server_close()


@pytest.fixture
def base(pods: int, tmp_path: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """The adapter's URL, and whom to trust. The API server's list of pods is given in its place."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"port": port, "name": "localhost", "metric": via.METRIC, "namespaces": ["own", "other"]}
    items = [
        {"metadata": {"name": "p0"}, "status": {"podIP": "127.0.0.1"}},
        {"metadata": {"name": "p1"}, "status": {"podIP": "127.0.0.2"}},
        {"metadata": {"name": "p2"}, "status": {}},
    ]
    starter = tmp_path / "start.py"
    starter.write_text(
        "import json, sys\n"
        f"sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        "import adapter\n"
        f"adapter.pods = lambda namespace, selector: json.loads({json.dumps(items)!r}) if namespace == 'own' else []\n"
        "adapter.main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(asking.SHARED), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(starter), json.dumps({**settings, "pod_port": pods})]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["probe"] == "adapter/1" and "PRIVATE" not in str(said)
        context = ssl.create_default_context(cadata=said["certificate"])
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        yield f"https://localhost:{port}", context
        process.kill()


def get(base: tuple[str, ssl.SSLContext], path: str) -> tuple[int, Any]:
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=base[1]))
    try:
        with urllib.request.build_opener(*handlers).open(base[0] + path, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_it_tells_what_pods_export_and_nothing_of_those_that_do_not(base: tuple[str, ssl.SSLContext]) -> None:
    path = own_adapter.MECHANISM.question(WISH).path
    status, body = get(base, path + "?labelSelector=a%3Db")
    assert (status, via.loads(body)) == (200, {"p0": "37"})
    status, body = get(base, path.replace("/*/", "/p1/"))
    assert (status, body["reason"]) == (404, "NotFound")
    for other in (path.replace("/own/", "/other/"), path.replace("/own/", "/foreign/"), path + "x"):
        assert get(base, other)[0] == 404


def test_it_can_be_discovered(base: tuple[str, ssl.SSLContext]) -> None:
    status, body = get(base, "/apis/custom.metrics.k8s.io/v1beta2")
    assert status == 200 and [r["name"] for r in body["resources"]] == [f"pods/{via.METRIC}"]
    assert get(base, "/apis/custom.metrics.k8s.io")[1]["kind"] == "APIGroup"
