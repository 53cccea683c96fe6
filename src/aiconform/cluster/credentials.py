"""How requests prove who sends them: bearer tokens, token files, exec plugins, impersonation."""

import asyncio
import base64
import json
import os
import shutil
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from aiconform.cluster.errors import ClusterError
from aiconform.cluster.kubeconfig import Target

_API = "client.authentication.k8s.io/"
_VERSIONS = (_API + "v1", _API + "v1beta1", _API + "v1alpha1")
# A credential is renewed this many seconds early, so that no request carries one that is just over.
_EARLY = 10.0


class TokenFile(httpx2.Auth):
    """A bearer token in a file, which somebody else renews: read again each minute and after a 401."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = ""
        self._read_at = 0.0

    def _read(self) -> str:
        try:
            self._token = self._path.read_text().strip()
        except OSError as e:
            raise ClusterError(
                f"the token file {self._path} cannot be read: {e.strerror}; log in again", "no-credentials"
            ) from None
        self._read_at = time.monotonic()
        return self._token

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        fresh = self._token and time.monotonic() - self._read_at < 60
        request.headers["Authorization"] = f"Bearer {self._token if fresh else self._read()}"
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = f"Bearer {self._read()}"
            yield request


class Bearer(httpx2.Auth):
    """A fixed bearer token."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        request.headers["Authorization"] = self._header
        yield request


@dataclass(frozen=True)
class ExecCredential:
    """What a plugin answered. `expires` is seconds since the epoch, None if it does not say."""

    token: str
    certificate: str
    key: str
    expires: float | None


class ExecPlugin(httpx2.Auth):
    """A kubeconfig `exec` plugin (client.authentication.k8s.io v1, v1beta1, v1alpha1).

    Runs when there is no credential yet, when the last one expires, and once after a 401.
    `on_certificate(certificate, key)` is called with PEM texts if the plugin answers with a certificate.
    """

    def __init__(self, target: Target, on_certificate: Callable[[str, str], None] | None = None) -> None:
        self._spec: dict[str, Any] = target.user["exec"]
        self._target = target
        self._lock = asyncio.Lock()
        self._last: ExecCredential | None = None
        self.on_certificate = on_certificate
        if self._spec.get("apiVersion") not in _VERSIONS:
            raise ClusterError(
                f"the exec plugin of context {target.context!r} wants {self._spec.get('apiVersion')!r}; "
                f"supported are {', '.join(v.removeprefix(_API) for v in _VERSIONS)} of {_API[:-1]}",
                "bad-kubeconfig",
            )

    async def credential(self, unlike: ExecCredential | None = None) -> ExecCredential:
        """A credential that is not over; another one than `unlike`, which the server refused."""
        async with self._lock:
            last = self._last
            over = last is not None and last.expires is not None and last.expires - _EARLY <= time.time()
            if last is None or over or last is unlike:
                self._last = last = self._parse(await self._run())
                if last.certificate and self.on_certificate:
                    self.on_certificate(last.certificate, last.key)
            return last

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        used = await self.credential()
        self._stamp(request, used)
        response = yield request
        if response.status_code == 401:
            self._stamp(request, await self.credential(unlike=used))
            yield request

    @staticmethod
    def _stamp(request: httpx2.Request, credential: ExecCredential) -> None:
        if credential.token:
            request.headers["Authorization"] = f"Bearer {credential.token}"

    def _command(self) -> str:
        command = str(self._spec.get("command", ""))
        if os.sep in command and not Path(command).is_absolute():
            return str(self._target.folder / command)
        found = shutil.which(command)
        if not found:
            hint = str(self._spec.get("installHint") or "install it or correct the kubeconfig").strip()
            raise self._error(f"was not found: {hint}")
        return found

    def _info(self, interactive: bool) -> str:
        spec: dict[str, Any] = {"interactive": interactive}
        if self._spec.get("provideClusterInfo"):
            cluster = self._target.cluster
            names = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url")
            spec["cluster"] = {n: cluster[n] for n in names if n in cluster}
            if data := _authority(cluster):
                spec["cluster"]["certificate-authority-data"] = data
            for extension in cluster.get("extensions") or []:
                if extension.get("name") == _API + "exec":
                    spec["cluster"]["config"] = extension.get("extension")
        return json.dumps({"apiVersion": self._spec["apiVersion"], "kind": "ExecCredential", "spec": spec})

    async def _run(self) -> bytes:
        mode = self._spec.get("interactiveMode", "IfAvailable")
        interactive = mode != "Never" and sys.stdin is not None and sys.stdin.isatty()
        if mode == "Always" and not interactive:
            raise self._error("asks for a terminal; run it once by hand, or run this in a terminal")
        env = os.environ | {str(v["name"]): str(v["value"]) for v in self._spec.get("env") or []}
        env["KUBERNETES_EXEC_INFO"] = self._info(interactive)
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                self._command(), *[str(a) for a in self._spec.get("args") or []],
                env=env, stdin=None if interactive else asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe,
            )  # fmt: skip
        except OSError as e:
            raise self._error(f"cannot be run: {e.strerror}") from None
        try:
            out, err = await asyncio.wait_for(process.communicate(), 60)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise self._error("did not answer within 60 s; run it by hand to see why") from None
        if process.returncode:
            tail = " ".join(err.decode(errors="replace").split())[-400:]
            raise self._error(f"failed with exit code {process.returncode}: {tail or 'it said nothing'}")
        return out

    def _parse(self, out: bytes) -> ExecCredential:
        try:
            answer = json.loads(out)
            status = answer["status"]
            credential = ExecCredential(
                token=status.get("token") or "",
                certificate=status.get("clientCertificateData") or "",
                key=status.get("clientKeyData") or "",
                expires=_epoch(status.get("expirationTimestamp")),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._error("did not print an ExecCredential with a status") from None
        if answer.get("apiVersion") != self._spec["apiVersion"]:
            raise self._error(
                f"answered with {answer.get('apiVersion')!r}, and the kubeconfig asks for "
                f"{self._spec['apiVersion']!r}; make them equal"
            )
        if not credential.token and not credential.certificate:
            raise self._error("gave neither a token nor a certificate; log in again")
        return credential

    def _error(self, what: str) -> ClusterError:
        name = self._spec.get("command", "")
        return ClusterError(f"the exec plugin {name!r} of context {self._target.context!r} {what}", "exec-plugin")


def _epoch(text: Any) -> float | None:
    if not text:
        return None
    moment = datetime.fromisoformat(str(text))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _authority(cluster: dict[str, Any]) -> str:
    if cluster.get("certificate-authority-data"):
        return str(cluster["certificate-authority-data"])
    path = cluster.get("certificate-authority")
    return base64.b64encode(Path(path).read_bytes()).decode() if path and Path(path).is_file() else ""


def load_pem(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Loads a client certificate from PEM texts; Python's ssl only takes files, so they live for a moment."""
    with tempfile.TemporaryDirectory(prefix="aiconform-") as folder:  # mode 0700
        cert_file, key_file = Path(folder, "crt"), Path(folder, "key")
        cert_file.write_text(certificate)
        key_file.write_text(key)
        context.load_cert_chain(cert_file, key_file)


def auth_for(target: Target) -> httpx2.Auth | None:
    """How to authenticate as the context's user; None for client certificates or nobody."""
    user = target.user
    if user.get("tokenFile"):
        return TokenFile(Path(user["tokenFile"]))
    if user.get("token"):
        return Bearer(str(user["token"]))
    if user.get("exec"):
        return ExecPlugin(target)
    if user.get("username") or user.get("password"):
        raise ClusterError(
            f"context {target.context!r} uses a user name and password, which Kubernetes has not taken since "
            "1.19; use a token, a certificate or an exec plugin",
            "bad-kubeconfig",
        )
    if user.get("auth-provider"):
        raise ClusterError(
            f"context {target.context!r} uses an auth-provider, which kubectl has not taken since 1.26; "
            "use the provider's exec plugin",
            "bad-kubeconfig",
        )
    return None


def impersonation(user: dict[str, Any]) -> list[tuple[str, str]]:
    """The headers for `as`, `as-uid`, `as-groups`, `as-user-extra` of a kubeconfig user."""
    out = [("Impersonate-User", str(user["as"]))] if user.get("as") else []
    out += [("Impersonate-Uid", str(user["as-uid"]))] if user.get("as-uid") else []
    out += [("Impersonate-Group", str(g)) for g in user.get("as-groups") or []]
    for key, values in (user.get("as-user-extra") or {}).items():
        out += [(f"Impersonate-Extra-{key}", str(v)) for v in values]
    return out
