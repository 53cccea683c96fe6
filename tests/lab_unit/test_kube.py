"""The lab's API calls against a server that is scripted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from aiconform.lab import LabError
from aiconform.lab.kube import Kube, condition

Handler = Callable[[httpx2.Request], httpx2.Response]


def client(handler: Handler) -> Kube:
    kube = Kube.__new__(Kube)
    kube._http = httpx2.Client(base_url="https://lab", transport=httpx2.MockTransport(handler))
    kube._kinds = {}
    kube.guard = None
    return kube


def node(name: str, ready: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def all_ready(items: list[dict[str, Any]]) -> bool:
    return len(items) == 2 and all(condition(item, "Ready") for item in items)


def test_a_wait_lists_then_watches_from_there_and_lists_again_after_an_error() -> None:
    calls: list[dict[str, str]] = []
    events = [
        [{"type": "ERROR", "object": {"code": 410}}],
        [
            {"type": "ADDED", "object": node("gone", "True")},
            {"type": "DELETED", "object": node("gone", "True")},
            {"type": "MODIFIED", "object": node("b", "True")},
        ],
    ]

    def answer(request: httpx2.Request) -> httpx2.Response:
        calls.append(dict(request.url.params))
        if "watch" not in request.url.params:
            items = [node("a", "True"), node("b", "False")]
            return httpx2.Response(200, json={"metadata": {"resourceVersion": str(len(calls))}, "items": items})
        return httpx2.Response(200, text="\n".join(json.dumps(event) for event in events.pop(0)))

    client(answer).wait("/api/v1/nodes", all_ready, 5, "2 Ready nodes")
    assert [call.get("resourceVersion") for call in calls] == [None, "1", None, "3"]


def test_a_server_whose_storage_is_not_ready_is_asked_again() -> None:
    busy = {"message": "storage is (re)initializing"}
    answers = [
        httpx2.Response(429, json=busy, headers={"Retry-After": "0"}),
        httpx2.Response(503, json=busy, headers={"Retry-After": "0"}),
        httpx2.Response(200, json={"items": [node("a", "True")]}),
    ]
    assert client(lambda _: answers.pop(0)).items("/apis/karpenter.sh/v1/nodeclaims") == [node("a", "True")]


def test_a_server_that_stays_busy_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiconform.lab.kube._BUSY_SECONDS", 0.0)
    with pytest.raises(LabError, match="refused GET /readyz: too busy"):
        client(lambda _: httpx2.Response(503, json={"message": "too busy"})).request("GET", "/readyz")


def test_a_wait_says_what_did_not_come() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if "watch" in request.url.params:
            return httpx2.Response(200, text="")
        return httpx2.Response(200, json={"metadata": {"resourceVersion": "1"}, "items": []})

    with pytest.raises(LabError, match="2 Ready nodes did not come within 0 s"):
        client(answer).wait("/api/v1/nodes", all_ready, 0.2, "2 Ready nodes")


def test_a_wait_ends_when_its_guard_raises() -> None:
    def guard() -> None:
        raise LabError("etcd ended")

    kube = client(lambda _: httpx2.Response(500))
    kube.guard = guard
    with pytest.raises(LabError, match="etcd ended"):
        kube.wait("/api/v1/nodes", all_ready, 60, "2 Ready nodes")


def test_paths_come_from_discovery_and_refusals_carry_the_servers_words() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        resources = [
            {"name": "widgets", "kind": "Widget", "namespaced": True},
            {"name": "widgets/status", "kind": "Widget", "namespaced": True},
            {"name": "racks", "kind": "Rack", "namespaced": False},
        ]
        if request.method == "GET" and request.url.path == "/apis/example.com/v1":
            return httpx2.Response(200, json={"resources": resources})
        return httpx2.Response(403, json={"message": "admission webhook said no"})

    kube = client(answer)
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a", "namespace": "b"}}
    assert kube.path(widget) == "/apis/example.com/v1/namespaces/b/widgets/a"
    assert kube.path({**widget, "kind": "Rack"}) == "/apis/example.com/v1/racks/a"
    with pytest.raises(LabError, match=r"does not serve example\.com/v1 Gadget"):
        kube.path({**widget, "kind": "Gadget"})
    with pytest.raises(LabError, match="admission webhook said no"):
        kube.apply(widget)


def test_deleting_what_is_gone_is_no_error() -> None:
    client(lambda _: httpx2.Response(404, json={"message": "not found"})).delete("/api/v1/nodes/a")
