"""The webhook canary: whether the API server calls an admission webhook that runs in the cluster.

For operators that have none of their own, or whose own one denied nothing.
"""

import base64
import json
import secrets
import time
from pathlib import Path

from aiconform.checks.robust_controller.site import Manifest, Site
from aiconform.cluster import asking, manifests

_FOLDER = Path(__file__).parent / "manifests"
# Firewalls between control planes and nodes let this port through, if any (it is the kubelet's, on the nodes).
_PORT = 10250
_SCRIPTS = ("webhook.py", "caller.py")


async def canary(site: Site) -> None:
    """A webhook server in a pod, another pod that calls it, and the API server, which must."""
    box = site.box
    word = secrets.token_hex(8)
    name = f"canary-webhook.{box.namespace}.svc"
    service = await _send(site, manifests.fill(_FOLDER / "service.yaml", port=_PORT)[0])
    texts = {n: (_FOLDER / n).read_text(encoding="utf-8") for n in _SCRIPTS}
    texts[asking.SELFSIGNED] = asking.shared_script(asking.SELFSIGNED)
    if not service or not await _send(site, asking.script_map("canary-scripts", texts)):
        return
    if not await _send(site, _pod(site, "webhook", {"port": _PORT, "word": word, "name": name}), "webhook"):
        return
    if not await box.until(lambda: _ready(site), "canary"):
        because = f"the server of the webhook canary did not start: {box.why_not_running('webhook')}"
        box.unable("calling", box.code_for("webhook"), because)
        return
    said = await box.probe("webhook", step="calling")
    certificate = (said or {}).get("certificate")
    if not certificate:
        box.unable("calling", "probe-failed", "the server of the webhook canary said nothing about its certificate")
        return
    seconds = min(60.0, box.seconds("calling"))
    address = service["spec"]["clusterIP"]
    called = {"address": address, "port": 443, "name": name, "certificate": certificate, "seconds": seconds}
    if not await _send(site, _pod(site, "caller", called), "caller"):
        return
    await box.until(lambda: _phase(site, "caller") in ("Running", "Succeeded", "Failed"), "canary")
    await box.probe("caller", step="calling", wait=seconds + 15)
    await _call(site, word, base64.b64encode(certificate.encode()).decode())
    await box.probe("webhook", step="calling")


async def _send(site: Site, manifest: Manifest, role: str = "") -> Manifest:
    """What was stored; {} and the reason why the canary cannot be tried, if it was refused."""
    sent = await site.box.create(manifest, step="calling", role=role)
    if not sent.ok:
        what = f"{manifest['kind']} {manifest['metadata']['name']}"
        site.box.unable("calling", sent.code, f"{what} of the webhook canary was refused: {sent.message}")
    return sent.object


def _pod(site: Site, name: str, settings: Manifest) -> Manifest:
    facts = site.box.attempt.facts
    made = asking.pod(
        name,
        site.box.attempt.settings["probe_image"],
        script_configmap="canary-scripts",
        script_key=f"{name}.py",
        args=[json.dumps(settings)],
        tolerations=asking.tolerations(facts["taints"]),
        cpu="20m",
        spec={"nodeSelector": facts["node_selector"]},
    )
    if name == "webhook":
        container = made["spec"]["containers"][0]
        container["ports"] = [{"containerPort": _PORT}]
        container["readinessProbe"] = {"tcpSocket": {"port": _PORT}, "periodSeconds": 1}
    return made


def _phase(site: Site, name: str) -> str:
    return str(((site.box.pod(name) or {}).get("status") or {}).get("phase", ""))


def _ready(site: Site) -> bool:
    status = (site.box.pod("webhook") or {}).get("status") or {}
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or [])


async def _call(site: Site, word: str, bundle: str) -> None:
    """Registers the webhook and asks for a ConfigMap that it denies, until it does; then for one that it allows."""
    box = site.box
    configuration = manifests.fill(
        _FOLDER / "configuration.yaml", name=f"aiconform-{box.namespace}", namespace=box.namespace, bundle=bundle
    )[0]
    box.fact("word", word, step="calling")
    sent = await box.create(configuration, step="calling")
    if not sent.ok:
        box.unable("calling", sent.code, f"the webhook canary could not be registered: {sent.message}")
        return
    made = {**sent.object, "apiVersion": configuration["apiVersion"], "kind": configuration["kind"]}
    async with box.window("calling", "the API server must call the webhook canary"):
        over = time.monotonic() + box.seconds("calling")
        while time.monotonic() < over:
            sent = await box.create(_map("deny-me"), step="calling-deny", role="called", dry_run=True)
            if word in sent.message:
                await box.create(_map("allow-me"), step="calling-allow", role="called", dry_run=True)
                break
            # The API server takes a new configuration up within seconds, and tells nobody when.
            await box.until(lambda: False, 1.0, what="the API server must call the webhook canary")
    await box.delete(made, step="calling")


def _map(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {}}
