"""VictoriaMetrics Operator: VMAgent or VMSingle, VMServiceScrape and VMPodScrape of operator.victoriametrics.com.

With neither selector the field selectAllByDefault decides; with one of the two, no namespace selector means the own
namespace, and no object selector means every object of the selected namespaces. An agent on every node takes no
VMServiceScrapes. A VMSingle scrapes only if it says so, an agent unless it says otherwise (ingestOnlyMode).
"""

from typing import Any, Literal

from aiconform.checks.ai_service_metrics.via import (
    ASK_FOR_ACCOUNT,
    MAKE_A_SERVICE,
    Collector,
    Group,
    Manifest,
    Objects,
    Registration,
    Shown,
    seconds,
)
from aiconform.checks.ai_service_metrics.via.monitors import monitor, service
from aiconform.checks.ai_service_metrics.via.selectors import Unsatisfiable, labels_for
from aiconform.checks.ai_service_metrics.via.victoria_stores import GROUP, Written, own_name, single, written
from aiconform.model import Detection, Inventory, Permission

_API = f"{GROUP}/v1beta1"
_WAYS: tuple[tuple[Literal["service", "pod"], str], ...] = (("service", "serviceScrape"), ("pod", "podScrape"))


class VictoriaMetrics:
    """The adapter; see the module."""

    product = "victoria-metrics"
    proved = (
        "VictoriaMetrics 1.150 with its operator 0.74.1 on Kubernetes 1.37.1, by hand: VMAgent with VMSingle, sound, "
        "on every node, writing elsewhere, and with the operator stopped; VMCluster: not yet"
    )
    searches = False
    permissions: tuple[Permission, ...] = (
        *MAKE_A_SERVICE,
        Permission(
            group=GROUP,
            resources=("vmagents", "vmsingles", "vmclusters"),
            verbs=("list",),
            scope="cluster",
            why="which scrapes it selects, and where it answers queries",
        ),
        Permission(
            group=GROUP,
            resources=("vmservicescrapes", "vmpodscrapes"),
            verbs=("create", "delete"),
            why="registers the probe, and takes that back",
        ),
        ASK_FOR_ACCOUNT,
    )

    def detect(self, inventory: Inventory) -> Detection:
        if inventory.serves(GROUP, "v1beta1", "vmagents"):
            return Detection(usable=True, because=f"the API server serves vmagents of {_API}")
        return Detection(usable=False, because=f"the API server does not serve vmagents of {_API}")

    def kinds(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        wanted = ("vmagents", "vmsingles", "vmclusters")
        return tuple((_API, p) for p in wanted if f"{p}.{_API}" in served)

    def collectors(self, objects: Objects, shown: tuple[Shown, ...]) -> tuple[Collector, ...]:
        del shown
        agents = [_collector(o, "vmagent", written(o, objects)) for o in objects.get(f"vmagents.{GROUP}", [])]
        singles = objects.get(f"vmsingles.{GROUP}", [])
        found = [*agents, *(_collector(o, "vmsingle", Written((single(o),))) for o in singles if _scrapes(o, False))]
        return tuple(sorted(found, key=lambda c: (bool(c.problem), bool(c.namespace_labels), c.name)))

    def register(self, group: Group, collector: Collector) -> Registration:
        if collector.way == "pod":
            return Registration(objects=[monitor(_API, "VMPodScrape", group, collector.labels, "podMetricsEndpoints")])
        made = monitor(_API, "VMServiceScrape", group, collector.labels, "endpoints")
        return Registration(objects=[service(group), made])


def _scrapes(item: Manifest, otherwise: bool) -> bool:
    only_takes = (item.get("spec") or {}).get("ingestOnlyMode")
    return otherwise if only_takes is None else not only_takes


def _collector(item: Manifest, kind: str, stored: Written) -> Collector:
    meta, spec = item["metadata"], item.get("spec") or {}
    name, said = f"{meta['namespace']}/{meta['name']}", []
    if not _scrapes(item, True):
        return Collector(name=name, problem="it scrapes nothing (ingestOnlyMode)", places=stored.places)
    for way, field in _WAYS[bool(spec.get("daemonSetMode")) :]:
        try:
            labels, namespace_labels = _demands(spec, field, meta["namespace"])
        except Unsatisfiable as why:
            said.append(str(why))
            continue
        return Collector(
            name=name,
            way=way,
            labels=labels,
            namespace_labels=namespace_labels,
            places=stored.places,
            elsewhere=stored.elsewhere,
            account=(meta["namespace"], spec.get("serviceAccountName") or own_name(item, kind)),
            # The operator's default.
            interval=seconds(spec.get("scrapeInterval") or "30s"),
        )
    return Collector(name=name, problem="; ".join(dict.fromkeys(said)), places=stored.places)


def _demands(spec: dict[str, Any], kind: str, own: str) -> tuple[dict[str, str], dict[str, str]]:
    selector, namespaces = spec.get(f"{kind}Selector"), spec.get(f"{kind}NamespaceSelector")
    if selector is None and namespaces is None:
        if spec.get("selectAllByDefault"):
            return {}, {}
        raise Unsatisfiable(f"it has no {kind}Selector and does not select by default")
    if namespaces is None:
        raise Unsatisfiable(f"it takes scrapes of its own namespace {own} only")
    return labels_for(selector or {}), labels_for(namespaces)


MECHANISM = VictoriaMetrics()
