"""Admission webhooks of addons that run beside the lab: certificates, and configurations that lead to them by URL."""

from __future__ import annotations

import base64
import copy
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import pki
from .kube import Object
from .layout import Addresses, Folder
from .state import State, write_atomically

_KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def certificates(folder: Folder, state: State, name: str) -> Path:
    """The folder with tls.crt and tls.key of an addon's server, from the lab's authority; made once."""
    place = folder.pki / f"addon-{name}"
    if not (place / "tls.key").exists():
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = serialization.load_pem_private_key((folder.pki / "ca.key").read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        ca = pki.Authority(x509.load_pem_x509_certificate((folder.pki / "ca.crt").read_bytes()), key)
        host = Addresses(slot=state.slot).host
        certificate, own_key = pki.issue(ca, f"addon-{name}", names=[host, "localhost"])
        write_atomically(place / "tls.crt", certificate)
        write_atomically(place / "tls.key", own_key, 0o600)
    return place


def by_url(
    documents: Iterable[Object], folder: Folder, base: str, prefix: str, *, not_in_kube_system: Iterable[str] = ()
) -> list[Object]:
    """A module's webhook configurations, with `base` (https://HOST:PORT) in place of its Service.

    `not_in_kube_system`: resources whose webhooks leave that namespace alone, as the product's own overlay says.
    """
    authority = base64.b64encode((folder.pki / "ca.crt").read_bytes()).decode()
    spared = set(not_in_kube_system)
    selector = {
        "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]}]
    }
    found = []
    for document in documents:
        if document["kind"] not in _KINDS:
            continue
        made = copy.deepcopy(document)
        made["metadata"] = {"name": f"{prefix}-{document['metadata']['name']}"}
        for hook in made["webhooks"]:
            path = hook["clientConfig"]["service"].get("path", "")
            hook["clientConfig"] = {"url": base + path, "caBundle": authority}
            if spared & {r for rule in hook["rules"] for r in rule["resources"]}:
                hook["namespaceSelector"] = selector
        found.append(made)
    return found


def answers(folder: Folder, base: str, path: str = "/") -> bool:
    """Whether a TLS server of the lab's authority listens there; what it answers does not matter."""
    context = ssl.create_default_context(cafile=str(folder.pki / "ca.crt"))
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(base + path, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False
