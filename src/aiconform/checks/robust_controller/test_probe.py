"""The webhook canary, for real: server and caller as processes of this machine."""

import http.client
import importlib
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiconform.cluster import asking

FOLDER = Path(__file__).parent / "manifests"
NAME = "localhost"


Server = tuple[int, str, "subprocess.Popen[str]"]


@pytest.fixture
def server() -> Iterator[Server]:
    """Its port, its certificate, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"port": port, "word": "abc", "name": NAME}
    command = [sys.executable, str(FOLDER / "webhook.py"), json.dumps(settings)]
    # In the pod all scripts lie in one folder.
    environment = {**os.environ, "PYTHONPATH": str(asking.SHARED)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert "PRIVATE" not in str(said)
        yield port, said["certificate"], process
        process.kill()


def review(port: int, certificate: str, name: str) -> dict[str, Any]:
    context = ssl.create_default_context(cadata=certificate)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    connection = http.client.HTTPSConnection(NAME, port, context=context, timeout=10)
    body = {"request": {"uid": "u", "name": name, "object": {"metadata": {"name": name}}}}
    connection.request("POST", "/validate", json.dumps(body))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["kind"] == "AdmissionReview" and answer["response"]["uid"] == "u"
    response: dict[str, Any] = answer["response"]
    return response


def test_it_denies_one_and_allows_the_other(server: Server) -> None:
    port, certificate, process = server
    denied = review(port, certificate, "deny-me")
    assert not denied["allowed"] and "abc" in denied["status"]["message"]
    assert review(port, certificate, "allow-me")["allowed"]
    assert process.stdout is not None
    process.stdout.readline()
    assert json.loads(process.stdout.readline())["reviewed"] == ["deny-me", "allow-me"]


def call(port: int, certificate: str) -> dict[str, Any]:
    settings = {"address": "127.0.0.1", "port": port, "name": NAME, "certificate": certificate, "seconds": 1}
    command = [sys.executable, str(FOLDER / "caller.py"), json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_another_pod_reaches_it(server: Server) -> None:
    port, certificate, _ = server
    with socket.create_connection(("127.0.0.1", port)):
        # A client that says nothing holds up nobody.
        assert call(port, certificate) == {"probe": "caller/1", "text": "ok abc"}


def test_a_caller_says_why_it_failed(server: Server) -> None:
    port, _, _ = server
    sys.path.insert(0, str(asking.SHARED))
    try:
        other, _ = importlib.import_module("selfsigned").issue(NAME)
    finally:
        sys.path.remove(str(asking.SHARED))
    assert "certificate" in call(port, other)["error"]
