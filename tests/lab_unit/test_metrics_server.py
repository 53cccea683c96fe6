"""The lab's metrics API: paths, quantities, and what it says of Prometheus' series."""

import re
import ssl
from typing import Any

import pytest

from aiconform.engine import registry
from aiconform.lab.metrics_backend import FAULTS, HPA, Backend, Sample
from aiconform.lab.metrics_server import NoMetric, answer, asked

CUSTOM = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/ns"


class Made(Backend):
    """A backend with two pods in "ns" and one in "other", which asks nobody."""

    series = (
        Sample({"namespace": "ns", "pod": "a", "x": "1"}, 90.0, 1.0),
        Sample({"namespace": "ns", "pod": "b", "x": "2"}, 10.0, 1.0),
        Sample({"namespace": "other", "pod": "a", "x": "1"}, 1000.0, 1.0),
    )

    def query(self, promql: str) -> list[Sample]:
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', promql.replace("!=", "~")))
        unwanted = dict(re.findall(r'(\w+)!="([^"]*)"', promql))
        found = [s for s in self.series if all(s.labels.get(k) == v for k, v in wanted.items() if v != "")]
        found = [s for s in found if all(s.labels.get(k) != v for k, v in unwanted.items())]
        return [] if promql.startswith(("sum by (namespace, pod) (gone", "gone")) else found

    def pods(self, namespace: str, selector: str) -> list[str]:
        return ["a", "b"] if not selector else ["a"]


def backend(fault: str = "") -> Backend:
    return Made("", "", ssl.create_default_context(), fault)


def said(path: str, query: dict[str, str] | None = None, *, fault: str = "", user: str = "", **more: Any) -> list[str]:
    what = asked(path)
    assert what is not None
    return [item["value"] for item in answer(backend(fault), what, query or {}, user, **more)["items"]]


def test_the_autoscalers_paths_are_understood() -> None:
    what = asked(f"{CUSTOM}/pods/%2A/load")
    assert what is not None and (what.kind, what.name, what.metric) == ("pods", "*", "load")
    assert what.attributes() | {"version": ""} == {
        "group": "custom.metrics.k8s.io", "version": "", "namespace": "ns", "verb": "get", "resource": "pods",
        "subresource": "load", "name": "*",
    }  # fmt: skip
    external = asked("/apis/external.metrics.k8s.io/v1beta1/namespaces/ns/load")
    assert external is not None and external.attributes()["verb"] == "list"
    assert asked("/apis/custom.metrics.k8s.io/v1beta2") is None


def test_pods_have_their_own_values_and_namespaces_are_apart() -> None:
    assert said(f"{CUSTOM}/pods/*/load") == ["90", "10"]
    assert said(f"{CUSTOM}/pods/*/load", {"labelSelector": "app=x"}) == ["90"]
    assert said(f"{CUSTOM}/pods/b/load") == ["10"]
    assert said(f"{CUSTOM}/pods/b/load", milli=True) == ["10000m"]


def test_an_external_metric_has_every_series_that_fits() -> None:
    path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/ns/load"
    assert said(path) == ["90", "10"]
    assert said(path, {"labelSelector": "x=2"}) == ["10"]
    assert said(path.replace("load", "gone")) == []


def test_what_nobody_exports_is_not_found() -> None:
    with pytest.raises(NoMetric, match="gone"):
        said(f"{CUSTOM}/pods/*/gone")


@pytest.mark.parametrize(
    ("fault", "user", "values"),
    [
        ("constant", "", ["12", "12"]),
        ("doubled", "", ["180", "20"]),
        ("sums", "", ["100", "100"]),
        ("says-high", "", ["1000", "10"]),
        ("other-for-hpa", "", ["90", "10"]),
        ("other-for-hpa", HPA, ["180", "20"]),
        ("half-for-hpa", "", ["90", "10"]),
        ("half-for-hpa", HPA, ["45", "5"]),
        ("mixes-namespaces", "", ["1090", "1010"]),
    ],
)
def test_faults_are_what_they_say(fault: str, user: str, values: list[str]) -> None:
    assert said(f"{CUSTOM}/pods/*/load", fault=fault, user=user) == values


@pytest.mark.parametrize(("fault", "values"), [("zero-when-absent", [0.0, 0.0]), ("frozen-when-absent", [90.0, 10.0])])
def test_what_is_exported_no_more_has_a_value_still(
    fault: str, values: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = backend(fault)
    before = wrong.of_pods("load", "ns", ["a", "b"], "")
    monkeypatch.setattr(wrong, "query", lambda _: [])
    after = wrong.of_pods("load", "ns", ["a", "b"], "")
    assert ([s.value for s in before], [s.value for s in after]) == ([90.0, 10.0], values)
    assert wrong.of_pods("never", "ns", ["a", "b"], "") == []


def test_only_the_autoscaler_is_told_of_100_at_most() -> None:
    capped = backend("capped-for-hpa")
    assert [capped.told(value, user, "load") for user in ("", HPA) for value in (99.0, 140.0)] == [99, 140, 99, 100]


def test_a_first_value_stays_for_each_that_shows_one() -> None:
    stays = backend("first-value-stays")
    assert [stays.told(value, "", key) for key, value in (("a", 5.0), ("b", 7.0), ("a", 6.0))] == [5, 7, 5]


def test_every_fault_is_used_by_a_platform() -> None:
    folder = registry.folder("pod_autoscaling") / "faults"
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.yaml"))
    assert set(FAULTS) - set(re.findall(r"\b(?:fault|custom|external): ([a-z-]+)[,}]", text)) == set()
