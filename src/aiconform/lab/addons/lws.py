"""LeaderWorkerSet: groups of a leader and its workers, with its webhooks."""

from __future__ import annotations

from .. import binaries, webhooks
from .framework import Addon, Site

_GROUP = binaries.Group(
    title="LeaderWorkerSet",
    folder="lws",
    module="sigs.k8s.io/lws",
    packages={"lws": "sigs.k8s.io/lws/cmd"},
    minutes=1.7,
    gib=1.2,
    files=("config/crd/bases/*.yaml", "config/webhook/manifests.yaml"),
)


def start(site: Site) -> None:
    """See webhooks.start_operator."""
    configuration = {"apiVersion": "config.lws.x-k8s.io/v1alpha1", "kind": "Configuration"}
    path = "/mutate-leaderworkerset-x-k8s-io-v1-leaderworkerset"
    webhooks.start_operator(site, "lws", _GROUP, configuration, path, "leaderworkerset.sigs.k8s.io/name")


ADDON = Addon(
    name="lws", title="LeaderWorkerSet, groups of a leader and workers", group=_GROUP, start=start, process="addon/lws"
)
