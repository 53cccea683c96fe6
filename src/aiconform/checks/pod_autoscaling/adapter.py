"""The suite's own metrics API: a server in a pod, which is registered for the run and goes with it.

Only for a mechanism that says so (`brings`), which the user has to name, and only where nothing else serves it.
"""

import base64
import json
from importlib import resources

from aiconform.checks.pod_autoscaling.objects import PORT
from aiconform.checks.pod_autoscaling.site import NotPossible, Site, ready
from aiconform.checks.pod_autoscaling.via import CUSTOM, METRIC, Manifest
from aiconform.cluster import asking, labels, manifests
from aiconform.cluster.sandbox import Sent

_NAME, _SCRIPT, _SCRIPTS = "adapter", "adapter.py", "adapter-scripts"
# Firewalls between control planes and nodes let this port through, if any (it is the kubelet's, on the nodes).
_PORT = 10250
_API, _PLURAL = "apiregistration.k8s.io/v1", "apiservices"


async def bring(site: Site) -> None:
    """Starts the server, registers it, and waits until the API server finds it available. Raises NotPossible."""
    box, folder = site.box, resources.files(__package__).joinpath("manifests")
    home = await box.make_namespace(hint=_NAME)
    wanted = manifests.fill(
        folder.joinpath("adapter.yaml").read_text(encoding="utf-8"),
        home=home, own=site.own, other=site.other, port=_PORT, metric=METRIC,
    )  # fmt: skip
    texts = {n: folder.joinpath(n).read_text(encoding="utf-8") for n in (_SCRIPT,)}
    texts[asking.SELFSIGNED] = asking.shared_script(asking.SELFSIGNED)
    for manifest in [*wanted, asking.script_map(_SCRIPTS, texts)]:
        await _send(site, manifest, manifest["metadata"].get("namespace", home))
    await _send(site, _pod(site, home), home, _NAME)
    if not await box.until(lambda: any(map(ready, box.pods(role=_NAME))), "canary", "the metrics API is to start"):
        because = f"the suite's metrics API did not start: {box.why_not_running(_NAME)}"
        raise NotPossible("setup", box.code_for(_NAME), because)
    said = await box.probe(_NAME, step="setup", namespace=home)
    if not (said or {}).get("certificate"):
        raise NotPossible("setup", "probe-failed", "the suite's metrics API said nothing about its certificate")
    await _register(site, home, said["certificate"])


def _pod(site: Site, home: str) -> Manifest:
    facts, settings = site.box.attempt.facts, site.box.attempt.settings
    config = {
        "port": _PORT, "name": f"{_NAME}.{home}.svc", "metric": METRIC, "namespaces": [site.own, site.other],
        "pod_port": PORT,
    }  # fmt: skip
    taints = [t for n in facts["nodes"] for t in n["taints"]]
    made = asking.pod(
        _NAME,
        settings["probe_image"],
        script_configmap=_SCRIPTS,
        script_key=_SCRIPT,
        args=[json.dumps(config, sort_keys=True)],
        tolerations=list({str(t): t for t in asking.tolerations(taints)}.values()),
        spec={"serviceAccountName": _NAME, "automountServiceAccountToken": True},
    )
    made["spec"]["containers"][0] |= {
        "ports": [{"containerPort": _PORT}],
        "readinessProbe": {"tcpSocket": {"port": _PORT}, "periodSeconds": 1},
    }
    return made


async def _register(site: Site, home: str, certificate: str) -> None:
    box = site.box
    service = {
        "apiVersion": _API,
        "kind": "APIService",
        "metadata": {"name": f"v1beta2.{CUSTOM}"},
        "spec": {
            "group": CUSTOM,
            "version": "v1beta2",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "service": {"name": _NAME, "namespace": home},
            "caBundle": base64.b64encode(certificate.encode()).decode(),
        },
    }
    await box.follow(_API, _PLURAL, labels=f"{labels.RUN}={box.run}")
    sent = await _send(site, service, "")
    site.brought = sent.object | {k: service[k] for k in ("apiVersion", "kind")}

    def available() -> bool:
        found = [c for a in box.view(_API, _PLURAL) for c in (a.get("status") or {}).get("conditions") or []]
        return any(c["type"] == "Available" and c["status"] == "True" for c in found)

    if not await box.until(available, "canary", "the API server is to find the suite's metrics API"):
        said = [
            c.get("message", "") for a in box.view(_API, _PLURAL) for c in a.get("status", {}).get("conditions", [])
        ]
        because = f"the API server does not reach the suite's metrics API: {'; '.join(said) or 'it says nothing'}"
        raise NotPossible("setup", "no-reachable-address", because)


async def _send(site: Site, manifest: Manifest, namespace: str, role: str = "") -> Sent:
    sent = await site.box.create(manifest, step="setup", role=role, namespace=namespace or None)
    if not sent.ok:
        what = f"{manifest['kind']} {manifest['metadata']['name']} of the suite's metrics API"
        raise NotPossible("setup", sent.code, f"{what} was refused: {sent.message}")
    return sent


async def remove(site: Site) -> None:
    """Takes the registration back, before its server goes: without one it would hold up the end of every namespace."""
    if site.brought:
        await site.box.delete(site.brought, step="cleanup")
        await site.box.gone([site.brought], 60.0)
