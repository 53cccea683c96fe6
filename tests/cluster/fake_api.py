"""A small Kubernetes API in this process, as an httpx2 transport: lists, watches, writes, and faults on order.

It keeps every event, so that a watch from an old version gets what it missed, as from a real server.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2

from aiconform.cluster.api import Cluster
from aiconform.cluster.sandbox import Sandbox
from aiconform.cluster.transport import Recording
from aiconform.evidence import Recorder
from aiconform.model import FORMAT, Attempt, Begin, Suite

Object = dict[str, Any]
KINDS = {
    "namespaces": ("v1", "Namespace", False),
    "nodes": ("v1", "Node", False),
    "pods": ("v1", "Pod", True),
    "serviceaccounts": ("v1", "ServiceAccount", True),
    "secrets": ("v1", "Secret", True),
    "configmaps": ("v1", "ConfigMap", True),
    "jobs": ("batch/v1", "Job", True),
    "resourceclaims": ("resource.k8s.io/v1", "ResourceClaim", True),
    "resourceslices": ("resource.k8s.io/v1", "ResourceSlice", False),
    "queues": ("example.org/v1", "Queue", False),
    "groups": ("example.org/v1", "Group", True),
}
Fault = Callable[[httpx2.Request], httpx2.Response | Exception | None]


def status(code: int, reason: str, message: str, headers: dict[str, str] | None = None) -> httpx2.Response:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": code, "reason": reason, "message": message}
    return httpx2.Response(code, json=body, headers=headers)


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, api: "FakeApi", chunks: AsyncIterator[bytes]) -> None:
        self.api, self.chunks = api, chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.chunks:
            yield chunk


class FakeApi(httpx2.AsyncBaseTransport):
    """`faults` are asked first, for each request: a response or an exception takes the server's place."""

    def __init__(self) -> None:
        self.version = 100
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.events: list[tuple[int, str, str, Object]] = []
        self.requests: list[httpx2.Request] = []
        self.faults: list[Fault] = []
        self.changed = asyncio.Condition()
        self.cut = asyncio.Event()
        self.inject: list[bytes] = []
        self.sticky: set[str] = set()
        self.oldest = 0
        self.deaf = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        for fault in self.faults:
            answer = fault(request)
            if isinstance(answer, Exception):
                raise answer
            if answer is not None:
                return answer
        path, method = request.url.path, request.method
        if path == "/version":
            return httpx2.Response(200, json={"gitVersion": "v1.37.1"})
        if path in ("/api", "/apis"):
            return httpx2.Response(200, json=discovery(path))
        namespace, plural, name = _parts(path)
        if plural not in KINDS:
            return status(404, "NotFound", "the server could not find the requested resource")
        if method == "GET" and not name:
            if request.url.params.get("watch"):
                return self._watch(request, namespace, plural)
            return self._list(request, namespace, plural)
        body = json.loads(request.content) if request.content else {}
        if method == "POST":
            return await self._create(plural, namespace, body)
        if (plural, namespace, name) not in self.objects:
            return status(404, "NotFound", f'{plural} "{name}" not found')
        if method == "DELETE":
            await self.delete(plural, namespace, name)
        elif method == "PATCH":
            await self.put(plural, _merged(self.objects[plural, namespace, name], body))
        return httpx2.Response(
            200, json=self.objects.get((plural, namespace, name), {"kind": "Status", "metadata": {}})
        )

    async def put(self, plural: str, obj: Object) -> Object:
        """Stores an object and tells the watches."""
        api, kind, namespaced = KINDS[plural]
        meta = obj.setdefault("metadata", {})
        meta.setdefault("uid", str(uuid.uuid4()))
        self.version += 1
        meta["resourceVersion"] = str(self.version)
        obj = json.loads(json.dumps({"apiVersion": api, "kind": kind} | obj))
        key = (plural, meta.get("namespace", "") if namespaced else "", meta["name"])
        self.events.append((self.version, "MODIFIED" if key in self.objects else "ADDED", plural, obj))
        self.objects[key] = obj
        await self._tell()
        return obj

    async def delete(self, plural: str, namespace: str, name: str) -> None:
        if name in self.sticky:
            return
        obj = self.objects.pop((plural, namespace, name))
        self.version += 1
        obj = obj | {"metadata": obj["metadata"] | {"resourceVersion": str(self.version)}}
        self.events.append((self.version, "DELETED", plural, obj))
        if plural == "namespaces":
            for key in [k for k in self.objects if k[1] == name]:
                await self.delete(*key)
        await self._tell()

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def cut_watches(self) -> None:
        """Breaks every open watch as a lost connection does."""
        self.cut.set()
        await self._tell()

    async def _create(self, plural: str, namespace: str, obj: Object) -> httpx2.Response:
        name = obj["metadata"].get("name", "")
        if (plural, namespace, name) in self.objects:
            return status(409, "AlreadyExists", f'{plural} "{name}" already exists')
        made = await self.put(plural, obj)
        if plural == "namespaces":
            await self.put("serviceaccounts", {"metadata": {"name": "default", "namespace": name}})
        return httpx2.Response(201, json=made)

    def _matching(self, request: httpx2.Request, namespace: str, plural: str) -> list[Object]:
        return [
            o for (p, n, _), o in self.objects.items()
            if p == plural and namespace in ("", n) and _selected(o, request.url.params)
        ]  # fmt: skip

    def _list(self, request: httpx2.Request, namespace: str, plural: str) -> httpx2.Response:
        api, kind, _ = KINDS[plural]
        items = self._matching(request, namespace, plural)
        start = int(request.url.params.get("continue") or 0)
        end = start + int(request.url.params.get("limit") or 10_000)
        meta = {"resourceVersion": str(self.version), "continue": str(end) if end < len(items) else ""}
        bare = [{k: v for k, v in o.items() if k not in ("kind", "apiVersion")} for o in items[start:end]]
        return httpx2.Response(200, json={"apiVersion": api, "kind": f"{kind}List", "metadata": meta, "items": bare})

    def _watch(self, request: httpx2.Request, namespace: str, plural: str) -> httpx2.Response:
        since = int(request.url.params["resourceVersion"])
        if since < self.oldest:
            return status(410, "Expired", "too old resource version")
        return httpx2.Response(200, stream=_Stream(self, self._stream(request, namespace, plural, since)))

    async def _stream(self, request: httpx2.Request, namespace: str, plural: str, since: int) -> AsyncIterator[bytes]:
        over = asyncio.get_running_loop().time() + (0.05 if request.url.params["timeoutSeconds"] == "1" else 300)
        cut = self.cut
        while True:
            for version, kind, p, obj in list(self.events):
                mine = p == plural and namespace in ("", obj["metadata"].get("namespace", ""))
                if version > since and mine and not self.deaf and _selected(obj, request.url.params):
                    since = version
                    yield json.dumps({"type": kind, "object": obj}).encode() + b"\n"
            while self.inject:
                yield self.inject.pop(0)
            try:
                async with asyncio.timeout_at(over), self.changed:
                    if not cut.is_set():
                        await self.changed.wait()
            except TimeoutError:
                return
            if cut.is_set():
                self.cut = asyncio.Event()
                raise httpx2.ReadError("connection reset")


def _parts(path: str) -> tuple[str, str, str]:
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    return namespace, rest[0] if rest else "", rest[1] if len(rest) > 1 else ""


def _selected(obj: Object, params: httpx2.QueryParams) -> bool:
    has = obj["metadata"].get("labels") or {}
    for rule in (params.get("labelSelector") or "").split(","):
        key, equal, value = rule.partition("=")
        if key and (key not in has or (equal and has[key] != value)):
            return False
    for rule in (params.get("fieldSelector") or "").split(","):
        key, _, value = rule.partition("=")
        found: Any = obj
        for part in key.split(".") if key else ():
            found = (found or {}).get(part)
        if key and found != value:
            return False
    return True


def _merged(obj: Object, patch: Object) -> Object:
    out = dict(obj)
    for k, v in patch.items():
        out[k] = _merged(out.get(k) or {}, v) if isinstance(v, dict) else v
    return out


def discovery(path: str) -> Object:
    groups: dict[str, dict[str, list[Object]]] = {}
    verbs = ["create", "delete", "get", "list", "patch", "watch"]
    for plural, (api, kind, namespaced) in KINDS.items():
        group, _, version = api.rpartition("/")
        if bool(group) == (path == "/apis"):
            scope = "Namespaced" if namespaced else "Cluster"
            entry = {"resource": plural, "responseKind": {"kind": kind}, "scope": scope, "verbs": verbs}
            groups.setdefault(group, {}).setdefault(version, []).append(entry)
    items = [
        {"metadata": {"name": g}, "versions": [{"version": v, "resources": r} for v, r in versions.items()]}
        for g, versions in groups.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def cluster_on(api: httpx2.AsyncBaseTransport, *, patience: float = 2.0) -> Cluster:
    """A cluster on this API, whose retries do not wait."""

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    return Cluster(Recording(api, "0", patience=patience, sleep=at_once), "http://fake", context="fake")


def attempt() -> Attempt:
    settings = {"deadlines": {"short": 0.2, "long": 5.0}}
    return Attempt(
        id="trial.native", check="trial", via="native", level="MUST", holds=(), settings=settings, facts={},
        minutes=1, disruption="creates",
    )  # fmt: skip


def recorder(folder: Path, run: str = "run1") -> Recorder:
    begin = Begin(
        format=FORMAT, run=run, check="trial", via="native", suite=Suite(version="0"),
        settings=attempt().settings, facts={}, at="2020-01-01T00:00:00.000Z",
    )  # fmt: skip
    return Recorder.create(folder, begin)


def sandbox(api: FakeApi, folder: Path, run: str = "run1") -> Sandbox:
    """A sandbox on this API, recording under `folder`."""
    return Sandbox(cluster_on(api), attempt(), recorder(folder, run), run)
