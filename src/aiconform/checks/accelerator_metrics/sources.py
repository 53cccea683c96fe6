"""Finding what tells of accelerators: exporters on the node, else a store, or what the user names.

Ports are tried without recording what they say: most of it is nobody's business. What is chosen is recorded in full.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from aiconform.checks.accelerator_metrics.families import likely, recognised
from aiconform.checks.accelerator_metrics.reach import ask, denied, target
from aiconform.checks.accelerator_metrics.scene import Scene
from aiconform.checks.accelerator_metrics.stores import find_store
from aiconform.cluster.errors import ClusterError

Object = dict[str, Any]
# Ports tried on one node at most, and at one time; sources of unknown families that are watched.
MOST, AT_ONCE, STRANGE = 32, 6, 3
_SPEAKING = ("metric", "prom", "export")


async def find(scene: Scene) -> bool:
    """Fills `scene.sources`, and records them, what was tried, and why nothing was found. False: nothing to scrape."""
    try:
        tried = await _named(scene) if scene.attempt.facts["endpoint"] else await _exporters(scene)
        known = [t for t in tried if t["families"]]
        if not known and not scene.attempt.facts["endpoint"]:
            known, more = await find_store(scene)
            tried += more
    except ClusterError as refused:
        scene.box.unable("find", refused.code, str(refused))
        return False
    scene.sources = known or [t for t in tried if t["strange"]][:STRANGE]
    scene.box.fact("tried", [_short(t) for t in tried], step="find")
    scene.box.fact("sources", [{k: v for k, v in s.items() if k != "strange"} for s in scene.sources], step="find")
    if scene.sources:
        return True
    scene.box.unable("find", *_why_none(scene, tried))
    return False


def _short(tried: Object) -> Object:
    return {k: tried[k] for k in ("name", "why", "status", "families", "said") if k in tried}


def _why_none(scene: Scene, tried: list[Object]) -> tuple[str, str]:
    denied = next((t for t in tried if t["code"]), None)
    if denied:
        return denied["code"], f"{denied['name']} could not be read: {denied['said']}"
    closed = next((t for t in tried if t["status"] in (401, 403)), None)
    if closed:
        because = f"{closed['name']} may tell of accelerators, but answers with status {closed['status']}"
        return "no-reachable-address", because
    if scene.attempt.facts["endpoint"]:
        said = tried[0]["said"] if tried else ""
        because = f"{scene.attempt.facts['endpoint']} serves no metrics of accelerators"
        return "no-reachable-address", f"{because}: {said}" if said else because
    because = f"no pod on {scene.node} and no store in the cluster serves metrics of accelerators ({len(tried)} ports "
    return "mechanism-not-found", because + "and Services were tried); name an endpoint with --mechanism"


async def _exporters(scene: Scene) -> list[Object]:
    pods = await scene.box.list("v1", "pods", "*", fields=f"spec.nodeName={scene.node}")
    running = [p for p in pods if (p.get("status") or {}).get("phase") == "Running"]
    found = sorted(
        {t["name"]: t for p in running for t in targets(p, scene.attempt.facts["ports"])}.values(),
        key=lambda t: (t["rank"], t["name"]),
    )
    return await try_all(scene, found[:MOST])


def targets(pod: Object, ports: Iterable[int]) -> Iterator[Object]:
    """Where a pod may offer metrics: by its annotations, by a port's name or number, or because it is a daemon."""
    meta, spec = pod["metadata"], pod["spec"]
    said = meta.get("annotations") or {}
    open_ports = [
        (int(p["containerPort"]), str(p.get("name", "")))
        for c in spec.get("containers") or []
        for p in c.get("ports") or []
        if p.get("protocol", "TCP") == "TCP"
    ]
    file = said.get("prometheus.io/path", "/metrics")
    scheme = said.get("prometheus.io/scheme", "http")
    if said.get("prometheus.io/scrape") == "true":
        named = said.get("prometheus.io/port", "")
        for port in [int(named)] if named.isdigit() else [p for p, _ in open_ports]:
            yield _target(meta, port, scheme, file, 0, "annotation")
    daemon = any(o.get("kind") == "DaemonSet" for o in meta.get("ownerReferences") or [])
    for port, name in open_ports:
        guess = "https" if "https" in name else scheme
        if any(word in name for word in _SPEAKING):
            yield _target(meta, port, guess, file, 1, f"port {name}")
        elif port in ports:
            yield _target(meta, port, guess, file, 2, "usual port of an exporter")
        elif daemon:
            yield _target(meta, port, guess, file, 3, "port of a daemon")


def _target(meta: Object, port: int, scheme: str, file: str, rank: int, why: str) -> Object:
    host = f"https:{meta['name']}:{port}" if scheme == "https" else f"{meta['name']}:{port}"
    return target("exporter", meta["namespace"], f"pods/{host}/{file.lstrip('/')}", why, rank=rank)


async def _named(scene: Scene) -> list[Object]:
    """The endpoint that the user named: pods/NAMESPACE/NAME:PORT/PATH or services/..."""
    wanted = scene.attempt.facts["endpoint"]
    parts = wanted.split("/", 3)
    if len(parts) < 4 or parts[0] not in ("pods", "services"):
        because = f"{wanted!r} is no endpoint: write pods/NAMESPACE/NAME:PORT/PATH or services/NAMESPACE/NAME:PORT/PATH"
        raise ClusterError(because, "no-reachable-address")
    plural, namespace, name, file = parts
    if file.endswith("api/v1/query"):
        stores, tried = await find_store(scene, named=(namespace, name, file))
        return stores or tried
    one = target("exporter", namespace, f"{plural}/{name}/{file}", "named by the user")
    return await try_all(scene, [one])


async def try_all(scene: Scene, found: list[Object]) -> list[Object]:
    """Reads each once; adds status, families, strange, code (of a refusal by the API server), said."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(t: Object) -> Object:
        async with gate:
            answer = await ask(scene, t)
        if answer is None:
            return t | {"status": 0, "strange": False, "code": "", "said": "no answer in time"}
        text = answer.text if answer.status == 200 else ""
        return t | {
            "status": answer.status,
            "families": list(recognised(text, scene.families)),
            "strange": likely(text),
            "code": denied(answer),
            "said": answer.message[:300],
        }

    return list(await asyncio.gather(*(one(t) for t in found)))
