"""Stores of metrics that speak as Prometheus does, asked through their Service."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from aiconform.checks.accelerator_metrics.families import Family
from aiconform.checks.accelerator_metrics.reach import ask, denied, target
from aiconform.checks.accelerator_metrics.scene import Scene
from aiconform.judging.metrics import Malformed, Sample, vector

Object = dict[str, Any]
# Names of the programs, as charts and operators put them into app.kubernetes.io/name and into names of Services.
_NAMES = ("prometheus", "thanos-query", "vmsingle", "vmselect", "victoria-metrics", "mimir", "managed-prometheus")
# Their usual ports, and how charts name them.
_PORTS, _PORT_NAMES = (9090, 8428, 8481, 10902, 8080), ("web", "http-web", "http")
# Where these have the Prometheus API; vmselect for its first tenant.
_PREFIXES = {"vmselect": "select/0/prometheus/", "mimir": "prometheus/"}
MOST = 8
# Labels by which exporters and collectors name a node, in the order in which they are believed.
NODE_LABELS = ("Hostname", "hostname", "node", "node_name", "nodename", "kubernetes_node", "exported_node", "host")


async def find_store(scene: Scene, named: tuple[str, str, str] | None = None) -> tuple[list[Object], list[Object]]:
    """(sources, everything that was tried). `named`: namespace, NAME:PORT and path that the user insists on."""
    query = {"query": f'{{__name__=~"{pattern(scene.families)}"}}'}
    if named:
        found = [(named[0], f"services/{named[1]}/{named[2]}", "named by the user")]
    else:
        found = [p for s in await scene.box.list("v1", "services", "*") for p in places(s)][:MOST]
    tried = []
    for namespace, where, why in found:
        t = target("store", namespace, where, why, params=query)
        answer = await ask(scene, t)
        t |= {"status": answer.status if answer else 0, "strange": False, "code": denied(answer) if answer else ""}
        t["said"] = answer.message[:300] if answer else "no answer in time"
        tried.append(t)
        if answer is not None and answer.status == 200:
            _look(scene, t, answer.text)
    return [t for t in tried if t["families"]], tried


def pattern(known: Iterable[Family]) -> str:
    """The names of these families as one regular expression inside a quoted string of PromQL."""
    names = [n for f in known for v in (*f.utilisation, *f.memory) for n in v.names]
    return "|".join(n.replace("\\", "\\\\").replace('"', '\\"') for n in names)


def places(service: Object) -> list[tuple[str, str, str]]:
    """Where a Service may be a store: (namespace, target, why)."""
    meta, spec = service["metadata"], service.get("spec") or {}
    labels = meta.get("labels") or {}
    called = f"{meta['name']} {labels.get('app.kubernetes.io/name', '')} {labels.get('app', '')}".lower()
    program = next((n for n in _NAMES if n in called), "")
    if not program or "exporter" in called or "operator" in called.replace("prometheus-operated", ""):
        return []
    ports = [p for p in spec.get("ports") or [] if p.get("protocol", "TCP") == "TCP"]
    fit = [p for p in ports if p.get("port") in _PORTS or p.get("name") in _PORT_NAMES]
    path = f"{_PREFIXES.get(program, '')}api/v1/query"
    return [
        (meta["namespace"], f"services/{meta['name']}:{p['port']}/{path}", f"a Service called {program}")
        for p in fit[:1]
    ]


def _look(scene: Scene, t: Object, text: str) -> None:
    """Notes which families are in a store's answer, and by which label the node is told from others."""
    try:
        samples = vector(text)
    except Malformed as error:
        t["said"] = str(error)
        return
    where = node_label(samples, scene)
    if where is None:
        t["said"] = f"no label of its samples names {scene.node}, and other nodes have accelerators, too"
        return
    ours = [s for s in samples if all(s.labels.get(k) == v for k, v in where.items())]
    t["where"] = where
    t["families"] = [f.name for f in scene.families if any(f.named(s.name) for s in ours)]
    if where:
        matchers = "".join(f',{k}="{v}"' for k, v in where.items())
        t["params"] = {"query": t["params"]["query"].removesuffix("}") + matchers + "}"}
    t["subject"] = f"GET {t['target']}?{urlencode(t['params'])}"


def node_label(samples: Iterable[Sample], scene: Scene) -> dict[str, str] | None:
    """The label that names our node in these samples; None if they name other nodes only, or none is named and
    several nodes have accelerators; {} if none is named and ours is the only one that has any."""
    names = {scene.node, scene.attempt.facts["hostname"]}
    found = tuple(samples)
    for label in (*NODE_LABELS, "instance"):
        for s in found:
            value = s.labels.get(label, "")
            host = re.sub(r":\d+$", "", value) if label == "instance" else value
            if host in names:
                return {label: value}
    named = any(s.labels.get(label) for s in found for label in NODE_LABELS)
    return {} if not named and scene.attempt.facts["nodes"] == 1 else None
