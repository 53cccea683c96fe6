"""Where metrics are looked for, and how a store is told from its neighbours."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest

from aiconform.checks.accelerator_metrics.families import recognised
from aiconform.checks.accelerator_metrics.reach import denied
from aiconform.checks.accelerator_metrics.sight import Sight
from aiconform.checks.accelerator_metrics.sources import find, targets
from aiconform.checks.accelerator_metrics.stores import node_label, pattern, places
from aiconform.checks.accelerator_metrics.via import vendors
from aiconform.cluster.api import Answer
from aiconform.cluster.errors import ApiLost
from aiconform.judging.metrics import Sample

DAEMON = {"ownerReferences": [{"kind": "DaemonSet"}]}


def pod(ports: list[dict[str, Any]], **meta: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "namespace": "n", **meta},
        "spec": {"containers": [{"ports": [{"protocol": "TCP", **p} for p in ports]}]},
    }


def found(obj: dict[str, Any]) -> list[tuple[str, str]]:
    return [(t["target"], t["why"]) for t in targets(obj, [9400])]


def test_where_a_pod_may_offer_metrics() -> None:
    said = {"prometheus.io/scrape": "true", "prometheus.io/port": "5000", "prometheus.io/path": "/gpu"}
    assert found(pod([], annotations=said)) == [("pods/p:5000/gpu", "annotation")]
    secure = {"prometheus.io/scrape": "true", "prometheus.io/scheme": "https"}
    assert found(pod([{"containerPort": 8443}], annotations=secure)) == [("pods/https:p:8443/metrics", "annotation")]
    assert found(pod([{"containerPort": 8080, "name": "http-metrics"}]))[0][0] == "pods/p:8080/metrics"
    assert found(pod([{"containerPort": 9400}])) == [("pods/p:9400/metrics", "usual port of an exporter")]
    assert found(pod([{"containerPort": 7000}], **DAEMON)) == [("pods/p:7000/metrics", "port of a daemon")]
    # What a tenant serves is nobody's business.
    assert found(pod([{"containerPort": 8080, "name": "http"}])) == []
    assert found(pod([{"containerPort": 9400, "protocol": "UDP"}])) == []


def test_who_refused() -> None:
    words = 'pods "p" is forbidden: User "u" cannot get resource "pods/proxy" in API group "" in the namespace "n"'
    status = {"kind": "Status", "message": words}
    assert denied(Answer(403, status, b"", {})) == "rbac-denied"
    assert denied(Answer(403, None, b"Forbidden", {})) == ""
    assert denied(Answer(200, None, b"", {})) == ""


@pytest.mark.parametrize(
    ("name", "labels", "port", "is_store"),
    [
        ("prometheus", {}, {"name": "web", "port": 9090}, True),
        ("prometheus-operated", {}, {"name": "web", "port": 9090}, True),
        ("kube-prometheus-stack-prometheus", {}, {"name": "http-web", "port": 9090}, True),
        ("x", {"app.kubernetes.io/name": "thanos-query"}, {"name": "http", "port": 10902}, True),
        ("vmsingle-vm", {}, {"name": "http", "port": 8428}, True),
        ("prometheus-node-exporter", {}, {"name": "metrics", "port": 9100}, False),
        ("prometheus-operator", {}, {"name": "https", "port": 443}, False),
        ("grafana", {}, {"name": "http", "port": 9090}, False),
    ],
)
def test_services_that_may_be_stores(name: str, labels: dict[str, str], port: dict[str, Any], is_store: bool) -> None:
    service = {"metadata": {"name": name, "namespace": "n", "labels": labels}, "spec": {"ports": [port]}}
    assert bool(places(service)) == is_store


def test_a_store_of_several_tenants_is_asked_for_its_first() -> None:
    meta = {"name": "vmselect-x", "namespace": "n"}
    ((_, where, _),) = places({"metadata": meta, "spec": {"ports": [{"name": "http", "port": 8481}]}})
    assert where == "services/vmselect-x:8481/select/0/prometheus/api/v1/query"


def test_a_stores_samples_are_told_apart_by_node() -> None:
    def where(*labels: dict[str, str], nodes: int = 2) -> dict[str, str] | None:
        scene: Any = SimpleNamespace(
            node="n1", attempt=SimpleNamespace(facts={"hostname": "host-1", "nodes": nodes, "addresses": ["10.0.0.1"]})
        )
        return node_label([Sample("m", one, 1.0) for one in labels], scene)

    assert where({"Hostname": "n2"}, {"Hostname": "n1"}) == {"Hostname": "n1"}
    assert where({"node": "n2"}, {"node": "host-1"}) == {"node": "host-1"}
    assert where({"instance": "n1:9400"}) == {"instance": "n1:9400"}
    assert where({"gpu": "0"}) is None
    assert where({"gpu": "0"}, nodes=1) == {}
    # They name nodes, and ours is not among them: nothing is known of it, however few nodes there are.
    assert where({"Hostname": "n2"}, nodes=1) is None


def test_a_stores_query_finds_every_family() -> None:
    families = [f for v in vendors() for f in v.families]
    wanted = pattern(families)
    assert '"' not in wanted and "DCGM_FI_DEV_FB_USED" in wanted
    assert len(recognised("DCGM_FI_DEV_FB_USED 1\n", families)) == 1


GPU = 'DCGM_FI_DEV_GPU_UTIL{UUID="a",Hostname="n1"} 0\n'
FORBIDDEN = {"kind": "Status", "message": 'User "u" cannot get resource "pods/proxy" in API group "" in the namespace'}


class FakeBox:
    """A cluster of one pod and one Service, each with one answer, and what is recorded of the search."""

    def __init__(self, pods: list[Any], services: list[Any], answers: dict[str, Answer]) -> None:
        self.objects = {"pods": pods, "services": services}
        self.answers = answers
        self.cluster = self
        self.facts: dict[str, Any] = {}
        self.why: tuple[str, str] = ("", "")

    def seconds(self, _name: str) -> float:
        return 5.0

    async def list(self, _api: str, plural: str, _namespace: str, **_more: str) -> list[Any]:
        return self.objects[plural]

    async def request(self, _method: str, url: str, **_more: Any) -> Answer:
        return next((a for part, a in self.answers.items() if part in unquote(url)), Answer(503, None, b"refused", {}))

    def fact(self, name: str, value: Any, *, step: str) -> None:
        assert step == "find"
        self.facts[name] = value

    def unable(self, _step: str, code: str, because: str) -> None:
        self.why = (code, because)


def search(box: FakeBox, endpoint: str = "") -> list[dict[str, Any]]:
    facts = {"endpoint": endpoint, "ports": [9400], "hostname": "n1", "nodes": 2}
    scene: Any = SimpleNamespace(
        box=box, node="n1", attempt=SimpleNamespace(facts=facts), sources=[],
        families=tuple(f for v in vendors() for f in v.families),
    )  # fmt: skip
    assert asyncio.run(find(scene)) == bool(scene.sources)
    return list(scene.sources)


RUNNING = pod([{"containerPort": 9400}]) | {"status": {"phase": "Running"}}
STORE = {"metadata": {"name": "prometheus", "namespace": "m"}, "spec": {"ports": [{"name": "web", "port": 9090}]}}
ROW = {"metric": {"__name__": "DCGM_FI_DEV_GPU_UTIL", "UUID": "a", "Hostname": "n1"}, "value": [1, "0"]}
STORED = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [ROW]}})


def test_an_exporter_is_read_before_a_store() -> None:
    box = FakeBox(
        [RUNNING],
        [STORE],
        {"pods/": Answer(200, None, GPU.encode(), {}), "services/": Answer(200, None, STORED.encode(), {})},
    )
    (source,) = search(box)
    assert (source["kind"], source["subject"], source["families"]) == ("exporter", "GET pods/p:9400/metrics", ["dcgm"])


def test_a_store_is_asked_where_no_exporter_can_be_read() -> None:
    (source,) = search(FakeBox([RUNNING], [STORE], {"services/": Answer(200, None, STORED.encode(), {})}))
    assert source["kind"] == "store" and source["where"] == {"Hostname": "n1"}
    assert source["params"]["query"].endswith(',Hostname="n1"}')
    assert source["subject"].startswith("GET services/prometheus:9090/api/v1/query?query=")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(403, FORBIDDEN, b"", {}), "rbac-denied"),
        (Answer(401, None, b"Unauthorized", {}), "no-reachable-address"),
        (Answer(200, None, b"up 1\n", {}), "mechanism-not-found"),
    ],
)
def test_why_nothing_was_found(answer: Answer, code: str) -> None:
    box = FakeBox([RUNNING], [], {"pods/": answer})
    assert search(box) == [] and box.why[0] == code
    assert box.facts["tried"][0]["status"] == answer.status


def test_an_endpoint_that_the_user_names() -> None:
    answers = {"services/gpu:80/proxy/deep/metrics": Answer(200, None, GPU.encode(), {})}
    (source,) = search(FakeBox([], [], answers), "services/ns/gpu:80/deep/metrics")
    assert source["target"] == "services/gpu:80/deep/metrics" and source["namespace"] == "ns"
    for wrong in ("http://10.0.0.1:9400/metrics", "pods/ns/p"):
        box = FakeBox([], [], {})
        assert search(box, wrong) == []
        assert box.why[0] == "no-reachable-address" and "pods/NAMESPACE/NAME:PORT/PATH" in box.why[1]
    silent = FakeBox([], [], {})
    assert search(silent, "pods/ns/p:1/m") == [] and "refused" in silent.why[1]


def test_names_that_nobody_knows_are_watched_all_the_same() -> None:
    (source,) = search(FakeBox([RUNNING], [], {"pods/": Answer(200, None, b"acme_accel_utilisation 1\n", {})}))
    assert source["families"] == []


class Flaky(FakeBox):
    """The same cluster over connections of which the first ones are lost."""

    lost = 2

    async def request(self, _method: str, url: str, **more: Any) -> Answer:
        self.lost -= 1
        if self.lost >= 0:
            raise ApiLost("the API server could not be reached")
        return await super().request(_method, url, **more)


def test_a_lost_connection_says_nothing_of_an_exporter() -> None:
    box = Flaky([RUNNING], [], {"pods/": Answer(200, None, GPU.encode(), {})})
    (source,) = search(box)
    assert source["families"] == ["dcgm"]


def test_where_every_connection_is_lost_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Flaky([RUNNING], [], {"pods/": Answer(200, None, GPU.encode(), {})})
    box.lost = 10**6
    monkeypatch.setattr(box, "seconds", lambda _name: 0.3)
    assert search(box) == [] and box.why[0] == "api-lost"


def sight() -> Sight:
    known = tuple(f for v in vendors() for f in v.families if f.name == "dcgm")
    return Sight(known, 256 * 2**20)


def seen(s: Sight, step: str, **values: tuple[float, float]) -> Sight:
    pairs = (("DCGM_FI_DEV_GPU_UTIL", 0), ("DCGM_FI_DEV_FB_USED", 1))
    body = "".join(f'{name}{{UUID="{d}"}} {v[i]}\n' for name, i in pairs for d, v in values.items())
    s.look(step, {"name": "e", "kind": "exporter", "where": {}}, 200, {"content-type": "text/plain"}, body)
    return s


def test_enough_is_seen_when_one_device_shows_all_of_the_load() -> None:
    idle: dict[str, tuple[float, float]] = {"a": (0, 0), "b": (0, 0)}
    # Another tenant begins to compute before our own utilisation is shown.
    mixed = seen(seen(sight(), "idle", **idle), "load", a=(0, 256), b=(90, 0))
    assert not mixed.moved
    assert seen(mixed, "load", a=(90, 256), b=(90, 0)).moved


def test_a_load_that_the_last_scrape_of_the_idle_time_shows_already_is_seen() -> None:
    late = seen(seen(sight(), "idle", a=(0, 10)), "idle", a=(82, 228))
    assert seen(late, "load", a=(100, 268)).moved
    assert not seen(seen(sight(), "idle", a=(82, 228)), "load", a=(100, 268)).moved


def test_what_is_not_told_of_any_more_has_not_gone_back() -> None:
    before = seen(sight(), "baseline", a=(0, 0), b=(0, 0))
    assert not seen(before, "release", b=(0, 0)).back
    assert seen(before, "release", a=(0, 0)).back
