"""A watch whose recording is evidence: nothing is missed, and where something could have been, it says so."""

import asyncio
import random
import time
from typing import Any

import httpx2
import msgspec

from aiconform.cluster.api import METADATA, Cluster, Objects, path, qualified
from aiconform.cluster.errors import ApiLost, ClusterError, Refused
from aiconform.cluster.transport import reason_of
from aiconform.evidence import Recorder

STEP_LABEL = "aiconform.dev/step"
# The server ends each watch request after this many seconds; bookmarks come about once a minute, so a
# connection that is silent for longer than READ may have died without a word, and is made anew. (Events have no
# bookmarks: their watches are silent when nothing happens.)
SERVER_SECONDS, READ_SECONDS = 300, 90.0


class Gone(Exception):
    """The watch cannot go on from where it was: what happened since is not known."""


class Watch:
    """Follows one collection: lists it, then streams every change, reconnecting where it stopped.

    `objects` is the live view: the latest object by uid. Each change is recorded as `watch` (if there is a
    recorder) and wakes everybody who waits on `changed`. After a break that the server cannot bridge (410
    Gone, an event that cannot be read) it records `watch.gap`, lists again, and records what is different
    as ADDED, MODIFIED and DELETED events. After `patience` seconds without the API server it gives up:
    `lost` is then the error, and `watch.end` is recorded.
    """

    def __init__(
        self,
        cluster: Cluster,
        api: str,
        plural: str,
        namespace: str | None = None,
        *,
        changed: asyncio.Condition,
        rec: Recorder | None = None,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        patience: float = 60.0,
    ) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.lost: ClusterError | None = None
        self.gaps = 0
        self.name = qualified(api, plural)
        self.subject = f"{self.name}/{namespace}" if namespace else self.name
        self._cluster, self._api, self._plural, self._namespace = cluster, api, plural, namespace
        self._changed, self._rec, self._patience = changed, rec, patience
        self._selectors = {"labelSelector": labels, "fieldSelector": fields}
        self._metadata_only = metadata_only
        self._version = ""
        self._heard = 0.0
        self._answered = 0.0
        self._deleted: set[str] = set()
        self._confirming = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Lists, records what is there, and begins to follow. Refused if listing is not allowed."""
        items, self._version = await self._list()
        group, _, version = self._api.rpartition("/")
        selector = ",".join(v for v in self._selectors.values() if v)
        self._note(
            "watch.start",
            {"group": group, "version": version, "resourceVersion": self._version, "selector": selector},
        )
        for item in items:
            self._take("ADDED", item)
        self._task = asyncio.create_task(self._run(), name=f"watch {self.subject}")

    async def stop(self, why: str = "the step is over") -> None:
        """Ends the watch and records that it was ended."""
        if self._task is None:
            return
        running = not self._task.done()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        if running and self.lost is None:
            self._note("watch.end", {"why": why})

    async def confirm(self, seconds: float = 15.0) -> bool:
        """Makes sure that the view holds all that the API server knew when this was called.

        An absence means something only if no event is still under way, and a connection can be dead without
        a sign. So: list the collection; then take the stream up again where it was, with a request that the
        server itself ends after a second, having sent everything; then compare. False, and a recorded gap,
        if that does not show the same.
        """
        async with self._confirming:
            if self._task is None or self.lost is not None:
                return False
            items, version = await self._list()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            try:
                drained = await self._drain(seconds)
                if drained and self._behind(items, version):
                    await self._relist("the watch had not shown what a list of the same collection shows")
                    drained = False
                return drained
            finally:
                if self.lost is None:
                    self._task = asyncio.create_task(self._run(), name=f"watch {self.subject}")

    async def _drain(self, seconds: float) -> bool:
        over = time.monotonic() + seconds
        gaps = self.gaps
        while True:
            try:
                await self._stream(1)
            except Gone as e:
                await self._relist(str(e))
            except (httpx2.HTTPError, ApiLost) as e:
                if time.monotonic() > over:
                    await self._relist(f"the watch could not be taken up again: {reason_of(e)}")
                    return False
                await asyncio.sleep(0.2)
                continue
            return self.gaps == gaps

    def _behind(self, listed: Objects, at: str) -> bool:
        """Whether a list made at version `at` knows more than the view. Versions of one resource are numbers."""
        now = {i["metadata"]["uid"]: _number(i) for i in listed}
        newest = int(at) if at.isdigit() else 0
        for uid, version in now.items():
            seen = self.objects.get(uid)
            if _number(seen) < version if seen else uid not in self._deleted:
                return True
        return any(u not in now and _number(o) <= newest for u, o in self.objects.items())

    async def _run(self) -> None:
        heard = time.monotonic()
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._stream(SERVER_SECONDS)
                heard = time.monotonic()
                failures = 0 if heard - began > 1 else failures + 1
            except Gone as e:
                try:
                    await self._relist(str(e))
                    heard, failures = time.monotonic(), 0
                except ClusterError as lost:
                    return await self._give_up(lost)
            except (httpx2.HTTPError, ApiLost) as e:
                # Patience begins when an open connection breaks, not with the last word on it.
                open_until = time.monotonic() if self._answered > began else self._heard
                lasted = self._answered > began and open_until - began > 1
                heard = max(heard, open_until if lasted else self._heard)
                failures = 1 if lasted or self._heard > began else failures + 1
                if time.monotonic() - heard > self._patience:
                    why = f"the watch on {self.subject} broke and could not be taken up again ({reason_of(e)})"
                    return await self._give_up(ApiLost(why))
            except ClusterError as e:
                return await self._give_up(e)
            if failures:
                await asyncio.sleep(min(0.1 * 2**failures, 5.0) * random.uniform(0.5, 1.0))

    async def _give_up(self, error: ClusterError) -> None:
        self.lost = error
        self._note("watch.end", {"why": error.message})
        await self._wake()

    async def _stream(self, server_seconds: int) -> None:
        """One request, from the last version seen until the server ends it. Raises Gone, HTTPError, Refused."""
        params = {k: v for k, v in self._selectors.items() if v} | {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(server_seconds),
        }
        url = path(self._api, self._plural, self._namespace)
        timeout = httpx2.Timeout(READ_SECONDS, connect=10.0)
        headers = {"Accept": METADATA if self._metadata_only else "application/json"}
        async with self._cluster.http.stream("GET", url, params=params, timeout=timeout, headers=headers) as response:
            if response.status_code != 200:
                await self._refused(response)
            self._answered = time.monotonic()
            rest = b""
            # Not aiter_lines: it also splits at characters that may stand inside a JSON string (U+0085).
            async for chunk in response.aiter_bytes():
                self._heard = time.monotonic()
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    await self._line(line)
            if rest.strip():
                raise Gone("the last event was cut off")

    async def _refused(self, response: httpx2.Response) -> None:
        text = " ".join((await response.aread()).decode(errors="replace").split())[:300]
        if response.status_code == 410:
            raise Gone("the server no longer has the version to go on from (410 Gone)")
        if response.status_code in (401, 403):
            raise Refused("watch", self.name, text)
        raise httpx2.HTTPError(f"HTTP {response.status_code}: {text}")

    async def _line(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            event = msgspec.json.decode(line)
            kind, obj = event["type"], event["object"]
            if kind == "ERROR":
                self._error(obj)
            meta = obj["metadata"]
            version = meta["resourceVersion"]
            if kind != "BOOKMARK":
                meta["uid"], meta["name"]
        except (msgspec.DecodeError, KeyError, TypeError, UnicodeDecodeError) as e:
            raise Gone(f"an event could not be read ({type(e).__name__})") from None
        # No await between the two: a stream that is cancelled here must not bring the event a second time.
        if kind != "BOOKMARK":
            self._take(kind, obj)
        self._version = version
        if kind != "BOOKMARK":
            await self._wake()

    @staticmethod
    def _error(status: dict[str, Any]) -> None:
        if status.get("code") == 410:
            raise Gone(f"the server no longer has the version to go on from: {status.get('message', '')}")
        raise httpx2.HTTPError(str(status.get("message") or "the server ended the watch with an error"))

    def _take(self, kind: str, obj: dict[str, Any]) -> None:
        meta = obj["metadata"]
        if kind == "DELETED":
            self.objects.pop(meta["uid"], None)
            self._deleted.add(meta["uid"])
        else:
            self.objects[meta["uid"]] = obj
        if self._rec is not None:
            where = "/".join(p for p in (self.name, meta.get("namespace"), meta["name"]) if p)
            step = (meta.get("labels") or {}).get(STEP_LABEL)
            self._note("watch", {"type": kind, "object": obj}, where, step)

    async def _relist(self, why: str) -> None:
        """Records the gap, then what a new list shows to be different."""
        self.gaps += 1
        self._note("watch.gap", {"why": why})
        items, self._version = await self._list()
        there = {i["metadata"]["uid"] for i in items}
        for uid in [u for u in self.objects if u not in there]:
            self._take("DELETED", self.objects[uid])
        for item in items:
            seen = self.objects.get(item["metadata"]["uid"])
            if seen is None:
                self._take("ADDED", item)
            elif seen["metadata"].get("resourceVersion") != item["metadata"].get("resourceVersion"):
                self._take("MODIFIED", item)
        await self._wake()

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _list(self) -> tuple[Objects, str]:
        return await self._cluster.list_at(
            self._api,
            self._plural,
            self._namespace,
            labels=self._selectors["labelSelector"],
            fields=self._selectors["fieldSelector"],
            metadata_only=self._metadata_only,
        )

    def _note(self, kind: str, body: Any, subject: str = "", step: str | None = None) -> None:
        if self._rec is not None and not self._rec.finished:
            self._rec.observe(kind, subject or self.subject, body, step)


def _number(obj: dict[str, Any]) -> int:
    version = str(obj["metadata"].get("resourceVersion", ""))
    return int(version) if version.isdigit() else 0
