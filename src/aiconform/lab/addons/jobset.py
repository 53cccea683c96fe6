"""JobSet: groups of Jobs, with its webhooks."""

from __future__ import annotations

from .. import binaries, webhooks
from .framework import Addon, Site

_GROUP = binaries.Group(
    title="JobSet",
    folder="jobset",
    module="sigs.k8s.io/jobset",
    packages={"jobset": "sigs.k8s.io/jobset"},
    minutes=1.5,
    gib=1.2,
    files=("config/components/crd/bases/*.yaml", "config/components/webhook/manifests.yaml"),
)


def start(site: Site) -> None:
    """See webhooks.start_operator."""
    configuration = {"apiVersion": "config.jobset.x-k8s.io/v1alpha1", "kind": "Configuration"}
    label = "jobset.sigs.k8s.io/jobset-name"
    webhooks.start_operator(site, "jobset", _GROUP, configuration, "/mutate-jobset-x-k8s-io-v1alpha2-jobset", label)


ADDON = Addon(name="jobset", title="JobSet, groups of Jobs", group=_GROUP, start=start, process="addon/jobset")
