"""The kinds of Gateway API, standard channel, without anything that serves them."""

from __future__ import annotations

from .. import binaries, kinds
from .framework import Addon, Site, module_files

_GROUP = binaries.Group(
    title="Gateway API",
    folder="gateway-api",
    module="sigs.k8s.io/gateway-api",
    packages={},
    minutes=0,
    gib=0.1,
    files=("config/crd/standard/gateway.networking.k8s.io_*.yaml",),
)
_API = "/apis/gateway.networking.k8s.io/v1"


def start(site: Site) -> None:
    """Apply the kinds and wait until they are served."""
    kinds.apply(site, module_files(site, _GROUP))


def clean(site: Site) -> None:
    """Classes and Gateways that were left behind go; those of an addon come again with it."""
    for plural in ("httproutes", "gateways"):
        for item in site.kube.items(f"{_API}/{plural}"):
            where = item["metadata"]
            site.kube.delete(f"{_API}/namespaces/{where['namespace']}/{plural}/{where['name']}")


ADDON = Addon(
    name="gateway-api",
    title="the kinds of Gateway API, without an implementation",
    group=_GROUP,
    start=start,
    clean=clean,
)
