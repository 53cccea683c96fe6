"""What adapters read out of a product's own objects, and what they make of it."""

from typing import Any

import pytest
import yaml

from aiconform.checks.ai_service_metrics.plan import attempts
from aiconform.checks.ai_service_metrics.via import (
    CollectingMechanism,
    Collector,
    Group,
    Objects,
    Shown,
    annotations,
    azure,
    gke,
)
from aiconform.checks.ai_service_metrics.via import otel as otel_collector
from aiconform.checks.ai_service_metrics.via import prometheus_operator as operator
from aiconform.checks.ai_service_metrics.via import victoria_metrics as vm
from aiconform.checks.ai_service_metrics.via.selectors import Unsatisfiable, labels_for
from aiconform.model import ApiResource, Inventory, Node, Options

GROUP = Group(name="g", labels={"a": "b"}, port=8000)
ALL: dict[str, Any] = {}


def collector(**spec: Any) -> Collector:
    item = {"metadata": {"name": "k8s", "namespace": "monitoring"}, "spec": spec}
    (found,) = operator.MECHANISM.collectors({"prometheuses.monitoring.coreos.com": [item]}, ())
    return found


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        ({}, {}),
        ({"matchLabels": {"release": "x"}}, {"release": "x"}),
        (expression("team", "In", "b", "a"), {"team": "a"}),
        (expression("team", "Exists"), {"team": "true"}),
        (expression("team", "NotIn", "a"), {}),
        (expression("team", "DoesNotExist"), {}),
        (expression("kubernetes.io/metadata.name", "NotIn", "kube-system"), {}),
        (expression("kubernetes.io/metadata.name", "Exists"), {}),
        ({"matchLabels": {"a": "1"}, **expression("a", "In", "1", "2")}, {"a": "1"}),
        (
            {
                "matchExpressions": [
                    {"key": "a", "operator": "In", "values": ["1", "2"]},
                    {"key": "a", "operator": "NotIn", "values": ["1"]},
                ]
            },
            {"a": "2"},
        ),
    ],
)
def test_labels_that_a_selector_takes(selector: dict[str, Any], labels: dict[str, str]) -> None:
    assert labels_for(selector) == labels


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
        expression("kubernetes.io/metadata.name", "In", "a", "b"),
        {"matchLabels": {"a": "1"}, **expression("a", "DoesNotExist")},
        {"matchLabels": {"a": "1"}, **expression("a", "NotIn", "1")},
        expression("a", "Gt", "1"),
    ],
)
def test_selectors_that_the_suite_cannot_meet(selector: dict[str, Any]) -> None:
    with pytest.raises(Unsatisfiable):
        labels_for(selector)


def test_a_prometheus_that_takes_all() -> None:
    found = collector(serviceMonitorSelector=ALL, serviceMonitorNamespaceSelector=ALL)
    assert (found.way, found.problem, found.labels, found.namespace_labels) == ("service", "", {}, {})
    assert found.account == ("monitoring", "default")
    assert found.places[0].target == "services/prometheus-operated:web"
    service, monitor = operator.MECHANISM.register(GROUP, found).objects
    assert service["kind"] == "Service" and monitor["kind"] == "ServiceMonitor"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()


def test_no_selector_takes_nothing_and_no_namespace_selector_only_the_own_namespace() -> None:
    assert "no ServiceMonitors at all" in collector(serviceMonitorNamespaceSelector=ALL).problem
    assert "own namespace monitoring" in collector(serviceMonitorSelector=ALL).problem


def test_labels_are_taken_over_and_pods_are_a_second_way() -> None:
    found = collector(
        serviceMonitorSelector=ALL,
        podMonitorSelector={"matchLabels": {"release": "x"}},
        podMonitorNamespaceSelector={"matchLabels": {"monitored": "yes"}},
    )
    assert (found.way, found.labels, found.namespace_labels) == ("pod", {"release": "x"}, {"monitored": "yes"})
    (monitor,) = operator.MECHANISM.register(GROUP, found).objects
    assert (monitor["kind"], monitor["metadata"]["labels"]) == ("PodMonitor", {"release": "x"})


def test_where_it_answers() -> None:
    both: dict[str, Any] = {"serviceMonitorSelector": ALL, "serviceMonitorNamespaceSelector": ALL}
    assert collector(**both, shards=2).places == ()
    assert collector(**both, listenLocal=True).places == ()
    (place,) = collector(
        **both, externalUrl="https://example.com/prom/", portName="http", serviceName="own", web={"tlsConfig": {}}
    ).places
    assert (place.target, place.prefix) == ("services/own:http", "/prom")
    (place,) = collector(**both, web={"tlsConfig": {"cert": {}}}, routePrefix="/").places
    assert (place.target, place.prefix) == ("services/https:prometheus-operated:web", "")


BY_POD = """
scrape_configs:
- job_name: pods
  kubernetes_sd_configs: [{role: pod}]
  relabel_configs: [{source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], action: keep}]
"""
BY_SERVICE = BY_POD.replace("role: pod", "role: endpointslice").replace("_pod_annotation", "_service_annotation")
BY_LABEL = BY_POD.replace("annotation_prometheus_io_scrape", "label_monitored")
OF_TEAMS = BY_POD + "  - {source_labels: [__meta_kubernetes_namespace], regex: team-.*, action: keep}\n"
OWN_SPACES = BY_POD.replace("role: pod", "role: pod, namespaces: {names: [team-a]}")
STATIC = "scrape_configs: [{job_name: a, static_configs: [{targets: [b]}]}]"


@pytest.mark.parametrize(
    ("configs", "way", "sure"),
    [
        ((), "pod-annotations", False),
        ((BY_POD,), "pod-annotations", True),
        ((BY_SERVICE,), "service-annotations", True),
        ((BY_SERVICE, BY_POD), "pod-annotations", True),
        ((BY_LABEL,), "pod-annotations", False),
        ((OF_TEAMS,), "pod-annotations", False),
        ((OWN_SPACES,), "pod-annotations", False),
        ((OF_TEAMS, BY_POD), "pod-annotations", True),
        ((STATIC,), "pod-annotations", True),
        (("{",), "pod-annotations", False),
        (("text",), "pod-annotations", False),
    ],
)
def test_what_a_configuration_says_about_annotations(configs: tuple[str, ...], way: str, sure: bool) -> None:
    (found,) = annotations.MECHANISM.collectors({}, tuple(Shown(config=c, takes=False) for c in configs))
    assert (found.way, found.sure) == (way, sure)


def test_a_store_that_others_may_write_into_demands_nothing_by_its_own_targets() -> None:
    (found,) = annotations.MECHANISM.collectors({}, (Shown(config=STATIC),))
    assert not found.sure
    (found,) = annotations.MECHANISM.collectors({}, (Shown(config=BY_POD),))
    assert found.sure


def test_how_often_it_scrapes() -> None:
    config = "global: {scrape_interval: 1m}\nscrape_configs: [{job_name: a, scrape_interval: 2m30s}]"
    assert annotations.MECHANISM.collectors({}, (Shown(config=config),))[0].interval == 150.0
    assert annotations.MECHANISM.collectors({}, ())[0].interval == 0.0
    both: dict[str, Any] = {"serviceMonitorSelector": ALL, "serviceMonitorNamespaceSelector": ALL}
    assert (collector(**both).interval, collector(**both, scrapeInterval="2s").interval) == (30.0, 2.0)


def service(name: str, port: str = "web", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "ns", "labels": labels},
        "spec": {"ports": [{"name": "grpc", "port": 1}, {"name": port, "port": 9090}]},
    }


def test_services_that_look_like_the_api() -> None:
    found = annotations.places(
        [
            service("prometheus"),
            service("x", app="prometheus"),
            service("thanos-query", "https"),
            service("prometheus-node-exporter"),
            service("web"),
            {"metadata": {"name": "prometheus-none", "namespace": "ns"}, "spec": {}},
        ]
    )
    assert [p.target for p in found] == [
        "services/https:thanos-query:9090", "services/prometheus:9090", "services/x:9090",
    ]  # fmt: skip
    (cluster,) = annotations.places([service("vmselect-x")])
    assert cluster.prefix == "/select/0/prometheus"


def test_victoria_metrics_selects_by_default_only_if_it_says_so() -> None:
    def agent(**spec: Any) -> Collector:
        item = {"metadata": {"name": "a", "namespace": "m"}, "spec": spec}
        return vm.MECHANISM.collectors({"vmagents.operator.victoriametrics.com": [item]}, ())[0]

    assert agent().problem and not agent(selectAllByDefault=True).problem
    assert agent(serviceScrapeSelector=ALL).problem
    found = agent(serviceScrapeNamespaceSelector={"matchLabels": {"a": "b"}})
    assert (found.problem, found.namespace_labels) == ("", {"a": "b"})


def vm_object(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "m"}, "spec": spec}


def vm_collectors(
    agent: dict[str, Any], *, singles: tuple[Any, ...] = (), clusters: tuple[Any, ...] = ()
) -> list[Collector]:
    kinds = {
        "vmagents": [vm_object("a", selectAllByDefault=True, **agent)],
        "vmsingles": singles,
        "vmclusters": clusters,
    }
    objects = {f"{plural}.operator.victoriametrics.com": list(items) for plural, items in kinds.items()}
    return list(vm.MECHANISM.collectors(objects, ()))


@pytest.mark.parametrize(
    ("urls", "asked"),
    [
        (["http://vmsingle-x.m.svc.cluster.local.:8428/api/v1/write"], ["services/vmsingle-x:http"]),
        (["http://vmsingle-x:8428/api/v1/write"], ["services/vmsingle-x:http"]),
        (["http://more.m.svc:8428/api/v1/write"], ["services/https:vmsingle-y:http/vm"]),
        (
            ["http://vminsert-c.m:8480/insert/7/prometheus/api/v1/write"],
            ["services/vmselect-c:http/select/7/prometheus"],
        ),
        (
            ["https://outside.example", "http://vmsingle-x.m.svc:8428/api/v1/write"],
            ["services/vmsingle-x:http"],
        ),
    ],
)
def test_an_agent_of_victoria_metrics_is_asked_for_where_it_writes(urls: list[str], asked: list[str]) -> None:
    more = {"extraArgs": {"tls": "true", "http.pathPrefix": "/vm"}, "serviceSpec": {"metadata": {"name": "more"}}}
    singles = (vm_object("x"), vm_object("y", **more))
    agent = {"remoteWrite": [{"url": u} for u in urls]}
    (found,) = vm_collectors(agent, singles=singles, clusters=(vm_object("c"),))
    assert [p.target + p.prefix for p in found.places] == asked and not found.elsewhere


@pytest.mark.parametrize(
    "remote",
    [
        {"url": "http://user:secret@vmauth-x.m.svc:8427/api/v1/write"},
        {"url": "http://vmsingle-x.other.svc:8428/api/v1/write"},
        {"url": "http://vmsingle-x.m.svc:8428/api/v1/write", "inlineUrlRelabelConfig": [{"action": "keep"}]},
    ],
)
def test_a_store_that_may_get_nothing_of_an_agent_proves_no_fault(remote: dict[str, Any]) -> None:
    (found,) = vm_collectors({"remoteWrite": [remote]}, singles=(vm_object("x"),))
    assert found.places and found.elsewhere and "secret" not in found.elsewhere


def test_what_scrapes_among_the_objects_of_victoria_metrics() -> None:
    (plain, *_) = vm_collectors({})
    assert (plain.way, plain.account, plain.interval) == ("service", ("m", "vmagent-a"), 30.0)
    (everywhere,) = vm_collectors({"daemonSetMode": True, "scrapeInterval": "5s", "serviceAccountName": "s"})
    assert (everywhere.way, everywhere.account, everywhere.interval) == ("pod", ("m", "s"), 5.0)
    scraping = vm_object("x", ingestOnlyMode=False, podScrapeNamespaceSelector=ALL, useLegacyNaming=True)
    single, agent = vm_collectors({"ingestOnlyMode": True}, singles=(scraping, vm_object("y")))
    assert agent.problem and (single.name, single.way, single.account) == ("m/x", "pod", ("m", "x"))
    assert [p.target for p in single.places] == ["services/x:http"] and not single.elsewhere


def allocated(config: Any = None, *, there: bool = True, **rules: Any) -> Collector:
    spec = {"targetAllocator": {"enabled": there, "prometheusCR": rules}, "config": config}
    item = {"metadata": {"name": "a", "namespace": "m"}, "spec": spec}
    return otel_collector.MECHANISM.collectors({"opentelemetrycollectors.opentelemetry.io": [item]}, ())[0]


def test_a_target_allocator_must_read_monitors() -> None:
    assert allocated().problem and allocated(there=False, enabled=True).problem
    assert "team-a" in allocated(enabled=True, allowNamespaces=["team-a"]).problem
    assert not allocated(enabled=True).sure
    found = allocated(
        enabled=True,
        podMonitorSelector={"matchLabels": {"a": "b"}},
        podMonitorNamespaceSelector={"matchLabels": {"c": "d"}},
    )
    assert (found.labels, found.namespace_labels, found.interval) == ({"a": "b"}, {"c": "d"}, 30.0)
    assert found.account == ("m", "a-targetallocator")


def test_where_pipelines_of_metrics_write() -> None:
    config = """
exporters:
  prometheusremotewrite: {endpoint: "http://prometheus.monitoring.svc.cluster.local:9090/api/v1/write"}
  otlphttp/x: {metrics_endpoint: "https://store:8428/vm/api/v1/otlp"}
  otlphttp/y: {endpoint: "https://outside.example:443"}
  prometheusremotewrite/unused: {endpoint: "http://unused:9090/api/v1/write"}
service:
  pipelines:
    metrics: {receivers: [prometheus], exporters: [prometheusremotewrite, otlphttp/x, otlphttp/y]}
    traces: {receivers: [otlp], exporters: [prometheusremotewrite/unused]}
"""
    for written in (config, yaml.safe_load(config)):
        found = allocated(written, enabled=True)
        assert [(p.namespace, p.target, p.prefix) for p in found.places] == [
            ("m", "services/https:store:8428", "/vm"),
            ("monitoring", "services/prometheus:9090", ""),
        ]
        assert found.elsewhere
    assert allocated("{", enabled=True).places == ()


def inventory(*groups: tuple[str, str, str], kubelet: str = "v1.37.1") -> Inventory:
    node = Node(
        name="n", uid="u", ready=True, unschedulable=False, labels={}, taints=(), allocatable={}, kubelet=kubelet,
        runtime="",
    )  # fmt: skip
    apis = tuple(ApiResource(group=g, version=v, plural=p, kind=p.title(), namespaced=True) for g, v, p in groups)
    return Inventory(
        server_version="v1.37.1", platform="p", apis=apis, nodes=(node,), accelerators=(), products=(), gaps=()
    )


def via(inventory: Inventory, **options: Any) -> list[tuple[str, str]]:
    return [(a.via, (a.unable or ("",))[0]) for a in attempts(inventory, Options(**options), "MUST")]


MONITORS = (("monitoring.coreos.com", "v1", "prometheuses"), ("monitoring.coreos.com", "v1", "podmonitors"))


def test_one_attempt_for_each_product_and_annotations_where_there_is_none() -> None:
    assert via(inventory()) == [("annotations", "")]
    assert via(inventory(*MONITORS)) == [("prometheus-operator", "")]
    gmp = ("monitoring.googleapis.com", "v1", "podmonitorings")
    assert via(inventory(*MONITORS, gmp)) == [("prometheus-operator", ""), ("gke", "")]


def test_the_named_mechanism_alone_is_tried() -> None:
    named = {"ai_service_metrics": "annotations"}
    assert via(inventory(*MONITORS), mechanism=named) == [("annotations", "")]
    named = {"ai_service_metrics": "gke"}
    assert via(inventory(), mechanism=named) == [("gke", "mechanism-not-found")]
    (attempt,) = attempts(
        inventory(*MONITORS), Options(mechanism={"ai_service_metrics": "prometheus-operator:ns/k8s"}), "MUST"
    )
    assert attempt.facts["wanted"] == "ns/k8s"


def test_simulated_nodes_run_no_pods() -> None:
    assert via(inventory(kubelet="fake")) == [("annotations", "no-node")]


AGENT: dict[str, Any] = {"metadata": {"name": "a", "namespace": "m"}, "spec": {"selectAllByDefault": True}}
READS = {"targetAllocator": {"enabled": True, "prometheusCR": {"enabled": True, "podMonitorSelector": {}}}}
ALLOCATOR: dict[str, Any] = {"metadata": {"name": "a", "namespace": "m"}, "spec": READS}
KINDS: dict[str, tuple[Objects, dict[tuple[str, str], str]]] = {
    "azure": ({}, {("azmonitoring.coreos.com/v1", "PodMonitor"): "podMetricsEndpoints"}),
    "gke": ({}, {("monitoring.googleapis.com/v1", "PodMonitoring"): "endpoints"}),
    "otel": (
        {"opentelemetrycollectors.opentelemetry.io": [ALLOCATOR]},
        {("monitoring.coreos.com/v1", "PodMonitor"): "podMetricsEndpoints"},
    ),
    "victoria-metrics": (
        {"vmagents.operator.victoriametrics.com": [AGENT]},
        {("v1", "Service"): "", ("operator.victoriametrics.com/v1beta1", "VMServiceScrape"): "endpoints"},
    ),
}

ADAPTERS: dict[str, CollectingMechanism] = {
    m.product: m for m in (azure.MECHANISM, gke.MECHANISM, otel_collector.MECHANISM, vm.MECHANISM)
}


@pytest.mark.parametrize("product", KINDS)
def test_what_registers_a_group_selects_its_pods_and_may_be_made(product: str) -> None:
    objects, wanted = KINDS[product]
    adapter = ADAPTERS[product]
    chosen = adapter.collectors(objects, ())[0]
    assert chosen.problem == ""
    made = {(o["apiVersion"], o["kind"]): o for o in adapter.register(GROUP, chosen).objects}
    assert made.keys() == wanted.keys()
    allowed = {(p.group, r, v) for p in adapter.permissions for r in p.resources for v in p.verbs}
    for (api, kind), endpoints in wanted.items():
        spec, group = made[api, kind]["spec"], api.rpartition("/")[0]
        assert {(group, f"{kind.lower()}s", verb) for verb in ("create", "delete")} <= allowed
        assert (spec["selector"]["matchLabels"] if endpoints else spec["selector"]) == GROUP.labels
        for endpoint in spec[endpoints] if endpoints else ():
            assert (endpoint["port"], endpoint["path"]) == ("metrics", "/metrics")
    assert adapter.proved.startswith("not yet") == (product in ("azure", "gke"))
