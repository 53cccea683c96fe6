"""Envoy Gateway with a real Envoy: an implementation of Gateway API whose proxies are pods."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from .. import binaries, envoy_image, kinds
from ..kube import condition
from ..merge import merge
from .framework import Addon, Site, documents, module_files, wait_rolled_out

_GROUP = binaries.Group(
    title="Envoy Gateway",
    folder="envoy-gateway",
    module="github.com/envoyproxy/gateway",
    packages={"envoy-gateway": "github.com/envoyproxy/gateway/cmd/envoy-gateway"},
    minutes=4,
    gib=2.5,
    files=("charts/gateway-helm/charts/crds/crds/generated/*.yaml",),
)
NAMESPACE, CLASS, NODE = "envoy-gateway-system", "envoy", "lab-node-1"
_DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
_OWNER = "gateway.envoyproxy.io/owning-gateway-name"
_PROXY_KINDS = ("services", "configmaps", "serviceaccounts")
_CLASSES = "/apis/gateway.networking.k8s.io/v1/gatewayclasses"


def start(site: Site) -> None:
    """Apply its kinds and objects, and wait until it runs as configured and accepts its class.

    A fault's `args`: `config` is merged into its configuration, `proxy` into the spec of its EnvoyProxy, `replicas` is
    the number of its own pods.
    """
    kinds.apply(site, module_files(site, _GROUP))
    version = binaries.version(_GROUP)
    archives = envoy_image.ensure(
        Path(site.state.cache), Path(site.state.binaries["envoy-gateway"]), version, site.report
    )
    # All of its pods are bound to one node: importing these images takes seconds.
    envoy_image.load(site.folder, site.state, NODE, archives)
    change = site.change("envoy-gateway").get("args") or {}
    config = merge(_config(version), change.get("config") or {})
    text = json.dumps(config, sort_keys=True)
    parameters = {
        "namespace": NAMESPACE,
        "node": NODE,
        "image": envoy_image.gateway_image(version),
        "gateway_class": CLASS,
        "config": text,
        "config_hash": hashlib.sha256(text.encode()).hexdigest()[:12],
    }
    for document in documents("envoy_gateway.yaml", **parameters):
        if document["kind"] == "Deployment":
            _certificates(site)
            document["spec"]["replicas"] = change.get("replicas", 1)
        if document["kind"] == "EnvoyProxy":
            document["spec"] = merge(_proxy(), change.get("proxy") or {})
        site.kube.apply(document)
    wait_rolled_out(site, _DEPLOYMENTS, ["envoy-gateway"], 120, "Envoy Gateway")
    if change.get("replicas", 1):
        accepted = f"metadata.name={CLASS}"
        site.kube.wait(
            _CLASSES,
            lambda items: any(condition(i, "Accepted") for i in items),
            60,
            "its class",
            fieldSelector=accepted,
        )


def _certificates(site: Site) -> None:
    """Its own command makes the certificates between it and its proxies, once."""
    collection = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
    site.kube.wait(
        collection,
        lambda items: any(condition(i, "Complete") for i in items),
        90,
        "Envoy Gateway's certificates",
        fieldSelector="metadata.name=certgen",
    )


def _config(version: str) -> dict[str, Any]:
    kubernetes = {
        "shutdownManager": {"image": envoy_image.gateway_image(version)},
        # It is not used, and the lab has no image of it.
        "rateLimitDeployment": {"container": {"image": "none"}},
        # It is alone. One that loses its lease, because the API server was away, neither goes on nor ends.
        "leaderElection": {"disable": True},
    }
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyGateway",
        "gateway": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
        "provider": {"type": "Kubernetes", "kubernetes": kubernetes},
        "extensionApis": {"enableEnvoyPatchPolicy": True},
        "logging": {"level": {"default": "warn"}},
    }


def _proxy() -> dict[str, Any]:
    small = {"requests": {"cpu": "50m", "memory": "64Mi"}}
    deployment = {
        "pod": {"nodeSelector": {"kubernetes.io/hostname": NODE}},
        "container": {"image": envoy_image.ENVOY_IMAGE, "resources": small},
    }
    return {
        # The lab has no load balancers: ClusterIPs become the Gateways' addresses.
        "provider": {
            "type": "Kubernetes",
            "kubernetes": {"envoyDeployment": deployment, "envoyService": {"type": "ClusterIP"}},
        },
        "shutdown": {"drainTimeout": "1s", "minDrainDuration": "0s"},
    }


def clean(site: Site) -> None:
    """Proxies of Gateways that went while it did not run: it does not look for them when it comes back."""
    gateways = {g["metadata"]["name"] for g in site.kube.items("/apis/gateway.networking.k8s.io/v1/gateways")}
    for root in (_DEPLOYMENTS, *(f"/api/v1/namespaces/{NAMESPACE}/{p}" for p in _PROXY_KINDS)):
        for item in site.kube.items(root, labelSelector=_OWNER):
            if item["metadata"]["labels"][_OWNER] not in gateways:
                site.kube.delete(f"{root}/{item['metadata']['name']}")


ADDON = Addon(
    name="envoy-gateway",
    title=f"Envoy Gateway with Envoy {envoy_image.ENVOY_VERSION}, class `{CLASS}`",
    group=_GROUP,
    start=start,
    clean=clean,
    needs=("gateway-api",),
)
