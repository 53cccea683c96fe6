"""What autoscalers read, and whether somebody collects what a monitor points at."""

from collections.abc import Iterator, Mapping
from typing import Any

from aiconform.model import Offer, Status
from aiconform.porting.answers import Answer, Change
from aiconform.porting.manifests import Object, listing, mapping
from aiconform.porting.scene import Scene, each
from aiconform.porting.textedit import Op

_CUSTOM, _EXTERNAL, _PLAIN = "custom.metrics.k8s.io", "external.metrics.k8s.io", "metrics.k8s.io"
_MONITORS = {"ServiceMonitor": "servicemonitors", "PodMonitor": "podmonitors"}
_BY_LABELS = "it needs the labels that it is selected by, by Prometheus "
_READERS = "prometheuses.monitoring.coreos.com"


def read(scene: Scene) -> Iterator[Answer]:
    """Metrics of HorizontalPodAutoscalers and ScaledObjects, and the selectors that a monitor must meet."""
    for owner in scene.objects:
        if owner.kind == "HorizontalPodAutoscaler":
            yield from _autoscaler(scene, owner)
        elif owner.group == "keda.sh":
            yield from _triggers(owner)
        elif owner.group == "monitoring.coreos.com" and owner.kind in _MONITORS:
            yield _monitor(scene, owner)


def _autoscaler(scene: Scene, owner: Object) -> Iterator[Answer]:
    metrics = [m for _, m in each(owner.data, "spec.metrics.*") if isinstance(m, dict)]
    if not metrics or any(m.get("type") in ("Resource", "ContainerResource") for m in metrics):
        yield _answer(owner, _PLAIN, *_plain(scene))
    for m in metrics:
        kind = str(m.get("type"))
        name = str(mapping(mapping(m.get(kind.lower())).get("metric")).get("name") or "")
        if kind == "External":
            yield _answer(owner, name, *_listed(scene, _EXTERNAL, name))
        elif kind in ("Pods", "Object"):
            yield _answer(owner, name, *_listed(scene, _CUSTOM, name, "pods/" if kind == "Pods" else ""))


def _answer(owner: Object, name: str, status: Status, because: str) -> Answer:
    row = "pod_autoscaling"
    return Answer(kind="metric", name=name, owner=owner, status=status, because=because, requirement=row)


def _plain(scene: Scene) -> tuple[Status, str]:
    if _PLAIN in scene.target.groups:
        return Status.THERE, "cpu and memory of pods"
    if not scene.target.inventory.apis:
        return Status.UNKNOWN, "the inventory lists no API at all"
    return Status.MISSING, f"no server of {_PLAIN} (metrics-server or the like) answers"


def _listed(scene: Scene, group: str, name: str, prefix: str = "") -> tuple[Status, str]:
    target, resource = scene.target, f"metrics.{group}"
    names = {o.name for o in target.named(resource)}
    if any(n == name or n == prefix + name or (not prefix and n.endswith(f"/{name}")) for n in names):
        return Status.THERE, f"listed by {group}"
    served = bool(target.named(f"apis.{group}")) or group in target.groups
    if served:
        return Status.UNKNOWN, f"{group} is served and does not list it: adapters list what somebody exports just then"
    if target.knows(resource):
        return Status.MISSING, f"nobody serves {group}"
    return Status.UNKNOWN, target.unread(resource)


def _triggers(owner: Object) -> Iterator[Answer]:
    for _, trigger in each(owner.data, "spec.triggers.*"):
        kind = mapping(trigger).get("type")
        said = mapping(mapping(trigger).get("metadata"))
        where = said.get("serverAddress") or said.get("query") or ""
        because = f"an inventory does not hold what this {kind} trigger reads{f' ({where})' if where else ''}"
        if kind not in ("cpu", "memory", "cron"):
            yield Answer(kind="trigger", name=str(kind), owner=owner, status=Status.UNKNOWN, because=because)


def _monitor(scene: Scene, owner: Object) -> Answer:
    """Whether a Prometheus selects it by its labels; a missing selector selects nothing, an empty one everything."""
    target, labels = scene.target, mapping(owner.metadata.get("labels"))
    readers = target.named(_READERS)
    field = _MONITORS[owner.kind]

    def answer(status: Status, because: str, add: Mapping[str, Any] | None = None) -> Answer:
        ops = [Op(action="set", path=("metadata", "labels", k), value=v) for k, v in (add or {}).items()]
        return Answer(
            kind="collector", name=f"of {owner.kind}s", owner=owner, status=status, because=because,
            requirement="ai_service_metrics",
            changes=tuple(Change(owner=owner, op=op) for op in ops),
        )  # fmt: skip

    if not readers:
        why = "no Prometheus object is there; another collector may read it" if target.knows(_READERS) else ""
        return answer(Status.UNKNOWN, why or target.unread(_READERS))
    choosing = [o for o in readers if field in o.facts]
    found = [o for o in choosing if _selects(o.facts[field], labels)]
    for o in sorted(found, key=lambda o: o.facts.get(f"{field} namespaces") != {}):
        where = _namespaces(o, field, owner.namespace)
        return answer(Status.UNKNOWN if where else Status.THERE, where or f"selected by Prometheus {_full(o)}")
    plain = [o for o in choosing if not listing(mapping(o.facts[field]).get("matchExpressions"))]
    if len(plain) == 1:
        add = {k: v for k, v in mapping(plain[0].facts[field].get("matchLabels")).items() if labels.get(k) != v}
        where = _namespaces(plain[0], field, owner.namespace)
        return answer(
            Status.UNKNOWN if where else Status.RENAMED, where or _BY_LABELS + _full(plain[0]), None if where else add
        )
    if not choosing:
        return answer(Status.MISSING, f"no Prometheus there selects {owner.kind}s")
    return answer(Status.UNKNOWN, "no Prometheus selects it by these labels, and which of them should is not known")


def _namespaces(o: Offer, field: str, namespace: str) -> str:
    """Why it is not sure that this Prometheus looks into a namespace; "" if it does. Without a selector: its own."""
    selector = o.facts.get(f"{field} namespaces")
    if selector == {} or (selector is None and namespace == o.namespace):
        return ""
    if selector is None:
        return f"Prometheus {_full(o)} selects it by its labels, but looks into namespace {o.namespace} alone"
    return f"Prometheus {_full(o)} selects it by its labels, but only in namespaces with labels of their own"


def _full(o: Offer) -> str:
    return f"{o.namespace}/{o.name}"


def _selects(selector: Any, labels: Mapping[str, Any]) -> bool:
    wanted = mapping(mapping(selector).get("matchLabels"))
    rules = listing(mapping(selector).get("matchExpressions"))
    return all(labels.get(k) == v for k, v in wanted.items()) and all(_meets(r, labels) for r in rules)


def _meets(rule: Any, labels: Mapping[str, Any]) -> bool:
    value, wanted = labels.get(mapping(rule).get("key", "")), listing(mapping(rule).get("values"))
    match mapping(rule).get("operator"):
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False
