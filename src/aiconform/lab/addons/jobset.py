"""JobSet: groups of Jobs, with its webhooks."""

from __future__ import annotations

from .. import binaries, kinds, webhooks
from .framework import Addon, Site, module_files, restart

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
    new = kinds.apply(site, module_files(site, _GROUP))
    configuration = {"apiVersion": "config.jobset.x-k8s.io/v1alpha1", "kind": "Configuration"}
    label = "jobset.sigs.k8s.io/jobset-name"
    webhooks.start_operator(site, "jobset", _GROUP, configuration, "/mutate-jobset-x-k8s-io-v1alpha2-jobset", label)
    if new and "kueue" in site.state.addons:
        # It looks for kinds that were not there at its start after ever longer pauses, of minutes in the end.
        restart(site, "kueue")


ADDON = Addon(name="jobset", title="JobSet, groups of Jobs", group=_GROUP, start=start, process="addon/jobset")
