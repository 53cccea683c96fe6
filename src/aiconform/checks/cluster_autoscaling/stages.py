"""The stages of the observation. Each does things and records; none decides anything about the platform."""

import time

from aiconform.checks.cluster_autoscaling.site import Site, deployment, ready, running, simulated, told_to_wait
from aiconform.checks.cluster_autoscaling.via import Manifest
from aiconform.cluster import asking, priorities, units

# Nodes that are filled at most: more of other people's room is not held.
_MOST_FILLED = 16
# More than any machine has, in a form that the API server does not rewrite (1000 would become "1k"); and what a
# claim may ask for at most (resource.k8s.io AllocationResultsMaxSize).
IMPOSSIBLE, _MOST_CLAIMED = 999, 32
_LATER = ("grow", "use", "shrink")
# Seconds in which nodes that were ordered together arrive, at least.
_LATE = 20.0


async def canary(site: Site) -> bool:
    """A plain pod with the probe image, on a node that is there."""
    box, node = site.box, site.box.attempt.facts["canary"]
    if node is None:
        box.unable("canary", "no-node", "no Linux node is Ready, schedulable and selected")
        return False
    _, pod = site.pod("canary", 0, node=node)
    sent = await box.create(pod, step="canary", role="canary")
    if not sent.ok:
        box.unable("canary", sent.code, f"a plain pod was refused: {sent.message}")
        return False
    if not await box.until(lambda: any(running(p) for p in box.pods(role="canary")), "canary"):
        why = box.why_not_running("canary")
        box.unable("canary", box.code_for("canary"), f"a plain pod did not start on {node['name']}: {why}")
        return False
    site.spec = sent.object["spec"]
    await box.delete(sent.object | {"apiVersion": "v1", "kind": "Pod"}, step="canary", grace=0)
    return True


async def settle(site: Site) -> None:
    """Watches that no node comes or goes by itself; keeps the uids of those that are there.

    Meanwhile others may use what is taken next; the window stays open until they have given it back.
    """
    box = site.box
    site.before = set(site.nodes())
    async with box.window("settled", "no node may come or go before anything is asked for"):
        moved = await box.until(lambda: set(site.nodes()) != site.before, "settled")
        if not moved:
            await box.take_turn()
    site.before = set(site.nodes())
    names = {uid: n["metadata"]["name"] for uid, n in site.nodes().items()}
    box.fact("before", {"nodes": names}, step="settled")


async def fill(site: Site) -> bool:
    """Takes every free unit on the nodes that are there, one pod a node."""
    box, pods = site.box, []
    nodes = box.attempt.facts["nodes"]
    free = {n["name"]: await site.box.free_units(site.accelerator, n["name"]) for n in nodes}
    if sum(1 for units in free.values() if units) > _MOST_FILLED:
        because = f"more than {_MOST_FILLED} nodes have free units: name a smaller group with --node-selector"
        box.unable("fill", "too-many-nodes", because)
        return _not_tried(site)
    for i, node in enumerate(n for n in nodes if free[n["name"]]):
        name = f"filler-{i}"
        objects, pod = site.pod(name, min(free[node["name"]], _MOST_CLAIMED), node=node)
        sent = await site.send([*objects, pod], step="fill", role="filler")
        if not sent.ok:
            box.unable("fill", sent.code, f"a pod that takes free units was refused: {sent.message}")
            return _not_tried(site)
        pods.append(name)
    await box.until(lambda: sum(running(p) for p in box.pods(role="filler")) >= len(pods), "start")
    for name in pods:
        found = box.pod(name)
        if found is None or not running(found):
            because = f"a pod that takes free units did not start: {box.why_not_running(name)}"
            box.unable("fill", box.code_for(name), because)
            return _not_tried(site)
        if not simulated(_named(site, found["spec"]["nodeName"])):
            await box.probe(name, step="fill")
    return True


def _not_tried(site: Site) -> bool:
    for later in _LATER:
        site.box.unable(later, "not-tried", "the free units could not be taken, so nothing would have had to be added")
    return False


def _named(site: Site, name: str) -> Manifest:
    return next((n for n in site.nodes().values() if n["metadata"]["name"] == name), {})


async def grow(site: Site) -> bool:
    """One more pod asks; waits until it runs on a node that was not there before."""
    box, facts = site.box, site.box.attempt.facts
    reading = await site.read("grow")
    if await _endangers_others(site):
        return False
    taints = [*(t for n in facts["nodes"] for t in n["taints"]), *reading.tolerate]
    site.tolerations = list({str(t): t for t in asking.tolerations(taints)}.values())
    objects, pod = site.pod("waiting", 1, tolerations=site.tolerations)
    box.fact("tolerations", site.tolerations, step="grow")
    async with box.window("grow", "a pod waits for an accelerator: a node must come"):
        began = time.monotonic()
        sent = await site.send([*objects, deployment(pod)], step="grow", role="waiting")
        if not sent.ok:
            box.unable("grow", sent.code, f"the Deployment of the waiting pod was refused: {sent.message}")
        else:
            await box.until(lambda: any(told_to_wait(p) or _bound(p) for p in _waiting(site)), "waiting")
            await box.until(lambda: _progress(site, began), _limit(site))
            if not _up(site) and any(ready(n) for n in site.fresh()):
                await box.until(lambda: _progress(site, began), "advertised")
    await site.read("grow")
    if sent.ok and _up(site) and site.node:
        if not simulated(site.node):
            await box.probe(_waiting(site)[0]["metadata"]["name"], step="grow")
        return True
    for node in site.fresh():
        await box.free_units(site.accelerator, node["metadata"]["name"])
    for later in _LATER[1:]:
        box.unable(later, "not-tried", "the waiting pod never ran on a new node, so this could not be tried")
    return False


async def _endangers_others(site: Site) -> bool:
    """Where pods of others hold units with a lower priority than ours, the scheduler ends them and no node comes."""
    box, resource = site.box, site.accelerator.resource
    there = {n["name"] for n in box.attempt.facts["nodes"]}
    if site.accelerator.form != "device-plugin" or not there:
        return False
    running_now = await box.list("v1", "pods", "*", fields="status.phase=Running")
    lower = priorities.lower(site.spec, (p for p in running_now if p["spec"].get("nodeName") in there))
    holding = [p for p in lower if units.requested(p, resource)]
    if holding:
        because = (
            f"pods of others hold {resource} with a lower priority than the check's ({priorities.names(holding)}): "
        )
        because += "a pod that waits would make the scheduler end them; name another group with --node-selector"
        for step in _LATER:
            box.unable(step, "blocked-by", because)
    return bool(holding)


def _limit(site: Site) -> float:
    """Seconds to wait; fewer where nothing speaks for an autoscaler and nobody claims that there is one."""
    box, facts = site.box, site.box.attempt.facts
    whole = box.seconds("added")
    return whole if facts["detected"]["usable"] or facts["claimed"]["accelerator"] else min(whole, box.seconds("guess"))


def _waiting(site: Site) -> list[Manifest]:
    return site.box.pods(step="grow", role="waiting")


def _bound(pod: Manifest) -> bool:
    return bool(pod["spec"].get("nodeName"))


def _progress(site: Site, began: float) -> bool:
    """Notes when the first new node was seen; true when the waiting pod runs, wherever."""
    if not site.took and site.fresh():
        site.took = time.monotonic() - began
    for p in _waiting(site):
        if running(p):
            fresh = [n for n in site.fresh() if n["metadata"]["name"] == p["spec"]["nodeName"]]
            site.node = fresh[0] if fresh else {}
            return True
    return False


def _up(site: Site) -> bool:
    return any(running(p) for p in _waiting(site))


async def use(site: Site) -> None:
    """While everything is in use, a pod that no machine can hold waits. A node that comes is asked for twice."""
    box = site.box
    seconds = max(box.seconds("impossible"), 1.5 * site.took)
    held = {site.node["metadata"]["uid"]}
    held |= {uid for uid, n in site.nodes().items() if n["metadata"]["name"] in _filled(site)}
    box.fact("held", sorted(held), step="use")
    # What was ordered at the same time comes at much the same time.
    late = min(box.seconds("settled"), max(_LATE, 2 * site.took))
    await box.hold("quiet", late, "nodes that were ordered together with the added one may arrive")
    for step in ("use", "use_again"):
        known = set(site.nodes())
        async with box.window(step, "a pod waits that no machine can hold: no node may come, none in use may go"):
            pod = await _impossible(site, step)
            if pod is not None:
                await box.until(lambda k=known: bool(site.fresh(k)) or site.lost(held), seconds)  # type: ignore[misc]
        came = site.fresh(known)
        await site.read(step)
        if pod is not None:
            await box.delete(pod, step=step, grace=0)
            await box.gone([pod], "gone")
        if pod is None or not came or site.lost(held):
            return
        # What was on its way for another reason arrives before it is tried again.
        await box.hold("between", late, "nodes that were on their way may arrive")


def _filled(site: Site) -> set[str]:
    return {p["spec"]["nodeName"] for p in site.box.pods(role="filler") if _bound(p)}


async def _impossible(site: Site, step: str) -> Manifest | None:
    """Creates the pod that fits nowhere: 999 units, or claims of a device that there is not."""
    by_claim = site.accelerator.form == "dra"
    count = _MOST_CLAIMED if by_claim else IMPOSSIBLE
    objects, pod = site.pod(step.replace("_", "-"), count, tolerations=site.tolerations)
    for template in objects:
        for request in template["spec"]["spec"]["devices"]["requests"]:
            exactly = request.get("exactly", request)
            exactly["selectors"] = [{"cel": {"expression": 'device.driver == "no-such-driver.aiconform.dev"'}}]
    sent = await site.send([*objects, pod], step=step, role="impossible")
    if not sent.ok:
        site.box.unable(step, sent.code, f"the pod that fits nowhere was refused: {sent.message}")
        return None
    return sent.object | {"apiVersion": "v1", "kind": "Pod"}


async def shrink(site: Site) -> None:
    """The pod goes: the added node must go, too."""
    box, uid, name = site.box, site.node["metadata"]["uid"], site.node["metadata"]["name"]
    box.fact("added", {"uid": uid, "name": name, "others": _others(site)}, step="shrink")
    if site.lost({uid}):
        box.unable("shrink", "not-tried", f"node {name} had gone while it was used")
        return
    pods = _waiting(site)
    where = {"name": "waiting", "namespace": box.namespace}
    await box.delete({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": where}, step="shrink")
    if not await box.gone([p | {"apiVersion": "v1", "kind": "Pod"} for p in pods], "gone"):
        box.unable("shrink", "deadline", "the pod on the added node did not go, so the node was never idle")
        return
    reading = await site.read("shrink", site.nodes().get(uid, site.node))
    seconds = max(box.seconds("removed"), 2 * reading.delay)
    box.fact("patience", {"seconds": seconds, "stated": reading.delay}, step="shrink")
    async with box.window("shrink", "the added node is idle: it must go"):
        gone = await box.until(lambda: site.lost({uid}), seconds)
    if not gone:
        await site.read("shrink", site.nodes()[uid])
        there = await box.list("v1", "pods", "*", fields=f"spec.nodeName={name}")
        box.fact("on_node", [_who(p) for p in there], step="shrink")
    box.fact("remaining", _others(site), step="shrink")


def _others(site: Site) -> list[str]:
    """Further nodes that came meanwhile."""
    uid = site.node["metadata"]["uid"]
    return sorted(n["metadata"]["name"] for n in site.fresh() if n["metadata"]["uid"] != uid)


def _who(pod: Manifest) -> dict[str, str]:
    """Whose pod is on the node; phases tell whether it still needs it."""
    meta = pod["metadata"]
    owners = [o.get("kind", "") for o in meta.get("ownerReferences") or []]
    return {
        "pod": f"{meta.get('namespace', '')}/{meta['name']}",
        "owner": owners[0] if owners else "",
        "phase": (pod.get("status") or {}).get("phase", ""),
    }
