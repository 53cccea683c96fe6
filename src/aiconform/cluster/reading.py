"""The half of a sandbox that looks, waits and notes; `sandbox.py` adds what changes the cluster."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
from lightkube.core.exceptions import ApiError

from aiconform.cluster import labels, reasons
from aiconform.cluster.api import Cluster, path
from aiconform.cluster.errors import ApiLost, ClusterError, Refused
from aiconform.cluster.transport import SCOPE, STREAM, Scope, reason_of
from aiconform.cluster.watch import Watch
from aiconform.evidence import Recorder
from aiconform.model import Attempt

Object = dict[str, Any]
Objects = list[Object]
LOG_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Exec:
    """What a command in a container printed, and its exit code."""

    stdout: str
    stderr: str
    exit: int


@dataclass(frozen=True)
class Http:
    """An answer that came through the API server's proxy."""

    status: int
    headers: dict[str, str]
    body: str


class Reading:
    """State, reads, waits and notes of one attempt. See `Sandbox`."""

    def __init__(self, cluster: Cluster, attempt: Attempt, rec: Recorder, run: str) -> None:
        self.cluster = cluster
        self.attempt = attempt
        self.rec = rec
        self.run = run
        self.namespace = ""
        self.namespaces: list[str] = []
        self.made: set[tuple[str, str]] = set()
        self.progress: Callable[[str, float | None], None] = lambda _text, _deadline: None
        self.labels = {
            labels.RUN: run,
            labels.CHECK: labels.value(attempt.check),
            labels.ATTEMPT: labels.value(attempt.id),
        }
        self.scope = Scope(run, attempt.id, rec)
        SCOPE.set(self.scope)
        self._changed = asyncio.Condition()
        self._watches: dict[tuple[str, str, str | None, str, str], Watch] = {}
        self._renewer: asyncio.Task[None] | None = None

    def seconds(self, name: str | float) -> float:
        """A deadline of the attempt's settings by its name; a number stays as it is."""
        return float(self.attempt.settings["deadlines"][name]) if isinstance(name, str) else float(name)

    def say(self, text: str, deadline: float | None = None) -> None:
        """Tells the user what is going on; `deadline` in seconds."""
        self.progress(text, deadline)

    # -- reading ---------------------------------------------------------------------------------------------

    async def get(self, api: str, plural: str, name: str, namespace: str | None = None) -> Object | None:
        """The object, or None. `api` like "v1" or "scheduling.k8s.io/v1beta1". Refused if not allowed."""
        return await self.cluster.get(api, plural, name, await self._place(api, plural, namespace))

    async def follow(
        self, api: str, plural: str, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> None:
        """Watches a collection from now to the end, and records every event. Twice is once."""
        place = await self._place(api, plural, namespace)
        key = (api, plural, place, labels, fields)
        if key not in self._watches:
            watch = Watch(
                self.cluster, api, plural, place, changed=self._changed, rec=self.rec, labels=labels, fields=fields
            )
            await watch.start()
            self._watches[key] = watch

    def view(self, api: str, plural: str, namespace: str | None = None) -> Objects:
        """The live view of what `follow` watches; `namespace` narrows it."""
        found = [w for (a, p, *_), w in self._watches.items() if (a, p) == (api, plural)]
        objects = {uid: o for w in found for uid, o in w.objects.items()}.values()
        return [o for o in objects if namespace is None or o["metadata"].get("namespace") == namespace]

    def pods(self, *, step: str | None = None, role: str | None = None) -> Objects:
        """Our pods as the watch shows them now, oldest first; deleted ones are gone from it."""
        wanted = {labels.RUN: self.run, labels.STEP: step, labels.ROLE: role}
        found = [p for p in self.view("v1", "pods") if _carries(p, wanted)]
        return sorted(found, key=lambda p: (p["metadata"].get("creationTimestamp", ""), p["metadata"]["name"]))

    def pod(self, name: str) -> Object | None:
        """One pod of our namespaces, as the watch shows it now."""
        return next((p for p in self.view("v1", "pods") if p["metadata"]["name"] == name), None)

    def why_not_running(self, pod_name: str) -> str:
        """What the pod's status says about why it does not run."""
        pod = self.pod(pod_name)
        return reasons.why_not_running(pod) if pod else f"there is no pod {pod_name}"

    def code_for(self, pod_name: str) -> str:
        """One of image-unavailable, admission-denied, too-few-accelerators, deadline."""
        pod = self.pod(pod_name)
        return reasons.code_for(pod) if pod else "deadline"

    async def until(self, test: Callable[[], bool], deadline: str | float, what: str = "") -> bool:
        """Waits until `test()` is true; it is asked again at every watch event. False at the deadline.

        ApiLost or Refused if a watch broke for good: then nothing that did not happen can be believed.
        """
        seconds = self.seconds(deadline)
        self.say(what or (self.rec.step and f"{self.rec.step}: waiting") or "waiting", seconds)
        try:
            async with asyncio.timeout(seconds), self._changed:
                while not test():
                    self._still_watching()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _still_watching(self) -> None:
        for watch in self._watches.values():
            if watch.lost is not None:
                raise watch.lost

    # -- talking to pods -------------------------------------------------------------------------------------

    async def logs(self, pod: str, container: str | None = None, namespace: str | None = None) -> str:
        """A container's log so far (4 MiB at most), recorded. "" if the container has not started."""
        text, subject = await self._log(pod, container, namespace)
        self.rec.observe("log", subject, {"text": text}, self._step_of(pod))
        return text

    async def probe(
        self,
        pod: str,
        container: str | None = None,
        step: str = "",
        namespace: str | None = None,
        wait: str | float = 60.0,
    ) -> Any:
        """The last line of the log that is JSON, recorded as `probe`; None and a note if there is none.

        A container that still runs may not have printed it yet: its log is followed until it has, for `wait`
        seconds at most.
        """
        await self._printed(pod, container, namespace, self.seconds(wait))
        text, subject = await self._log(pod, container, namespace)
        lines = [answer for line in text.splitlines() if (answer := _json_line(line)) is not None]
        if lines:
            self.rec.observe("probe", subject, lines[-1], step or self._step_of(pod))
            return lines[-1]
        said = f"no JSON in the log of {subject}: {text.strip()[-500:] or 'it is empty'}"
        self.rec.observe("note", "no-probe", {"text": said}, step or self._step_of(pod))
        return None

    async def _printed(self, pod: str, container: str | None, namespace: str | None, seconds: float) -> None:
        """Follows a log until a line of it is JSON, or it ends, or the time is over."""
        url = path("v1", "pods", namespace or self._home(pod), pod, "log")
        params = {"container": container or self._first_container(pod), "follow": "true"}
        timeout = httpx2.Timeout(None, connect=10.0)
        try:
            async with (
                asyncio.timeout(seconds),
                self.cluster.http.stream("GET", url, params=params, timeout=timeout, extensions={STREAM: True}) as log,
            ):
                async for line in log.aiter_lines():
                    if _json_line(line) is not None:
                        return
        except (TimeoutError, httpx2.HTTPError):
            return  # the whole log, read next, tells what there is

    async def _log(self, pod: str, container: str | None, namespace: str | None) -> tuple[str, str]:
        place = namespace or self._home(pod)
        container = container or self._first_container(pod)
        params = {"container": container, "limitBytes": LOG_BYTES}
        answer = await self.cluster.request(
            "GET", path("v1", "pods", place, pod, "log"), params=params, accept="*/*", step=self._step_of(pod)
        )
        if answer.status == 403:
            raise Refused("get", "pods/log", answer.message)
        return (answer.text if answer.ok else ""), f"pods/{place}/{pod}/{container}"

    async def exec(
        self,
        pod: str,
        container: str,
        command: list[str],
        *,
        step: str,
        timeout: float = 30,
        namespace: str | None = None,
    ) -> Exec:
        """Runs a command in a container, over WebSocket, and records what it printed.

        ClusterError (code exec-failed) if it could not be run or did not end within `timeout` seconds.
        """
        place = namespace or self._home(pod)
        subject = f"pods/{place}/{pod}/{container}"
        try:
            got = await self.cluster.kube.exec(
                pod,
                namespace=place,
                container=container,
                command=command,
                stdout=True,
                stderr=True,
                timeout=timeout,
                decode=None,
            )
        except (ApiError, httpx2.HTTPError, OSError, ExceptionGroup) as e:
            said = reason_of(e)
            self.rec.observe("exec", subject, {"command": command, "error": said}, step)
            if "403" in said or "forbidden" in said:
                raise Refused("create", "pods/exec", said) from None
            raise ClusterError(f"{command[0]} could not be run in {subject}: {said}", "exec-failed") from None
        answer = Exec(_text(got.stdout), _text(got.stderr), got.exit_code)
        body = {"command": command, "stdout": answer.stdout, "stderr": answer.stderr, "exit": answer.exit}
        self.rec.observe("exec", subject, body, step)
        return answer

    async def http(
        self, method: str, target: str, *, step: str, body: Any = None, namespace: str | None = None
    ) -> Http:
        """Calls a pod or Service through the API server's proxy: "pods/NAME:PORT/PATH". Recorded as `http`."""
        kind, _, rest = target.partition("/")
        name, _, tail = rest.partition("/")
        url = path("v1", kind, namespace or self.namespace, name, f"proxy/{tail}")
        answer = await self.cluster.request(method, url, body=body, accept="*/*", step=step)
        got = Http(answer.status, answer.headers, answer.text)
        self.rec.observe(
            "http", f"{method} {target}", {"status": got.status, "headers": got.headers, "body": got.body}, step
        )
        return got

    # -- notes -----------------------------------------------------------------------------------------------

    def fact(self, name: str, value: Any, *, step: str = "") -> None:
        """Records something that the check measured."""
        self.rec.observe("fact", name, value, step or None)

    def unable(self, step: str, code: str, because: str) -> None:
        """Records that a step could not be tried, and why."""
        self.rec.observe("unable", step, {"code": code, "because": because}, step)

    def note(self, text: str, name: str = "note") -> None:
        """Records a remark for the reader."""
        self.rec.observe("note", name, {"text": text})

    # -- finding things --------------------------------------------------------------------------------------

    async def _place(self, api: str, plural: str, namespace: str | None) -> str | None:
        """The namespace to ask in: ours for namespaced resources unless one is given; None for "*"."""
        if namespace is not None:
            return None if namespace == "*" else namespace
        group, _, version = api.rpartition("/")
        for r in await self.cluster.discover():
            if (r.group, r.version, r.plural) == (group, version, plural):
                return (self.namespace or None) if r.namespaced else None
        return None

    def _home(self, pod: str) -> str:
        found = self.pod(pod)
        return found["metadata"]["namespace"] if found else self.namespace

    def _first_container(self, pod: str) -> str:
        found = self.pod(pod)
        return found["spec"]["containers"][0]["name"] if found else ""

    def _step_of(self, pod: str) -> str | None:
        found = self.pod(pod)
        return (found["metadata"].get("labels") or {}).get(labels.STEP) if found else None

    async def list(
        self, api: str, plural: str, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> Objects:
        """All objects of a kind in our namespace ("*": in all), page by page. Refused if not allowed."""
        place = await self._place(api, plural, namespace)
        return await self.cluster.list(api, plural, place, labels=labels, fields=fields)


def _json_line(line: str) -> Any:
    """The object or list that this line is, or None."""
    if not line.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None


def _text(output: Any) -> str:
    """What a command printed; it need not be UTF-8."""
    return bytes(output or b"").decode("utf-8", errors="replace")


def _carries(obj: Object, wanted: dict[str, str | None]) -> bool:
    has = obj["metadata"].get("labels") or {}
    return all(v is None or has.get(k) == v for k, v in wanted.items())


__all__ = ["ApiLost", "Exec", "Http", "Reading"]
