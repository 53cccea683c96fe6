"""Which nodes a pod accepts: selectors, required affinity, taints."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiconform.model import Node
from aiconform.porting.manifests import listing, mapping
from aiconform.porting.pods import Pod
from aiconform.porting.textedit import Path

_REQUIRED: Path = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")


@dataclass(frozen=True, kw_only=True)
class Demand:
    """One condition on a node's labels. `path` is where it stands in the pod's spec; `simple`: in nodeSelector."""

    key: str
    operator: str
    values: tuple[str, ...]
    path: Path
    simple: bool

    @property
    def text(self) -> str:
        """For people: "zone=a", "zone In a, b"."""
        return f"{self.key}={self.values[0]}" if self.simple else f"{self.key} {self.operator} {', '.join(self.values)}"

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Kubernetes' rules for node selectors."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
        try:
            number, limit = int(value or ""), int(self.values[0])
        except (ValueError, IndexError):
            return False
        return number > limit if self.operator == "Gt" else self.operator == "Lt" and number < limit


def selector(pod: Pod) -> list[Demand]:
    """The nodeSelector, one demand a label."""
    return [
        Demand(key=k, operator="In", values=(str(v),), path=(*pod.path, "nodeSelector", k), simple=True)
        for k, v in mapping(pod.spec.get("nodeSelector")).items()
    ]


def terms(pod: Pod) -> list[list[Demand]]:
    """The terms of the required node affinity: one of them must hold, and all demands in it. Empty: no affinity."""
    found: Any = pod.spec
    for name in _REQUIRED:
        found = mapping(found).get(str(name))
    return [list(_term(pod, n, mapping(term))) for n, term in enumerate(listing(found))]


def _term(pod: Pod, number: int, term: Mapping[str, Any]) -> Iterator[Demand]:
    for n, rule in enumerate(listing(term.get("matchExpressions"))):
        path = (*pod.path, *_REQUIRED, number, "matchExpressions", n)
        yield _demand(mapping(rule), path)
    for n, rule in enumerate(listing(term.get("matchFields"))):
        path = (*pod.path, *_REQUIRED, number, "matchFields", n)
        yield _demand({**mapping(rule), "key": "metadata.name"}, path)


def _demand(rule: Mapping[str, Any], path: Path) -> Demand:
    values = tuple(str(v) for v in listing(rule.get("values")))
    return Demand(key=str(rule.get("key")), operator=str(rule.get("operator")), values=values, path=path, simple=False)


def labels_of(node: Node) -> dict[str, str]:
    """Its labels, and its name as matchFields know it."""
    return {**node.labels, "metadata.name": node.name}


def accepts(node: Node, demands: Sequence[Demand], alternatives: Sequence[Sequence[Demand]]) -> bool:
    """Whether a node meets all demands, and (if there are any) one of the alternatives."""
    here = labels_of(node)
    # A term without any rule matches nothing.
    one = not alternatives or any(t and all(d.holds(here) for d in t) for t in alternatives)
    return all(d.holds(here) for d in demands) and one


def tolerated(taint: Mapping[str, Any], tolerations: Sequence[Any]) -> bool:
    """Whether a pod with these tolerations may be scheduled in spite of a taint."""
    return any(_tolerates(mapping(t), taint) for t in tolerations)


def _tolerates(t: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if t.get("effect") and t["effect"] != taint.get("effect"):
        return False
    operator = t.get("operator") or "Equal"
    if not t.get("key"):
        return bool(operator == "Exists")
    if t["key"] != taint.get("key"):
        return False
    return bool(operator == "Exists" or str(t.get("value") or "") == str(taint.get("value") or ""))


def toleration(taint: Mapping[str, Any]) -> dict[str, str]:
    """Exactly this taint as a toleration."""
    same = {"key": str(taint["key"]), "effect": str(taint["effect"])}
    value = taint.get("value")
    return {**same, "operator": "Equal", "value": str(value)} if value else {**same, "operator": "Exists"}
