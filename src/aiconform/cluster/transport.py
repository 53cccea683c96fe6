"""The HTTP transport that every call goes through: it signs, counts, retries and records."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import msgspec

from aiconform.cluster.errors import ApiLost
from aiconform.evidence import Recorder

STEP = "aiconform.step"
"""Request extension: the step that the call belongs to."""
QUIET = "aiconform.quiet"
"""Request extension: count this call, but do not record it (renewing a mark, for example)."""
PATIENCE = "aiconform.patience"
"""Request extension: retry for this many seconds at most (0: do not retry)."""
STREAM = "aiconform.stream"
"""Request extension: the answer is a stream; leave its body alone."""


_COUNTED = ("requests", "retries", "bytes_sent", "bytes_received")


@dataclass
class Scope:
    """Which attempt the calls of a task belong to, and how much they were."""

    run: str = "-"
    attempt: str = "-"
    rec: Recorder | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0))


SCOPE: ContextVar[Scope | None] = ContextVar("aiconform_scope", default=None)


class Signed(httpx2.AsyncBaseTransport):
    """Adds credentials, impersonation and the TLS server name below everything else.

    Doing it here, and not in a client, lets several clients share one way to the cluster.
    """

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        auth: httpx2.Auth | None = None,
        headers: list[tuple[str, str]] | None = None,
        tls_server_name: str = "",
    ) -> None:
        self._inner = inner
        self._auth = auth or httpx2.Auth()
        self._headers = headers or []
        self._tls_server_name = tls_server_name

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._tls_server_name:
            request.extensions = {**request.extensions, "sni_hostname": self._tls_server_name}
        if self._headers:
            request.headers = httpx2.Headers([*request.headers.multi_items(), *self._headers])
        flow = self._auth.async_auth_flow(request)
        try:
            signed = await anext(flow)
            while True:
                response = await self._inner.handle_async_request(signed)
                try:
                    signed = await flow.asend(response)
                except StopAsyncIteration:
                    return response
                await response.aread()
                await response.aclose()
        finally:
            await flow.aclose()

    async def aclose(self) -> None:
        await self._inner.aclose()


class Recording(httpx2.AsyncBaseTransport):
    """Stamps, counts, retries and records every call.

    Retried, with jitter and for at most `patience` seconds: 429 of any verb; 5xx and broken connections of
    calls that may be repeated; calls that were surely never sent. A watch is never retried here: only the
    watch knows where to go on. What cannot be reached in the end raises ApiLost.
    """

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        suite_version: str,
        *,
        patience: float = 60.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._inner = inner
        self._agent = f"aiconform/{suite_version}"
        self._patience = patience
        self._sleep = sleep

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        scope = SCOPE.get() or Scope()
        request.headers["User-Agent"] = f"{self._agent} ({scope.run}/{scope.attempt})"
        scope.counts["requests"] += 1
        scope.counts["bytes_sent"] += int(request.headers.get("Content-Length", 0))
        if _streams(request):
            return await self._inner.handle_async_request(request)
        start = time.monotonic()
        response, tries = await self._insist(request, scope)
        scope.counts["bytes_received"] += len(response.content)
        if scope.rec is not None and not scope.rec.finished and not request.extensions.get(QUIET):
            ms = round((time.monotonic() - start) * 1000, 1)
            _record(scope.rec, request, response, ms, tries)
        return response

    async def _insist(self, request: httpx2.Request, scope: Scope) -> tuple[httpx2.Response, int]:
        over = time.monotonic() + request.extensions.get(PATIENCE, self._patience)
        tries = 0
        while True:
            tries += 1
            wait = min(0.2 * 2**tries, 8.0) * random.uniform(0.5, 1.0)
            try:
                response = await self._inner.handle_async_request(request)
                # A connection may break in the middle of an answer, too.
                await response.aread()
                if not _worth_another(request, response.status_code):
                    return response, tries
                wait = _retry_after(response, wait)
                if time.monotonic() + wait > over:
                    return response, tries
                await response.aclose()
            except httpx2.TransportError as e:
                surely_unsent = isinstance(e, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
                again = surely_unsent or repeatable(request)
                if not again or time.monotonic() + wait > over:
                    host = request.url.netloc.decode()
                    raise ApiLost(
                        f"the API server {host} could not be reached ({reason_of(e)}), tried {tries} times; "
                        "check the network and the cluster, then run again",
                        unsent=surely_unsent,
                    ) from e
            scope.counts["retries"] += 1
            await self._sleep(wait)

    async def aclose(self) -> None:
        await self._inner.aclose()


def reason_of(e: Exception) -> str:
    """An exception in a few words, also where it has no text of its own."""
    return str(e) or type(e).__name__


def repeatable(request: httpx2.Request) -> bool:
    """Whether sending this call twice does the same as sending it once."""
    if request.method == "PATCH":
        return "json-patch" not in request.headers.get("Content-Type", "")
    return request.method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")


def _streams(request: httpx2.Request) -> bool:
    params = request.url.params
    return bool(
        params.get("watch") in ("1", "true")
        or "upgrade" in request.headers.get("Connection", "").lower()
        or request.extensions.get(STREAM)
    )


def _worth_another(request: httpx2.Request, status: int) -> bool:
    return status == 429 or (status in (500, 502, 503, 504) and repeatable(request))


def _retry_after(response: httpx2.Response, default: float) -> float:
    value = response.headers.get("Retry-After", "")
    if value.isdigit():
        return max(float(value), 0.05) + random.uniform(0, 0.25)
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.05)
    except (ValueError, TypeError):
        return default


def _json(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None


def _record(rec: Recorder, request: httpx2.Request, response: httpx2.Response, ms: float, tries: int) -> None:
    body: dict[str, Any] = {"status": response.status_code, "ms": ms}
    if tries > 1:
        body["tries"] = tries
    query = {k: v for k, v in request.url.params.items() if k not in ("limit", "continue")}
    if query:
        body["query"] = query
    write = request.method not in ("GET", "HEAD", "OPTIONS")
    sent = _json(request.content) if write and request.content else None
    got = _json(response.content) if write or response.status_code >= 400 else None
    if sent is not None:
        body["request"] = sent
    if write and got is not None:
        body["response"] = got
    if not write:
        body["size"] = len(response.content)
    if response.status_code >= 400 and isinstance(got, dict):
        body |= {k: got[k] for k in ("reason", "message") if k in got}
    name = ""
    if request.method == "POST":
        name = next((n for n in (_name(got), _name(sent)) if n), "")
    rec.observe("call", f"{request.method} {subject_of(request.url.path, name)}", body, request.extensions.get(STEP))


def _name(obj: Any) -> str:
    meta = obj.get("metadata") if isinstance(obj, dict) else None
    return str(meta.get("name") or "") if isinstance(meta, dict) else ""


def subject_of(path: str, name: str = "") -> str:
    """ "/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUB" -> "PLURAL.GROUP/NS/NAME/SUB"; core: "PLURAL/...".

    Paths that are no resources ("/version") stay as they are. `name` is what a POST created.
    """
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, rest = "", parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, rest = parts[1], parts[3:]
    else:
        return path
    namespace: list[str] = []
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = [rest[1]], rest[2:]
    plural = f"{rest[0]}.{group}" if group else rest[0]
    return "/".join([plural, *namespace, *rest[1:], *([name] if name and len(rest) == 1 else [])])
