"""JobSet: groups of Jobs, with its webhooks."""

from __future__ import annotations

from .. import binaries, webhooks
from .framework import Addon, Site, restart

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
    """See webhooks.start_operator. A Kueue that is there already starts anew."""
    configuration = {"apiVersion": "config.jobset.x-k8s.io/v1alpha1", "kind": "Configuration"}
    label = "jobset.sigs.k8s.io/jobset-name"
    path = "/mutate-jobset-x-k8s-io-v1alpha2-jobset"
    new = webhooks.start_operator(site, "jobset", _GROUP, configuration, path, label)
    if new and "kueue" in site.state.addons:
        # It looks for kinds that were not there at its start after ever longer pauses, of minutes in the end.
        restart(site, "kueue")


ADDON = Addon(name="jobset", title="JobSet, groups of Jobs", group=_GROUP, start=start, process="addon/jobset")
