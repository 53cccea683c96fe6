"""Kueue: quota and queueing for Jobs, JobSets and groups of pods, with its webhooks."""

from __future__ import annotations

import json
from typing import Any

from .. import binaries, control_plane, kinds, processes, webhooks
from .. import state as states
from ..layout import Addresses
from ..merge import merge
from .framework import Addon, Site, module_files

_GROUP = binaries.Group(
    title="Kueue",
    folder="kueue",
    module="sigs.k8s.io/kueue",
    packages={"kueue": "sigs.k8s.io/kueue/cmd/kueue"},
    minutes=2.5,
    gib=1.5,
    files=("config/components/crd/bases/*.yaml", "config/components/webhook/manifests.yaml"),
)
_API = "/apis/kueue.x-k8s.io/v1beta1"
# It reads the certificate of its metrics server from a constant path, even if it is to have no such server.
_IN_OWN_ETC = (
    'mount -t tmpfs tmpfs /etc && mkdir -p /etc/kueue/metrics && ln -s "$0" /etc/kueue/metrics/certs && exec "$@"'
)


def start(site: Site) -> None:
    """Apply its kinds, start it, wait until its webhooks answer, and only then apply those.

    `args: {config: {...}}` of a fault is merged into its configuration file.
    """
    documents = module_files(site, _GROUP)
    kinds.apply(site, documents)
    site.kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kueue-system"}})
    host = Addresses(slot=site.state.slot).host
    place = webhooks.certificates(site.folder, site.state, "kueue")
    base = f"https://{host}:{webhooks.port(site, 'kueue')}"
    if processes.running(site.folder, "addon/kueue") is None:
        file = site.folder.config / "kueue.json"
        site.folder.config.mkdir(exist_ok=True)
        changed = (site.change("kueue").get("args") or {}).get("config") or {}
        states.write_atomically(
            file, json.dumps(merge(_config(host, webhooks.port(site, "kueue"), str(place)), changed)).encode()
        )
        own = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _IN_OWN_ETC, str(place)]
        argv = [*own, site.state.binaries["kueue"], f"--config={file}"]
        processes.start(site.folder, "addon/kueue", argv, {"KUBECONFIG": str(site.folder.kubeconfig)})
    control_plane.wait_until(
        site.folder, "addon/kueue", lambda: webhooks.answers(site.folder, base, "/mutate-batch-v1-job"), 60
    )
    spared = ("pods", "pods/ephemeralcontainers", "deployments", "statefulsets")
    for hook in webhooks.by_url(documents, site.folder, base, "kueue", not_in_kube_system=spared):
        site.kube.apply(hook)


def _config(host: str, port: int, certificates: str) -> dict[str, Any]:
    return {
        "apiVersion": "config.kueue.x-k8s.io/v1beta1",
        "kind": "Configuration",
        "health": {"healthProbeBindAddress": "0"},
        "metrics": {"bindAddress": "0"},
        "webhook": {"host": host, "port": port, "certDir": certificates},
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": False},
        "manageJobsWithoutQueueName": False,
        # Its visibility server wants certificates of its own, and ends the process without them.
        "featureGates": {"VisibilityOnDemand": False},
        "integrations": {"frameworks": ["batch/job", "jobset.x-k8s.io/jobset", "pod"]},
    }


def clean(site: Site) -> None:
    """Queues that were left behind."""
    for plural in ("clusterqueues", "resourceflavors"):
        for item in site.kube.items(f"{_API}/{plural}"):
            site.kube.delete(f"{_API}/{plural}/{item['metadata']['name']}")


ADDON = Addon(
    name="kueue",
    title="Kueue, with the integrations job, jobset and pod",
    group=_GROUP,
    start=start,
    clean=clean,
    process="addon/kueue",
)
