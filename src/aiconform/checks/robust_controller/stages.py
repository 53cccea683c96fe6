"""The stages of the observation. Each does things and records; none decides anything about the platform."""

from aiconform.checks.robust_controller.site import ENDS, Manifest, Site, as_labelled, changed
from aiconform.cluster import asking
from aiconform.model.operator import reached

LIVE, STUCK, ENDING = "live", "stuck", "ending"


async def canary(site: Site) -> bool:
    """A plain pod with the probe image, in the namespace where the operator's pods are to run."""
    box = site.box
    facts = box.attempt.facts
    pod = asking.pod(
        "canary",
        box.attempt.settings["probe_image"],
        args=["python3", "-c", "import time; time.sleep(7200)"],
        tolerations=asking.tolerations(facts["taints"]),
        cpu="20m",
        memory="32Mi",
        spec={"nodeSelector": facts["node_selector"]},
    )
    sent = await box.create(pod, step="canary", role="canary")
    if not sent.ok:
        box.unable("canary", sent.code, f"a plain pod was refused: {sent.message}")
        return False
    if not await box.until(lambda: _phase(site, "canary") == "Running", "canary"):
        because = f"a plain pod did not start: {box.why_not_running('canary')}"
        box.unable("canary", box.code_for("canary"), because)
        return False
    await box.delete(sent.object | {"apiVersion": "v1", "kind": "Pod"}, step="canary", grace=0)
    return True


def _phase(site: Site, name: str) -> str:
    return str(((site.box.pod(name) or {}).get("status") or {}).get("phase", ""))


async def refuse(site: Site) -> bool:
    """Resources that are wrong, each beside the same one put right. True if a webhook denied one of them."""
    for i, wrong in enumerate(site.operator.wrong):
        right = site.base(wrong.kind, LIVE)
        if not wrong.kind or right["kind"] == site.operator.valid["kind"]:
            right["metadata"]["name"] = f"wrong-{i}"
        else:
            right = site.base(wrong.kind, f"wrong-{i}")
        bad = changed(right, site.fill(wrong.change, f"wrong-{i}"))
        # The sound resource of the same shape, as a dry run, is the control.
        control = await site.insist(right, step="control", role=f"right-{i}", dry_run=True)
        if not control.ok:
            continue
        sent = await site.insist(bad, step="refuse", role=f"wrong-{i}")
        if sent.ok:
            await _accepted(site, i, {**sent.object, "apiVersion": bad["apiVersion"], "kind": bad["kind"]})
        elif "admission webhook" in sent.message and "denied the request" in sent.message:
            return True
    return False


async def _accepted(site: Site, i: int, stored: Manifest) -> None:
    """A wrong resource was taken: looks whether the operator reports it and leaves it alone, then removes it."""
    box, step, name = site.box, f"report-{i}", stored["metadata"]["name"]
    if site.operator.reports:
        async with box.window(step, "a wrong resource was accepted: the operator may say so, and must make no pods"):
            await box.until(lambda: _reported(site, name), "reported")
            # What it makes in spite of its report would come at once.
            await box.until(lambda: False, min(3.0, box.seconds("reported")))
    await box.delete(stored, step=step)
    if not await box.gone([stored], "deleted"):
        site.needed.append(stored)


def _reported(site: Site, name: str) -> bool:
    return any(
        e.get("reason") in site.operator.reports and (e.get("involvedObject") or {}).get("name") == name
        for e in site.box.view("v1", "events", site.box.namespace)
    )


async def make(site: Site) -> bool:
    """The resource: what the operator makes of it, its pods, and its state. True if its pods run."""
    box, op = site.box, site.operator
    async with box.window("make", "the operator must make what the resource stands for"):
        sent = await site.insist(site.valid(LIVE), step="make", role="resource")
        if not sent.ok:
            box.unable("make", sent.code, f"the sound resource was refused: {sent.message}")
        else:
            await box.until(lambda: all(site.children(LIVE, k.plural) for k in op.makes), "made")
            if any(site.children(LIVE, k.plural) for k in op.makes):
                await box.until(lambda: site.running(LIVE) >= op.pods, "run")
    going = site.running(LIVE) >= op.pods
    if not going:
        _why_not(site)
        for later in ("repair", *_steps(site), "end", "truth"):
            box.unable(later, "not-tried", "the resource's pods never ran, so this could not be tried")
        return False
    async with box.window("state", "the resource must say that it is ready"):
        await box.until(lambda: reached(site.resource(LIVE), op.ready), "state")
    return True


def _why_not(site: Site) -> None:
    """Notes what keeps the pods that there are."""
    for pod in site.pods(LIVE):
        name = pod["metadata"]["name"]
        box = site.box
        box.fact("waits", {"pod": name, "why": box.why_not_running(name), "code": box.code_for(name)}, step="make")


def _steps(site: Site) -> list[str]:
    return [f"update-{i}" for i in range(len(site.operator.updates))]


async def stuck(site: Site) -> None:
    """The same resource with pods that no node can hold, and one whose pods end at once."""
    for name, how in ((STUCK, {"nowhere": True}), (ENDING, {"command": ENDS})):
        if name == ENDING and site.operator.finish is None:
            continue
        sent = await site.send(name, step=name, **how)
        if not sent.ok:
            site.box.unable(name, sent.code, f"the resource {name} was refused: {sent.message}")


async def truth(site: Site) -> None:
    """The resource whose pods cannot start must not say that it is ready; the one whose pods ended must say so."""
    op = site.operator
    await site.box.hold("truth", "truth", "no pod of this resource can run: it must not say that it is ready")
    if op.finish is not None:
        finish = op.finish
        async with site.box.window("finish", "its pods end at once: it must say that it is finished"):
            await site.box.until(lambda: reached(site.resource(ENDING), finish), "finish")


async def repair(site: Site) -> None:
    """One thing that the operator has made is taken away."""
    box, op = site.box, site.operator
    plural = op.remakes or op.makes[0].plural
    kind = next(k for k in op.makes if k.plural == plural)
    there = site.children(LIVE, plural)
    if not there:
        box.unable("repair", "not-tried", f"none of its {plural} is there to be taken away")
        return
    taken = there[0]
    old = {o["metadata"]["uid"] for o in there}
    resource = await box.cluster.discover()
    name = next(r.kind for r in resource if (_api(r.group, r.version), r.plural) == (kind.api, plural))
    async with box.window("repair", "what was taken away must come again, or the resource must say that it failed"):
        meta = taken["metadata"]
        box.fact("taken", {"uid": meta["uid"], "name": meta["name"], "plural": plural}, step="repair")
        await box.delete({**taken, "apiVersion": kind.api, "kind": name}, step="repair")

        def again() -> bool:
            fresh = {o["metadata"]["uid"] for o in site.children(LIVE, plural)} - old
            return bool(fresh) and site.running(LIVE) >= op.pods and not _leaving(site)

        await box.until(lambda: again() or _gave_up(site), "repair")


def _leaving(site: Site) -> bool:
    return any(p["metadata"].get("deletionTimestamp") for p in site.pods(LIVE))


def _gave_up(site: Site) -> bool:
    conditions = (site.resource(LIVE).get("status") or {}).get("conditions") or []
    return any(c.get("type") in site.operator.failed and c.get("status") == "True" for c in conditions)


def _api(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version


async def update(site: Site) -> None:
    """Changes to the living resource, one after the other."""
    box, op = site.box, site.operator
    for i, one in enumerate(op.updates):
        target = site.base(one.kind, LIVE) if one.kind else site.valid(LIVE)
        namespaced = (await box.cluster.resource(target["apiVersion"], target["kind"])).namespaced
        if namespaced:
            target["metadata"]["namespace"] = box.namespace

        def follows(pods: int = one.pods) -> bool:
            return site.running(LIVE) == pods and len(site.pods(LIVE)) == pods

        async with box.window(f"update-{i}", f"the resource was changed: it must come to {one.pods} pods"):
            change = site.fill(one.change, LIVE)
            if not one.kind:
                change = as_labelled(change, site.resource(LIVE))
            sent = await box.patch(target, change, step=f"update-{i}")
            if sent.ok:
                await box.until(follows, "update")
        if not sent.ok or not follows():
            for later in _steps(site)[i + 1 :]:
                box.unable(later, "not-tried", "an earlier change was not followed")
            return


async def end(site: Site) -> None:
    """The resource is deleted: it and all that was made for it must go."""
    box, stored = site.box, site.resource(LIVE)
    if not stored:
        box.unable("end", "not-tried", "the resource was gone before it was deleted")
        return
    facts = box.attempt.facts["resource"]
    uid = stored["metadata"]["uid"]
    mine = _family(site)
    async with box.window("end", "the resource was deleted: it and what was made for it must go"):
        await box.delete({**stored, "apiVersion": facts["api"], "kind": facts["kind"]}, step="end")

        def over() -> bool:
            return not ({uid, *mine} & _there(site))

        await box.until(over, "deleted")


def _family(site: Site) -> set[str]:
    found = [o for k in site.operator.makes for o in site.children(LIVE, k.plural)] + site.pods(LIVE)
    return {o["metadata"]["uid"] for o in found}


def _there(site: Site) -> set[str]:
    facts, op, space = site.box.attempt.facts["resource"], site.operator, site.box.namespace
    kinds = {(facts["api"], facts["plural"]), ("v1", "pods"), *((k.api, k.plural) for k in (*op.makes, *op.between))}
    return {o["metadata"]["uid"] for api, plural in kinds for o in site.box.view(api, plural, space)}


async def clear(site: Site) -> None:
    """Deletes the resources under test, and then what they needed, while the operator can still take its finalizers
    away; takes them away itself if it does not, since the run must leave nothing behind.
    """
    facts = site.box.attempt.facts["resource"]
    named = {"apiVersion": facts["api"], "kind": facts["kind"]}
    await _away(site, [{**o, **named} for o in site.box.view(facts["api"], facts["plural"], site.box.namespace)])
    await _away(site, site.needed[::-1])


async def _away(site: Site, left: list[Manifest]) -> None:
    box = site.box
    for obj in left:
        await box.delete(obj, step="clear")
    if await box.gone(left, "deleted"):
        return
    for obj in left:
        # Annotations may make a webhook refuse the change; what is deleted needs none.
        sent = await box.patch(obj, {"metadata": {"finalizers": None, "annotations": None}}, step="clear")
        if sent.ok:
            box.note(f"{obj['kind']} {obj['metadata']['name']} did not go: its finalizers were taken away", "clear")
