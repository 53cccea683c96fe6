"""KubeRay: Ray clusters. Its operator runs in a pod of the cluster, from an image of its own.

A fault changes it by `addon: {name: kuberay, args: {...}}`: `namespace` (ray-system), `replicas` (1), `webhooks: true`
(off by default, as the product has it), `policy` (their failurePolicy), `flags` (null removes one), `container` (merged
into its container), and `rules`, a list of plurals that its role loses. `stop: true` takes the Deployment away and
leaves its kinds.
"""

from __future__ import annotations

import base64
from typing import Any

from .. import binaries, kinds, webhooks
from ..kube import Object
from ..merge import merge
from .framework import Addon, Site, documents, load_image, module_files, wait_rolled_out

_GROUP = binaries.Group(
    title="KubeRay",
    folder="kuberay",
    module="github.com/ray-project/kuberay/ray-operator",
    packages={"ray-operator": "github.com/ray-project/kuberay/ray-operator"},
    minutes=1.3,
    gib=1.2,
    files=("config/crd/bases/*.yaml", "config/rbac/role.yaml", "config/webhook/manifests.yaml"),
)
_LABEL = "app.kubernetes.io/component=kuberay-operator"
_DEPLOYMENTS = "/apis/apps/v1/deployments"
_PODS = "/api/v1/pods"
_HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
_HOME = "ray-system"
_FLAGS = {"enable-leader-election": "true", "log-stdout-encoder": "console"}


def image() -> str:
    """The full name of its image."""
    return f"aiconform.dev/kuberay:{binaries.version(_GROUP)}"


def start(site: Site) -> None:
    """Apply what the state asks for, and return when that operator is ready and nothing of another one is left."""
    change = site.change("kuberay").get("args") or {}
    space, hooked = change.get("namespace") or _HOME, bool(change.get("webhooks"))
    kept = module_files(site, _GROUP)
    kinds.apply(site, [_lean(d) for d in kept])
    load_image(site, "ray-operator", image(), "/manager")
    _leave_other_places(site, space)
    flags = merge(_FLAGS, change.get("flags") or {})
    args = [f"--{k}={v}" for k, v in flags.items() if v is not None]
    place = webhooks.certificates(site.folder, site.state, f"kuberay-{space}", f"kuberay-webhook.{space}.svc")
    secret = {k: base64.b64encode((place / k).read_bytes()).decode() for k in ("tls.crt", "tls.key")}
    replicas = int(change.get("replicas", 1))
    site.kube.apply(_role(kept, change.get("rules") or []))
    for document in documents(
        "kuberay.yaml", image=image(), namespace=space, replicas=str(replicas), webhooks=str(hooked).lower()
    ):
        if document["kind"] == "Secret":
            document["data"] = secret
        if document["kind"] == "Deployment":
            spec = document["spec"]["template"]["spec"]
            spec["containers"] = [merge({**spec["containers"][0], "args": args}, change.get("container") or {})]
        site.kube.apply(document)
    wait_rolled_out(site, f"/apis/apps/v1/namespaces/{space}/deployments", ["kuberay-operator"], 90, "KubeRay")
    # A Deployment does not count pods that are ending, and those still act.
    site.kube.wait(
        _PODS, lambda items: len(items) == replicas, 90, "the end of KubeRay's old pods", labelSelector=_LABEL
    )
    _register(site, kept, space, change if hooked else {})


def _lean(document: Object) -> Object:
    """Only RayCluster is used here; the operator merely must be able to watch the other kinds."""
    kind = (document["spec"].get("names") or {}).get("kind") if "spec" in document else None
    if document["kind"] != "CustomResourceDefinition" or kind is None:
        return document
    versions = [v for v in document["spec"]["versions"] if v["name"] == "v1"]
    if kind != "RayCluster":
        versions = kinds.loose(versions)
    return {**document, "spec": {**document["spec"], "versions": versions}}


def _leave_other_places(site: Site, space: str) -> None:
    """An operator that a fault has put elsewhere would go on, and hold the lease of nobody."""
    for item in site.kube.items(_DEPLOYMENTS, labelSelector=_LABEL):
        if item["metadata"]["namespace"] != space:
            site.kube.delete(f"/api/v1/namespaces/{item['metadata']['namespace']}")


def _role(kept: list[Object], lost: list[str]) -> Object:
    """The product's own role, without some resources."""
    role = next(d for d in kept if d["kind"] == "ClusterRole" and d["metadata"]["name"] == "kuberay-operator")
    rules = [{**r, "resources": [p for p in r.get("resources") or [] if p not in lost]} for r in role["rules"]]
    return {**role, "rules": [r for r in rules if r["resources"]]}


def _register(site: Site, kept: list[Object], space: str, change: dict[str, Any]) -> None:
    """The webhook configuration of the product, to its Service in this namespace; none where webhooks are off."""
    name = "kuberay-validating-webhook-configuration"
    if not change:
        site.kube.delete(f"{_HOOKS}/{name}")
        return
    authority = base64.b64encode((site.folder.pki / "ca.crt").read_bytes()).decode()
    for hook in webhooks.of_service(kept, {"name": "kuberay-webhook", "namespace": space}, authority):
        # Of the three kinds, only RayCluster has a server behind it.
        only = [h for h in hook["webhooks"] if "rayclusters" in h["rules"][0]["resources"]]
        for one in only:
            one["failurePolicy"] = change.get("policy") or one["failurePolicy"]
        site.kube.apply({**hook, "metadata": {"name": name}, "webhooks": only})


def stop(site: Site) -> None:
    """Take it away, with its webhooks."""
    site.kube.delete(f"{_HOOKS}/kuberay-validating-webhook-configuration")
    for item in site.kube.items(_DEPLOYMENTS, labelSelector=_LABEL):
        meta = item["metadata"]
        path = f"/apis/apps/v1/namespaces/{meta['namespace']}/deployments/{meta['name']}"
        site.kube.delete(path, propagationPolicy="Foreground")
    site.kube.wait(_PODS, lambda items: not items, 60, "the end of KubeRay", labelSelector=_LABEL)


ADDON = Addon(
    name="kuberay", title="KubeRay, Ray clusters; its operator runs in a pod", group=_GROUP, start=start, stop=stop
)
