"""Coscheduling of scheduler-plugins, as a second scheduler."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from .. import binaries, control_plane, kinds, processes
from .. import state as states
from ..layout import Addresses
from ..merge import merge
from .framework import Addon, Site, module_files

_GROUP = binaries.Group(
    title="scheduler-plugins",
    folder="scheduler-plugins",
    module="sigs.k8s.io/scheduler-plugins",
    packages={"sp-scheduler": "sigs.k8s.io/scheduler-plugins/cmd/scheduler"},
    minutes=3,
    gib=2,
    files=("config/crd/bases/scheduling.x-k8s.io_podgroups.yaml",),
)


def start(site: Site) -> None:
    """Apply its kind, start it, and wait until it says that it is healthy.

    `args: {profile: {...}}` of a fault is merged into the scheduler's profile (lists replace lists).
    """
    kinds.apply(site, module_files(site, _GROUP))
    host, port = Addresses(slot=site.state.slot).host, _port(site)
    if processes.running(site.folder, "addon/scheduler-plugins") is None:
        file = site.folder.config / "scheduler-plugins.json"
        site.folder.config.mkdir(exist_ok=True)
        changed = (site.change("scheduler-plugins").get("args") or {}).get("profile") or {}
        config = _config(str(site.folder.kubeconfig), merge(_PROFILE, changed))
        states.write_atomically(file, json.dumps(config).encode())
        flags = {
            "config": str(file),
            "bind-address": host,
            "secure-port": str(port),
            "cert-dir": str(site.folder.config / "scheduler-plugins-certs"),
            # A gang whose members were all turned away by the plugin itself is not woken by a pod that goes, but
            # tried again after this time only (5 minutes by default): seen here in one run of three.
            "pod-max-in-unschedulable-pods-duration": "10s",
        }
        own = [f"--{k}={v}" for k, v in flags.items()]
        argv = [site.state.binaries["sp-scheduler"], *own]
        processes.start(site.folder, "addon/scheduler-plugins", argv, {"KUBECONFIG": str(site.folder.kubeconfig)})
    control_plane.wait_until(site.folder, "addon/scheduler-plugins", lambda: _healthy(host, port), 60)


_PROFILE: dict[str, Any] = {
    "schedulerName": "scheduler-plugins-scheduler",
    "plugins": {
        "multiPoint": {"enabled": [{"name": "Coscheduling"}]},
        "queueSort": {"enabled": [{"name": "Coscheduling"}], "disabled": [{"name": "*"}]},
    },
    # The chart's value; the default is 60 s.
    "pluginConfig": [{"name": "Coscheduling", "args": {"permitWaitingTimeSeconds": 10}}],
}


def _config(kubeconfig: str, profile: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False},
        "clientConnection": {"kubeconfig": kubeconfig},
        "profiles": [profile],
    }


def _healthy(host: str, port: int) -> bool:
    """It signs its own serving certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(f"https://{host}:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _port(site: Site) -> int:
    if "scheduler-plugins" not in site.state.ports:
        site.state.ports["scheduler-plugins"] = control_plane.free_port(Addresses(slot=site.state.slot).host)
        states.save(site.folder, site.state)
    return site.state.ports["scheduler-plugins"]


ADDON = Addon(
    name="scheduler-plugins",
    title="coscheduling as a second scheduler, scheduler-plugins-scheduler",
    group=_GROUP,
    start=start,
    process="addon/scheduler-plugins",
)
