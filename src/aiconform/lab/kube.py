"""The few API calls that the lab itself makes: apply, delete, list, and waiting by watch.

Objects are plain documents: the lab applies what YAML files hold, kinds of any group included, which discovery
resolves to a path.
"""

from __future__ import annotations

import json
import math
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx2

from .errors import LabError

Object = dict[str, Any]
_MANAGER = "aiconform-lab"
_GUARD_SECONDS = 3.0
# A server that has just started refuses calls with these until its storage is ready.
_BUSY = (429, 503)
_BUSY_SECONDS = 30.0
# It is on this machine.
_PLAIN = {"Accept-Encoding": "identity"}


class Kube:
    """A client of the lab's API server with the admin's certificate."""

    def __init__(self, server: str, pki: Path) -> None:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self._http = httpx2.Client(base_url=server, verify=context, timeout=30, trust_env=False, headers=_PLAIN)
        # Called now and then while waiting; raises when the wait has lost its point.
        self.guard: Callable[[], None] | None = None
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ready(self, path: str = "/readyz") -> bool:
        """Whether the API server answers and says it is ready."""
        try:
            return self._http.get(path, timeout=2).status_code == 200
        except httpx2.HTTPError:
            return False

    def request(self, method: str, path: str, **options: Any) -> Object:
        """One call, repeated while the server is busy. Raises LabError with its message; KeyError when not found."""
        deadline = time.monotonic() + _BUSY_SECONDS
        answer = self._send(method, path, options)
        while answer.status_code in _BUSY and time.monotonic() < deadline:
            time.sleep(float(answer.headers.get("Retry-After") or 1))
            answer = self._send(method, path, options)
        if answer.status_code == 404:
            raise KeyError(path)
        if answer.status_code >= 400:
            raise LabError(f"the lab's API server refused {method} {path}: {_message(answer)}")
        body: Object = answer.json()
        return body

    def _send(self, method: str, path: str, options: Mapping[str, Any]) -> httpx2.Response:
        try:
            return self._http.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise LabError(
                f"the lab's API server did not answer {method} {path} ({error}): see `aiconform lab status`"
            ) from error

    def path(self, reference: Mapping[str, Any]) -> str:
        """Path of an object given as a document with apiVersion, kind and metadata."""
        version, kind = str(reference["apiVersion"]), str(reference["kind"])
        plural, namespaced = self._resource(version, kind)
        metadata = reference["metadata"]
        scope = f"/namespaces/{metadata.get('namespace', 'default')}" if namespaced else ""
        return f"{_root(version)}{scope}/{plural}/{metadata['name']}"

    def _resource(self, version: str, kind: str) -> tuple[str, bool]:
        if (version, kind) not in self._kinds:
            try:
                resources = self.request("GET", _root(version))["resources"]
            except KeyError:
                resources = []
            for resource in resources:
                if "/" not in resource["name"]:
                    self._kinds[version, resource["kind"]] = (resource["name"], bool(resource["namespaced"]))
        if (version, kind) not in self._kinds:
            raise LabError(
                f"the lab does not serve {version} {kind}: correct the manifest, or take another `lab up --kubernetes`"
            )
        return self._kinds[version, kind]

    def apply(self, document: Mapping[str, Any]) -> Object:
        """Server-side apply, forced."""
        return self.request(
            "PATCH",
            self.path(document),
            params={"fieldManager": _MANAGER, "force": "true"},
            content=json.dumps(document),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )

    def patch(self, path: str, body: Any, kind: str = "merge-patch") -> Object:
        """Patch by `merge-patch`, `json-patch` or `strategic-merge-patch`."""
        return self.request(
            "PATCH", path, content=json.dumps(body), headers={"Content-Type": f"application/{kind}+json"}
        )

    def delete(self, path: str, **params: str) -> None:
        """Delete an object (or a collection, with selectors); nothing happens when it is gone already."""
        try:
            self.request("DELETE", path, params=params)
        except KeyError:
            return

    def metadata(self, path: str) -> list[Object]:
        """List a collection, of each item only its metadata."""
        only = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
        return list(self.request("GET", path, headers=only).get("items") or [])

    def items(self, path: str, **params: str) -> list[Object]:
        """List a collection."""
        return list(self.request("GET", path, params=params).get("items") or [])

    def wait(self, path: str, done: Callable[[list[Object]], bool], seconds: float, what: str, **params: str) -> None:
        """Watch a collection until `done(items)` holds. Raises LabError naming `what` at the deadline."""
        deadline = time.monotonic() + seconds
        items: dict[str, Object] = {}
        while time.monotonic() < deadline:
            if self.guard is not None:
                self.guard()
            listed = self.request("GET", path, params=params)
            items = {_key(item): item for item in listed.get("items") or []}
            if done(list(items.values())):
                return
            version = listed["metadata"]["resourceVersion"]
            if self._follow(path, items, done, deadline, {**params, "resourceVersion": version}):
                return
        raise LabError(
            f"{what} did not come within {seconds:.0f} s{_said_of(items)}: see the logs named by `aiconform lab "
            "status`, then repair with `aiconform lab up` or rebuild with `aiconform lab down` and `up`"
        )

    def _follow(
        self,
        path: str,
        items: dict[str, Object],
        done: Callable[[list[Object]], bool],
        deadline: float,
        params: dict[str, str],
    ) -> bool:
        left = max(deadline - time.monotonic(), 0.1)
        if self.guard is not None:
            left = min(left, _GUARD_SECONDS)
        query = {**params, "watch": "true", "timeoutSeconds": str(math.ceil(left))}
        try:
            with self._http.stream("GET", path, params=query, timeout=left) as stream:
                for line in stream.iter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return False
                    if event["type"] == "DELETED":
                        items.pop(_key(event["object"]), None)
                    else:
                        items[_key(event["object"])] = event["object"]
                    if done(list(items.values())):
                        return True
        except httpx2.HTTPError:
            # The connection broke or the time is over: the caller lists again, or stops at its deadline.
            return False
        return False


def _key(item: Object) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def _said_of(items: Mapping[str, Object]) -> str:
    """What the conditions of the objects that were there last say, in brackets."""
    said = [
        f"{key.lstrip('/')}: {entry.get('type')} {entry.get('status')}, {entry.get('message', '')}"
        for key, item in items.items()
        for entry in item.get("status", {}).get("conditions") or []
    ]
    return f" ({'; '.join(said)[:600]})" if said else ""


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _message(answer: httpx2.Response) -> str:
    try:
        return str(answer.json().get("message", answer.text))[:500]
    except ValueError:
        return answer.text[:500]


def condition(item: Object, kind: str) -> bool:
    """Whether an object's status condition is True."""
    return any(
        entry.get("type") == kind and entry.get("status") == "True"
        for entry in item.get("status", {}).get("conditions") or []
    )
