"""What the lab's metrics API knows, and how it may be wrong: values of Prometheus, pods and rights of the API server.

Its faults are the lab's ways of lying about a metric; see FAULTS.
"""

from __future__ import annotations

import json
import math
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

HPA = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
FAULTS = {
    "constant": "every value is 12",
    "doubled": "every value is twice what it is",
    "sums": "every pod is said to have the sum of all pods",
    "says-high": "a value above 50 is said to be 1000",
    "zero-when-absent": "what nobody exports any more is 0",
    "first-value-stays": "the first value that is shown is shown for good",
    "frozen-when-absent": "what nobody exports any more keeps its last value",
    "mixes-namespaces": "values of the same metric in other namespaces are added",
    "other-for-hpa": "the autoscaler is told twice the value; everybody else is told the truth",
    "half-for-hpa": "the autoscaler is told half the value; everybody else is told the truth",
    "never-less-for-hpa": "the autoscaler is never told a smaller value than once before",
    "capped-for-hpa": "the autoscaler is never told more than 100",
}
_Json = dict[str, Any]
_ALLOWED_SECONDS = 5.0


@dataclass
class Sample:
    """One series: its labels, its value, when it was taken (Unix seconds)."""

    labels: dict[str, str]
    value: float
    at: float


@dataclass
class Backend:
    """Prometheus and the API server. `known`, `first` and `greatest` are the memory of faults."""

    prometheus: str
    api: str
    context: ssl.SSLContext
    fault: str = ""
    delay: float = 0.0
    known: dict[str, list[Sample]] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    greatest: dict[str, float] = field(default_factory=dict)
    _allowed: dict[tuple[str, ...], tuple[float, bool]] = field(default_factory=dict)

    def query(self, promql: str, seconds: float = 5) -> list[Sample]:
        """The instant vector of an expression. Raises OSError if Prometheus does not answer in this time."""
        now = time.time() - self.delay
        params = urllib.parse.urlencode({"query": promql, "time": f"{now:.3f}"})
        # By address and never by a proxy of the user's.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.prometheus}/api/v1/query?{params}", timeout=seconds) as answer:
            found = json.load(answer)["data"]["result"]
        return [Sample(s["metric"], float(s["value"][1]), float(s["value"][0])) for s in found]

    def _call(self, path: str, body: _Json | None = None) -> _Json:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.api + path, data, {"Content-Type": "application/json"})
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.context))
        with urllib.request.build_opener(*handlers).open(request, timeout=5) as answer:
            found: _Json = json.load(answer)
        return found

    def pods(self, namespace: str, selector: str) -> list[str]:
        """Names of the pods of a namespace that fit a label selector."""
        params = urllib.parse.urlencode({"labelSelector": selector})
        found = self._call(f"/api/v1/namespaces/{namespace}/pods?{params}")
        return [item["metadata"]["name"] for item in found["items"]]

    def allows(self, user: str, groups: Sequence[str], attributes: dict[str, str]) -> bool:
        """Whether the API server says that this user may do this; remembered for some seconds."""
        key = (user, *groups, *attributes.values())
        when, verdict = self._allowed.get(key, (-math.inf, False))
        if time.monotonic() - when < _ALLOWED_SECONDS:
            return verdict
        spec = {"user": user, "groups": list(groups), "resourceAttributes": attributes}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        verdict = bool(self._call(path, review)["status"].get("allowed"))
        self._allowed[key] = (time.monotonic(), verdict)
        return verdict

    # -- values ----------------------------------------------------------------------------------------------

    def of_pods(self, metric: str, namespace: str, names: Sequence[str], labels: str) -> list[Sample]:
        """One sample for each of these pods that has the metric."""
        found = self.query(f"sum by (namespace, pod) ({metric}{_matchers(labels, namespace)})")
        mine = [s for s in found if s.labels.get("pod") in names]
        if self.fault == "sums":
            total = sum(s.value for s in mine)
            mine = [Sample(s.labels, total, s.at) for s in mine]
        if self.fault == "mixes-namespaces":
            others = self.query(f'sum({metric}{{namespace!="{namespace}"}})')
            mine = [Sample(s.labels, s.value + sum(o.value for o in others), s.at) for s in mine]
        return self._kept(f"pods/{namespace}/{metric}", mine, [Sample({"pod": n}, 0.0, time.time()) for n in names])

    def of_namespace(self, metric: str, namespace: str, labels: str) -> list[Sample]:
        """The sum of all of a namespace's series."""
        return self.query(f"sum by (namespace) ({metric}{_matchers(labels, namespace)})")

    def external(self, metric: str, namespace: str, labels: str) -> list[Sample]:
        """Every series of the metric that fits."""
        matchers = "" if self.fault == "mixes-namespaces" else _matchers(labels, namespace)
        found = self.query(f"{metric}{matchers}")
        return self._kept(f"external/{namespace}/{metric}", found, [Sample({}, 0.0, time.time())])

    def _kept(self, key: str, found: list[Sample], zero: list[Sample]) -> list[Sample]:
        """What is said of a metric that was known and that nobody exports any more."""
        if not found and key in self.known:
            return {"frozen-when-absent": self.known[key], "zero-when-absent": zero}.get(self.fault, found)
        if found:
            self.known[key] = found
        return found

    def told(self, value: float, user: str, key: str) -> float:
        """What is said of a value, to this user."""
        hpa = user == HPA
        if self.fault == "constant":
            return 12.0
        if self.fault == "doubled" or (self.fault == "other-for-hpa" and hpa):
            return 2 * value
        if self.fault == "first-value-stays":
            return self.first.setdefault(key, value)
        if self.fault == "says-high" and value > 50:
            return 1000.0
        if self.fault == "half-for-hpa" and hpa:
            return value / 2
        if self.fault == "capped-for-hpa" and hpa:
            return min(value, 100.0)
        if self.fault == "never-less-for-hpa" and hpa:
            self.greatest[key] = max(value, self.greatest.get(key, 0.0))
            return self.greatest[key]
        return value


def _matchers(selector: str, namespace: str) -> str:
    """A label selector of equalities as PromQL: "a=b,c=d" -> {namespace="ns",a="b",c="d"}."""
    pairs = [("namespace", namespace)]
    for part in filter(None, selector.split(",")):
        name, _, value = part.partition("=")
        pairs.append((name.strip(), value.lstrip("=").strip()))
    inner = ",".join(f"{name}={json.dumps(value)}" for name, value in pairs)
    return f"{{{inner}}}"
