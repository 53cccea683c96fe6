"""The Kubernetes API as plain JSON objects: what was received is what is recorded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx2
import lightkube
import msgspec
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster as LightkubeCluster
from lightkube.config.models import User

from aiconform.cluster.errors import ClusterError, Refused
from aiconform.cluster.transport import QUIET, STEP
from aiconform.model import ApiResource

# Plain JSON is the second choice, for servers (aggregated APIs) that do not know the first.
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
PATCHES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}
PAGE = 500

Objects = list[dict[str, Any]]


def whole(item: dict[str, Any]) -> dict[str, Any]:
    """Keeps all of an object."""
    return item


@dataclass(frozen=True)
class Answer:
    """One response: `body` is decoded JSON, or None if it was none; `content` is as received."""

    status: int
    body: Any
    content: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        """The content as text. Made when asked for: lists of thousands of objects are never read as one."""
        return self.content.decode(errors="replace")

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def reason(self) -> str:
        return str(self.body.get("reason") or "") if isinstance(self.body, dict) and not self.ok else ""

    @property
    def message(self) -> str:
        """The server's message of a failure, "" on success."""
        if self.ok:
            return ""
        if isinstance(self.body, dict) and self.body.get("message"):
            return str(self.body["message"])
        return " ".join(self.text.split())[:500] or f"HTTP {self.status}"


def qualified(api: str, plural: str) -> str:
    """The name used in subjects and errors: "pods", "podgroups.scheduling.k8s.io"."""
    group = api.rpartition("/")[0]
    return f"{plural}.{group}" if group else plural


def path(api: str, plural: str, namespace: str | None = None, name: str = "", sub: str = "") -> str:
    """The URL path. `api` is apiVersion as in a manifest: "v1", "scheduling.k8s.io/v1beta1"."""
    parts = ["apis" if "/" in api else "api", api]
    parts += ["namespaces", quote(namespace)] if namespace else []
    parts += [plural] + ([quote(name)] if name else []) + ([sub] if sub else [])
    return "/" + "/".join(parts)


class Cluster:
    """One context of one cluster. All calls go through the same recording transport.

    `kube` is a lightkube client on that transport (exec, and whatever likes typed objects). Made by `connect`.
    """

    def __init__(
        self, transport: httpx2.AsyncBaseTransport, server: str, *, context: str = "", namespace: str = "default"
    ) -> None:
        self.server = server.rstrip("/")
        self.context = context
        self.namespace = namespace
        self.server_version = ""
        timeout = httpx2.Timeout(60.0, connect=10.0)
        self.http = httpx2.AsyncClient(transport=transport, base_url=self.server, timeout=timeout, trust_env=False)
        config = KubeConfig.from_one(
            cluster=LightkubeCluster(server=self.server), user=User(), context_name=context or "default"
        )
        self.kube = lightkube.AsyncClient(config=config, transport=transport, timeout=timeout, namespace=namespace)
        # How far the server's clock is ahead of this machine's, as its last answer said.
        self._ahead = timedelta()
        self._discovered: tuple[ApiResource, ...] | None = None
        self._discovering = asyncio.Lock()

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: dict[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        step: str | None = None,
        quiet: bool = False,
        extensions: dict[str, Any] | None = None,
    ) -> Answer:
        """One call. ApiLost if the server cannot be reached; a refusal is an Answer like any other."""
        headers = {"Accept": accept} | ({"Content-Type": content_type} if body is not None else {})
        response = await self.http.request(
            method,
            url,
            params={k: v for k, v in (params or {}).items() if v not in (None, "")},
            content=msgspec.json.encode(body) if body is not None else None,
            headers=headers,
            extensions={STEP: step, QUIET: quiet, **(extensions or {})},
        )
        self._look_at_the_clock(response.headers.get("Date", ""))
        try:
            decoded = msgspec.json.decode(response.content) if response.content else None
        except msgspec.DecodeError:
            decoded = None
        return Answer(response.status_code, decoded, response.content, dict(response.headers))

    def now(self) -> datetime:
        """The time by the server's clock, to some seconds: the one that all runs share, wherever they run."""
        return datetime.now(UTC) + self._ahead

    def _look_at_the_clock(self, date: str) -> None:
        with contextlib.suppress(ValueError, TypeError):
            self._ahead = parsedate_to_datetime(date) - datetime.now(UTC)

    async def get(
        self, api: str, plural: str, name: str, namespace: str | None = None, *, step: str | None = None
    ) -> dict[str, Any] | None:
        """The object, None if it is not there. Refused if reading it is not allowed."""
        answer = await self.request("GET", path(api, plural, namespace, name), step=step)
        if answer.status == 404:
            return None
        return dict(_checked(answer, "get", qualified(api, plural)).body)

    async def list(
        self,
        api: str,
        plural: str,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        step: str | None = None,
        extensions: dict[str, Any] | None = None,
        keep: Callable[[dict[str, Any]], dict[str, Any]] = whole,
    ) -> Objects:
        """All objects, page by page; of each one what `keep` leaves."""
        return (
            await self.list_at(
                api,
                plural,
                namespace,
                labels=labels,
                fields=fields,
                metadata_only=metadata_only,
                step=step,
                extensions=extensions,
                keep=keep,
            )
        )[0]

    async def list_at(
        self,
        api: str,
        plural: str,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        step: str | None = None,
        extensions: dict[str, Any] | None = None,
        keep: Callable[[dict[str, Any]], dict[str, Any]] = whole,
    ) -> tuple[Objects, str]:
        """All objects and the resourceVersion at which they were listed (for a watch)."""
        items: Objects = []
        version = ""
        params = {"labelSelector": labels, "fieldSelector": fields, "limit": PAGE}
        accept = METADATA_LIST if metadata_only else "application/json"
        again = True
        async for page in self._pages(path(api, plural, namespace), params, accept, step, extensions):
            if page.status == 410 and again:
                # The continue token is too old: begin again, without pages, so that it cannot happen twice.
                again = False
                params["limit"] = ""
                page = await self.request("GET", path(api, plural, namespace), params=params, step=step)
                items = []
            content = _checked(page, "list", qualified(api, plural)).body
            kind = str(content.get("kind", "")).removesuffix("List")
            # Items of a list carry no kind, and whoever looks at one later (redaction too) must know it.
            named = {} if metadata_only else {"apiVersion": api, "kind": kind}
            items += [named | keep(item) for item in content.get("items") or []]
            version = content["metadata"].get("resourceVersion", "")
        return items, version

    async def _pages(
        self, url: str, params: dict[str, Any], accept: str, step: str | None, extensions: dict[str, Any] | None
    ) -> AsyncIterator[Answer]:
        token = ""
        while True:
            answer = await self.request(
                "GET", url, params=params | {"continue": token}, accept=accept, step=step, extensions=extensions
            )
            yield answer
            meta = answer.body.get("metadata") if answer.ok and isinstance(answer.body, dict) else None
            token = (meta or {}).get("continue", "")
            if not token:
                return

    async def discover(self, *, fresh: bool = False) -> tuple[ApiResource, ...]:
        """Every served resource (no subresources), in the server's order; asked once and kept."""
        async with self._discovering:
            if self._discovered is None or fresh:
                from aiconform.cluster.discovery import discover

                self._discovered = await discover(self, _DISCOVERY)
            return self._discovered

    async def served(self, group: str, plural: str) -> str:
        """The apiVersion of a kind that the server itself prefers ("resource.k8s.io/v1"); "" if it serves none."""
        for r in await self.discover():
            if (r.group, r.plural) == (group, plural):
                return f"{r.group}/{r.version}"
        return ""

    async def resource(self, api: str, kind: str) -> ApiResource:
        """The resource behind apiVersion and kind of a manifest; looked up again once, it may be new."""
        group, _, version = api.rpartition("/")
        for fresh in (False, True):
            for r in await self.discover(fresh=fresh):
                if (r.group, r.version, r.kind) == (group, version, kind):
                    return r
        raise ClusterError(f"the API server does not serve {kind} of {api}", "not-served")

    async def close(self) -> None:
        """Closes the connections."""
        await self.http.aclose()


def _checked(answer: Answer, verb: str, resource: str) -> Answer:
    if answer.status == 403:
        raise Refused(verb, resource, answer.message)
    if answer.status == 401:
        raise ClusterError(
            f"the API server no longer takes the credentials ({answer.message}); log in again", "unauthorised"
        )
    if answer.status == 404:
        raise ClusterError(f"the API server does not serve {resource}", "not-served")
    if not answer.ok or not isinstance(answer.body, dict):
        raise ClusterError(
            f"the API server answered {answer.status} to {verb} {resource}: {answer.message}", "unexpected"
        )
    return answer
