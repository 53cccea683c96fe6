"""KEDA: ScaledObjects. Its operator and its metrics API server run in pods of the cluster, from images of their own.

How to use it: `lab up --addon keda`, or the step `addon: keda` of a fault. It serves external.metrics.k8s.io/v1beta1,
which a cluster has once: the addon `metrics-api` leaves it to KEDA, unless a fault has that one `serve` it. The addon
`prometheus` comes with it, at http://prometheus.monitoring.svc:9090 for its triggers. Its webhooks are not run.

A fault changes it by `addon: {name: keda, args: {...}}`: `replicas` of the operator (1), `flags` of the operator (null
removes one), `rules`, a list of resources that the operator's role loses, `without`, a list of the names of
ClusterRoleBindings that are missing. `stop: true` takes it away and leaves its kinds.
"""

from __future__ import annotations

import base64
import hashlib
import json

from .. import binaries, kinds, webhooks
from ..kube import Object, condition
from ..layout import CLUSTER_DOMAIN
from ..merge import merge
from .framework import Addon, Site, documents, load_image, module_files, wait_rolled_out

_MODULE = "github.com/kedacore/keda/v2"
_GROUP = binaries.Group(
    title="KEDA",
    folder="keda",
    module=_MODULE,
    packages={"keda": f"{_MODULE}/cmd/operator", "keda-adapter": f"{_MODULE}/cmd/adapter"},
    minutes=6,
    gib=4,
    files=("config/crd/bases/keda.sh_*.yaml", "config/crd/bases/eventing.keda.sh_*.yaml", "config/rbac/role*.yaml"),
)
API = "external.metrics.k8s.io/v1beta1"
_NAME = "v1beta1.external.metrics.k8s.io"
_APISERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
_DEPLOYMENTS = "/apis/apps/v1/namespaces/keda/deployments"
_SCALED = "/apis/keda.sh/v1alpha1/scaledobjects"
_LABEL = "app.kubernetes.io/part-of=keda-operator"
_FLAGS = {"leader-elect": "true", "zap-log-level": "info", "zap-encoder": "console"}


def has_the_api(site: Site) -> bool:
    """Whether external.metrics.k8s.io is KEDA's here."""
    if "keda" not in site.state.addons or site.change("keda").get("stop"):
        return False
    return API not in ((site.change("metrics-api").get("args") or {}).get("serve") or [])


def start(site: Site) -> None:
    """Apply what the state asks for, and return when KEDA is ready and its API available."""
    change = site.change("keda").get("args") or {}
    kept = module_files(site, _GROUP)
    kinds.apply(site, [_lean(d) for d in kept])
    images = {program: f"aiconform.dev/{program}:{binaries.version(_GROUP)}" for program in _GROUP.packages}
    for program, image in images.items():
        load_image(site, program, image)
    replicas, missing = int(change.get("replicas", 1)), change.get("without") or []
    flags = merge(_FLAGS, change.get("flags") or {})
    secret, authority = _certificates(site)
    roles = [_role(d, change.get("rules") or []) for d in kept if d["kind"] != "CustomResourceDefinition"]
    wanted = documents(
        "keda.yaml",
        image=images["keda"],
        server_image=images["keda-adapter"],
        replicas=str(replicas),
        args=json.dumps([f"--{k}={v}" for k, v in flags.items() if v is not None]),
        domain=CLUSTER_DOMAIN,
        ca=authority,
        mark=hashlib.sha256(json.dumps(secret).encode()).hexdigest()[:10],
    )
    made = [d["metadata"]["name"] for d in wanted if d["kind"] == "Deployment"]
    # The module's roles lie in the namespace that comes first.
    for document in [wanted[0], *roles, *wanted[1:]]:
        _apply(site, document, missing, secret)
    wait_rolled_out(site, _DEPLOYMENTS, made, 120, "KEDA")
    if has_the_api(site):
        site.kube.wait(_APISERVICES, lambda items: any(map(_available, items)), 60, "KEDA's metrics API")


def _certificates(site: Site) -> tuple[dict[str, str], str]:
    """The data of the Secret that both of its servers read, and the authority; base64."""
    names = ("keda-operator.keda.svc", f"keda-operator.keda.svc.{CLUSTER_DOMAIN}", "keda-metrics-apiserver.keda.svc")
    place = webhooks.certificates(site.folder, site.state, "keda", *names)
    authority = base64.b64encode((site.folder.pki / "ca.crt").read_bytes()).decode()
    pair = {k: base64.b64encode((place / k).read_bytes()).decode() for k in ("tls.crt", "tls.key")}
    return {**pair, "ca.crt": authority}, authority


def _apply(site: Site, document: Object, missing: list[str], secret: dict[str, str]) -> None:
    """Apply one object, unless it is to be missing or another's."""
    kind, name = document["kind"], document["metadata"]["name"]
    if kind == "ClusterRoleBinding" and name in missing:
        site.kube.delete(site.kube.path(document))
    elif kind != "APIService" or has_the_api(site):
        site.kube.apply({**document, "data": secret} if kind == "Secret" else document)


def _lean(document: Object) -> Object:
    """ScaledJobs without their schema: most of a megabyte, and no API server takes it without the product's patches."""
    if document["kind"] != "CustomResourceDefinition" or document["spec"]["names"]["kind"] != "ScaledJob":
        return document
    return {**document, "spec": {**document["spec"], "versions": kinds.loose(document["spec"]["versions"])}}


def _role(document: Object, lost: list[str]) -> Object:
    """The product's own role, without some resources."""
    if document["kind"] != "ClusterRole":
        return document
    rules = [{**r, "resources": [p for p in r.get("resources") or [] if p not in lost]} for r in document["rules"]]
    return {**document, "rules": [r for r in rules if r["resources"]]}


def _available(item: Object) -> bool:
    mine = (item["spec"].get("service") or {}).get("namespace") == "keda"
    return item["metadata"]["name"] == _NAME and mine and condition(item, "Available")


def clean(site: Site) -> None:
    """ScaledObjects that were left behind."""
    for item in site.kube.items(_SCALED):
        meta = item["metadata"]
        site.kube.delete(f"/apis/keda.sh/v1alpha1/namespaces/{meta['namespace']}/scaledobjects/{meta['name']}")


def stop(site: Site) -> None:
    """Take it away, with its API: without a server that would hold up every discovery."""
    for item in site.kube.items(_APISERVICES):
        if item["metadata"]["name"] == _NAME and (item["spec"].get("service") or {}).get("namespace") == "keda":
            site.kube.delete(f"{_APISERVICES}/{_NAME}")
    for item in site.kube.items(_DEPLOYMENTS):
        site.kube.delete(f"{_DEPLOYMENTS}/{item['metadata']['name']}", propagationPolicy="Foreground")
    site.kube.wait("/api/v1/pods", lambda items: not items, 60, "the end of KEDA", labelSelector=_LABEL)


ADDON = Addon(
    name="keda",
    title="KEDA, which scales by ScaledObjects; it runs in pods",
    group=_GROUP,
    start=start,
    clean=clean,
    stop=stop,
    needs=("prometheus",),
)
