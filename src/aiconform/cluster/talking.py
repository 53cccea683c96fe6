"""The part of a sandbox that talks to pods: logs, probes, commands, HTTP through the API server."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2
from lightkube.core.exceptions import ApiError

from aiconform.cluster.api import path
from aiconform.cluster.errors import ClusterError, Refused
from aiconform.cluster.reading import Reading
from aiconform.cluster.transport import PATIENCE, STREAM, reason_of

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


class Talking(Reading):
    """What a sandbox hears from containers. See `Sandbox`."""

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
        self,
        method: str,
        target: str,
        *,
        step: str,
        body: Any = None,
        namespace: str | None = None,
        params: dict[str, str] | None = None,
        patience: float | None = None,
    ) -> Http:
        """Calls a pod or Service through the API server's proxy: "pods/NAME:PORT/PATH". Recorded as `http`.

        `params` is the query, which becomes part of the subject. `patience`: seconds for which a call that
        cannot be answered is repeated (None: as long as any other call; 0: not at all).
        """
        kind, _, rest = target.partition("/")
        name, _, tail = rest.partition("/")
        url = path("v1", kind, namespace or self.namespace, name, f"proxy/{tail}")
        more = {} if patience is None else {PATIENCE: patience}
        answer = await self.cluster.request(
            method, url, params=params, body=body, accept="*/*", step=step, extensions=more
        )
        got = Http(answer.status, answer.headers, answer.text)
        subject = f"{method} {target}" + (f"?{urlencode(params)}" if params else "")
        self.rec.observe("http", subject, {"status": got.status, "headers": got.headers, "body": got.body}, step)
        return got


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
