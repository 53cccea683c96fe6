"""Admission webhooks of addons that run beside the lab: certificates, and configurations that lead to them by URL."""

from __future__ import annotations

import base64
import copy
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import binaries, control_plane, kinds, pki, processes
from . import state as states
from .addons.framework import PREFIX, Site, module_files
from .kube import Object
from .layout import Addresses, Folder
from .merge import merge
from .state import State, write_atomically

_KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def certificates(folder: Folder, state: State, name: str, *names: str) -> Path:
    """The folder with tls.crt and tls.key of an addon's server, from the lab's authority; made once.

    It is for the lab's host; `names` are further DNS names.
    """
    place = folder.pki / f"addon-{name}"
    if not (place / "tls.key").exists():
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = serialization.load_pem_private_key((folder.pki / "ca.key").read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        ca = pki.Authority(x509.load_pem_x509_certificate((folder.pki / "ca.crt").read_bytes()), key)
        host = Addresses(slot=state.slot).host
        certificate, own_key = pki.issue(ca, f"addon-{name}", names=[host, "localhost", *names])
        write_atomically(place / "tls.crt", certificate)
        write_atomically(place / "tls.key", own_key, 0o600)
    return place


def port(site: Site, name: str) -> int:
    """The port of an addon's webhooks on the lab's host address; chosen once."""
    if name not in site.state.ports:
        site.state.ports[name] = control_plane.free_port(Addresses(slot=site.state.slot).host)
        states.save(site.folder, site.state)
    return site.state.ports[name]


def start_operator(site: Site, name: str, group: binaries.Group, configuration: Object, path: str, label: str) -> bool:
    """An operator of one kind, built with controller-runtime and configured by a file; see each addon.

    Its webhooks are applied when `path` answers. Those for pods see only pods with `label`: the operator's own.
    `args: {config: {...}}` of a fault is merged into its configuration file. Returns whether its kinds were new.
    """
    documents = module_files(site, group)
    new = kinds.apply(site, documents)
    host, process = Addresses(slot=site.state.slot).host, f"{PREFIX}/{name}"
    if processes.running(site.folder, process) is None:
        own = {
            "health": {"healthProbeBindAddress": "0"},
            "metrics": {"bindAddress": "0"},
            "webhook": {
                "host": host,
                "port": port(site, name),
                "certDir": str(certificates(site.folder, site.state, name)),
            },
            "leaderElection": {"leaderElect": False},
            "internalCertManagement": {"enable": False},
        }
        changed = (site.change(name).get("args") or {}).get("config") or {}
        site.folder.config.mkdir(exist_ok=True)
        file = site.folder.config / f"{name}.json"
        write_atomically(file, json.dumps(merge({**configuration, **own}, changed)).encode())
        argv = [site.state.binaries[name], f"--config={file}"]
        processes.start(site.folder, process, argv, {"KUBECONFIG": str(site.folder.kubeconfig)})
    base = f"https://{host}:{port(site, name)}"
    control_plane.wait_until(site.folder, process, lambda: answers(site.folder, base, path), 60)
    for hook in by_url(documents, site.folder, base, name, own_pods=label):
        site.kube.apply(hook)
    return new


def by_url(
    documents: Iterable[Object],
    folder: Folder,
    base: str,
    prefix: str,
    *,
    not_in_kube_system: Iterable[str] = (),
    own_pods: str = "",
) -> list[Object]:
    """A module's webhook configurations, with `base` (https://HOST:PORT) in place of its Service.

    As the product's own overlay says: `not_in_kube_system` are resources whose webhooks leave that namespace alone,
    `own_pods` is a label that pods must have for the webhooks to see them.
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
            if own_pods and any("pods" in rule["resources"] for rule in hook["rules"]):
                hook["objectSelector"] = {"matchExpressions": [{"key": own_pods, "operator": "Exists"}]}
        found.append(made)
    return found


def of_service(documents: Iterable[Object], service: Object, authority: str) -> list[Object]:
    """A module's webhook configurations, with this Service ({name, namespace}) behind their own paths."""
    found = []
    for document in (d for d in documents if d["kind"] in _KINDS):
        made = copy.deepcopy(document)
        for hook in made["webhooks"]:
            path = hook["clientConfig"]["service"].get("path", "")
            hook["clientConfig"] = {"service": {**service, "path": path}, "caBundle": authority}
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
