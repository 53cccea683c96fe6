"""Steps 1 to 3: discovery, one object of each type, and requests that must be refused. Records, decides nothing.

Facts: `served` {versions: {plural: {version: [verbs]}}}; `object/<plural>` {sent, created, stored, got, listed,
changed, gone}; `answer` {case, ok, status, code, message, admin} for each request of step "refusals".
"""

from functools import partial
from typing import Any

from aiconform.checks.dra_support.check import TYPES
from aiconform.checks.dra_support.via import DraApi, Manifest
from aiconform.cluster.sandbox import Sandbox, Sent

GROUP = "resource.k8s.io"
NOBODY = "nobody.aiconform.dev"
"""The driver of our own objects: there is no such driver."""
CHANGED = "aiconform.dev/changed"
# Two operands are missing: no version of CEL takes it.
BROKEN = 'device.driver == "nobody.aiconform.dev" && ( =='
SOUND = 'device.driver == "nobody.aiconform.dev"'


async def look_at_api(box: Sandbox, version: str) -> bool:
    """Records what discovery says now; whether all four types are served in this version."""
    found: dict[str, dict[str, list[str]]] = {}
    for r in await box.cluster.discover(fresh=True):
        if r.group == GROUP and r.plural in TYPES:
            found.setdefault(r.plural, {})[r.version] = sorted(r.verbs)
    box.fact("served", {"versions": found}, step="api")
    return all(version in found.get(plural, {}) for plural in TYPES)


async def follow(box: Sandbox, api: str) -> None:
    """Watches all four types: in our namespace, or with our label."""
    mine = f"aiconform.dev/run={box.run}"
    for plural in TYPES:
        if plural in ("resourceclaims", "resourceclaimtemplates"):
            await box.follow(api, plural, box.namespace)
        else:
            await box.follow(api, plural, labels=mine)


async def try_objects(box: Sandbox, via: DraApi) -> None:
    """One object of each type, from its creation to its end."""
    name = f"aiconform-{box.run}-object"
    driver = f"{box.run}.{NOBODY}"
    plain = via.request(name, count=None, cel=SOUND)
    manifests: dict[str, Manifest] = {
        "deviceclasses": via.device_class(name, SOUND),
        "resourceclaimtemplates": via.template(name, plain),
        "resourceclaims": via.claim(name, plain),
        # On no node: nobody can be given the device, whatever classes there are.
        "resourceslices": via.slice(name, driver, {"aiconform.dev/no-such-node": box.run}),
    }
    for plural, manifest in manifests.items():
        with box.rec.in_step("objects"):
            await _try_object(box, via, plural, manifest)


async def _try_object(box: Sandbox, via: DraApi, plural: str, manifest: Manifest) -> None:
    name = manifest["metadata"]["name"]
    made = await box.create(manifest, step="objects", role=plural)
    seen: dict[str, Any] = {"sent": manifest["spec"], "created": _answer(made)}
    if made.ok:
        uid = made.object["metadata"]["uid"]
        seen["stored"] = made.object.get("spec")
        got = await box.get(via.api, plural, name)
        seen["got"] = got.get("spec") if got else None
        listed = await box.list(via.api, plural, labels=f"aiconform.dev/run={box.run}")
        seen["listed"] = any(o["metadata"]["uid"] == uid for o in listed)
        await _change(box, via, plural, made.object, seen)
        await box.delete(made.object, step="objects")
        seen["gone"] = await box.until(lambda: _is_gone(box, via.api, plural, uid), "objects")
    box.fact(f"object/{plural}", seen)


async def _change(box: Sandbox, via: DraApi, plural: str, stored: Manifest, seen: dict[str, Any]) -> None:
    """Changes an annotation and waits until the watch shows it; a second time over a new connection, if it does not."""
    for value in ("yes", "again"):
        changed = await box.patch(stored, {"metadata": {"annotations": {CHANGED: value}}}, step="objects")
        kept = (changed.object.get("metadata", {}).get("annotations") or {}).get(CHANGED) == value
        seen["changed"] = _answer(changed) | {"kept": kept}
        test = partial(_shows_change, box, via.api, plural, stored["metadata"]["uid"], value)
        seen["watched"] = await box.until(test, "objects")
        if seen["watched"] or not kept:
            return
        await box.take_up(via.api, plural)


def _shows_change(box: Sandbox, api: str, plural: str, uid: str, value: str) -> bool:
    return any(
        o["metadata"]["uid"] == uid and (o["metadata"].get("annotations") or {}).get(CHANGED) == value
        for o in box.view(api, plural)
    )


def _is_gone(box: Sandbox, api: str, plural: str, uid: str) -> bool:
    return all(o["metadata"]["uid"] != uid for o in box.view(api, plural))


async def try_refusals(box: Sandbox, via: DraApi) -> None:
    """Requests that must be refused, each beside its sound twin. All name a class that matches no device."""
    some = f"aiconform-{box.run}-none"
    with box.rec.in_step("refusals"):
        stored = await box.get("v1", "namespaces", box.namespace)
        box.fact("namespace", {"labels": ((stored or {}).get("metadata") or {}).get("labels") or {}})
        cases: dict[str, Manifest] = {
            "sound claim": via.claim("sound", via.request(some, cel=SOUND)),
            "broken selector": via.claim("broken", via.request(some, cel=BROKEN)),
            "sound template": via.template("sound", via.request(some, cel=SOUND)),
            "broken selector in a template": via.template("broken", via.request(some, cel=BROKEN)),
            "admin access": via.claim("admin", via.request(some, admin=True)),
            "admin access in a template": via.template("admin", via.request(some, admin=True)),
        }
        for case, manifest in cases.items():
            sent = await box.create(manifest, step="refusals")
            box.fact("answer", {"case": case, "admin": _admin(via, sent)} | _answer(sent))
            if sent.ok:
                await box.delete(sent.object, step="refusals")


def _answer(sent: Sent) -> dict[str, Any]:
    return {"ok": sent.ok, "status": sent.status, "code": sent.code, "message": sent.message}


def _admin(via: DraApi, sent: Sent) -> bool:
    """Whether what was stored gives admin access (a server whose feature is off drops the field)."""
    spec = sent.object.get("spec") or {}
    requests = (spec.get("spec") or spec).get("devices", {}).get("requests") or []
    return any(bool(via.asked(r).get("adminAccess")) for r in requests)
