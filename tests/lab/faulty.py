"""aiconform behind a network that misbehaves: `python faulty.py SEED run --lab ...`.

One answer in ten is spoilt in one of these ways, chosen by the seed and the order of the calls:

late        two seconds of silence before the answer
busy        429 with Retry-After: 1; the request was not carried out
broken      500; the request was not carried out
unsent      the connection is refused before anything was sent
unanswered  the request is carried out and the connection is reset before its answer
gone        410 to a watch (its resourceVersion is too old), or to the next page of a list
closed      a watch that ends after its first events
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator

import httpx2

SPOILT = 0.1
WAYS = ("late", "busy", "broken", "unsent", "unanswered")
WATCH_WAYS = ("late", "busy", "broken", "unsent", "gone", "closed")


class Faulty(httpx2.AsyncBaseTransport):
    """Spoils answers of the transport below it, and counts how."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, seed: int) -> None:
        self.inner = inner
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        way = self._way(request)
        self.done[way or "as it is"] += 1
        if way == "late":
            await asyncio.sleep(2)
        elif way == "busy":
            return _status(request, 429, "TooManyRequests", {"Retry-After": "1"})
        elif way == "broken":
            return _status(request, 500, "InternalError")
        elif way == "gone":
            return _status(request, 410, "Expired")
        elif way == "unsent":
            raise httpx2.ConnectError("spoilt: refused", request=request)
        response = await self.inner.handle_async_request(request)
        if way == "unanswered":
            await response.aread()
            await response.aclose()
            raise httpx2.ReadError("spoilt: reset", request=request)
        if way == "closed":
            return httpx2.Response(response.status_code, headers=response.headers, stream=_Short(response))
        return response

    def _way(self, request: httpx2.Request) -> str:
        if request.url.path == "/version" or self.random.random() >= SPOILT:
            return ""
        if request.url.params.get("watch"):
            return self.random.choice(WATCH_WAYS)
        if request.url.params.get("continue"):
            return "gone"
        return self.random.choice(WAYS)

    async def aclose(self) -> None:
        print(f"spoilt answers: {json.dumps(self.done)}", file=sys.stderr)
        await self.inner.aclose()


class _Short(httpx2.AsyncByteStream):
    """The first pieces of a stream."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = 3
        async for piece in self.response.aiter_raw():
            yield piece
            left -= 1
            if not left:
                return

    async def aclose(self) -> None:
        await self.response.aclose()


def _status(request: httpx2.Request, code: int, reason: str, headers: dict[str, str] | None = None) -> httpx2.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return httpx2.Response(code, headers=headers, json={**body, "message": f"spoilt: {reason}"}, request=request)


def main() -> None:
    """Puts the transport in its place and goes on as the program."""
    from aiconform.cli.main import main as program
    from aiconform.cluster import connect

    seed = int(sys.argv.pop(1))
    opened = connect.open_transport

    async def open_transport(target: connect.Target) -> httpx2.AsyncBaseTransport:
        return Faulty(await opened(target), seed)

    connect.open_transport = open_transport
    program()


if __name__ == "__main__":
    main()
