"""Connects to one context of one cluster, and says in one sentence why it could not."""

import base64
import re
import ssl
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from cryptography import x509

from aiconform.cluster.api import Cluster
from aiconform.cluster.credentials import ExecPlugin, auth_for, impersonation, load_pem
from aiconform.cluster.errors import ApiLost, ClusterError
from aiconform.cluster.kubeconfig import Target, find
from aiconform.cluster.transport import PATIENCE, Recording, Signed

OLDEST_MINOR = 33
"""The first Kubernetes minor version with an AI conformance checklist."""


async def connect(
    kubeconfig: str | None = None, context: str | None = None, *, suite_version: str, patience: float = 60.0
) -> Cluster:
    """A cluster that answered, with `server_version` set. ClusterError with one sentence otherwise.

    `patience`: for how many seconds a call is retried later on; the first call is not.
    """
    target = find(kubeconfig, context)
    inner = await open_transport(target)
    return await greet(Recording(inner, suite_version, patience=patience), target)


async def greet(transport: httpx2.AsyncBaseTransport, target: Target) -> Cluster:
    """Makes the cluster and asks its version: the first call, which shows whether all of it works."""
    cluster = Cluster(transport, target.server, context=target.context, namespace=target.namespace)
    try:
        answer = await cluster.request("GET", "/version", extensions={PATIENCE: 0})
        if answer.status == 401:
            raise ClusterError(
                f"the cluster of context {target.context!r} does not take its credentials "
                f"({answer.message}); log in again or use another context",
                "unauthorised",
            )
        version = answer.body.get("gitVersion", "") if isinstance(answer.body, dict) else ""
        if not answer.ok or not version:
            raise ClusterError(
                f"{target.server} (context {target.context!r}) did not answer /version like a Kubernetes API "
                f"server ({answer.message or 'no version'}); check the server address in {target.source}",
                "not-kubernetes",
            )
        _check_version(version, target)
        cluster.server_version = version
    except ApiLost as e:
        await cluster.close()
        raise _unreachable(target, e) from None
    except BaseException:
        await cluster.close()
        raise
    return cluster


async def open_transport(target: Target) -> httpx2.AsyncBaseTransport:
    """The authenticated transport to a target, not yet used."""
    _check_certificate(target)
    auth = auth_for(target)
    context = _tls(target)
    if isinstance(auth, ExecPlugin):
        # A plugin may answer with a client certificate; connections opened later then use the newer one.
        auth.on_certificate = lambda certificate, key: load_pem(context, certificate, key)
        await auth.credential()
    try:
        inner = httpx2.AsyncHTTPTransport(verify=context, proxy=_proxy(target), limits=_LIMITS)
    except (ValueError, ImportError) as e:
        raise ClusterError(f"the proxy of context {target.context!r} cannot be used: {e}", "bad-kubeconfig") from None
    name = str(target.cluster.get("tls-server-name") or "")
    return Signed(inner, auth, impersonation(target.user), name)


# Watches hold a connection each for as long as they live, so the pool is not bounded by a small number.
# A check that looks every few seconds need not greet the API server anew each time.
_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=30.0)


def _proxy(target: Target) -> str | None:
    if target.cluster.get("proxy-url"):
        return str(target.cluster["proxy-url"])
    url = urlsplit(target.server)
    if url.hostname is None or urllib.request.proxy_bypass(url.hostname):
        return None
    return urllib.request.getproxies().get(url.scheme)


def _pem(source: dict[str, Any], name: str, target: Target) -> str:
    """A PEM text from `<name>-data` or the file `<name>`; "" if neither is set."""
    try:
        if source.get(f"{name}-data"):
            return base64.b64decode(str(source[f"{name}-data"]), validate=False).decode("ascii")
        if source.get(name):
            return Path(source[name]).read_text(encoding="ascii")
    except OSError as e:
        raise ClusterError(
            f"the {name} file {source[name]} of context {target.context!r} cannot be read: {e.strerror}; "
            f"correct {target.source}",
            "bad-kubeconfig",
        ) from None
    except ValueError:
        raise ClusterError(
            f"the {name} of context {target.context!r} in {target.source} is not a PEM text; correct it",
            "bad-kubeconfig",
        ) from None
    return ""


def _check_certificate(target: Target) -> None:
    pem = _pem(target.user, "client-certificate", target)
    if not pem:
        return
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise ClusterError(
            f"the client certificate of context {target.context!r} in {target.source} cannot be read; "
            "correct it or log in again",
            "bad-kubeconfig",
        ) from None
    now = datetime.now(UTC)
    if certificate.not_valid_after_utc < now:
        when = certificate.not_valid_after_utc.strftime("%Y-%m-%d %H:%M UTC")
        raise ClusterError(
            f"the client certificate of context {target.context!r} expired on {when}; renew it or log in again",
            "expired-certificate",
        )
    if certificate.not_valid_before_utc > now:
        when = certificate.not_valid_before_utc.strftime("%Y-%m-%d %H:%M UTC")
        raise ClusterError(
            f"the client certificate of context {target.context!r} is only valid from {when}; "
            "check this machine's clock",
            "expired-certificate",
        )


def _tls(target: Target) -> ssl.SSLContext:
    cluster, user = target.cluster, target.user
    authority = _pem(cluster, "certificate-authority", target)
    try:
        context = ssl.create_default_context(cadata=authority or None)
        if cluster.get("insecure-skip-tls-verify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        certificate = _pem(user, "client-certificate", target)
        if certificate:
            load_pem(context, certificate, _pem(user, "client-key", target))
    except (ssl.SSLError, ValueError) as e:
        raise ClusterError(
            f"the certificates of context {target.context!r} in {target.source} cannot be used ({e}); "
            "correct them or log in again",
            "bad-kubeconfig",
        ) from None
    return context


def _unreachable(target: Target, lost: ApiLost) -> ClusterError:
    causes: list[str] = []
    e: BaseException | None = lost
    while e is not None and len(causes) < 8:
        causes.append(str(e) or type(e).__name__)
        e = e.__cause__ or e.__context__
    text = " ".join(causes)
    where = f"{target.server} (context {target.context!r})"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        why = re.search(r"CERTIFICATE_VERIFY_FAILED\] ([^(]*)", text)
        return ClusterError(
            f"the server certificate of {where} is not trusted: {(why.group(1) if why else text).strip()}; "
            f"correct certificate-authority or tls-server-name in {target.source}",
            "tls-untrusted",
        )
    if "SSL" in text or "TLS" in text:
        return ClusterError(f"no TLS connection to {where}: {causes[-1]}; check the server address", "tls")
    why_not = causes[1] if len(causes) > 1 else causes[0]
    return ClusterError(
        f"{where} cannot be reached: {why_not}; check that the cluster is up and the network or VPN lets you in",
        "unreachable",
    )


def _check_version(version: str, target: Target) -> None:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if found and (int(found[1]), int(found[2])) < (1, OLDEST_MINOR):
        raise ClusterError(
            f"the cluster of context {target.context!r} runs Kubernetes {version}, and AI conformance begins with "
            f"1.{OLDEST_MINOR}; upgrade it or choose another context",
            "too-old",
        )
