"""Does what check.py describes, in its order, and writes what it sees. It returns nothing and judges nothing."""

from dataclasses import asdict, replace
from typing import Any

from aiconform.checks.ai_service_metrics import stages
from aiconform.checks.ai_service_metrics.scene import KEPT, MAIN, Scene
from aiconform.checks.ai_service_metrics.store import STATUS, Store
from aiconform.checks.ai_service_metrics.via import CollectingMechanism, Collector, Place, Shown, annotations
from aiconform.cluster.api import path
from aiconform.cluster.outside import Outside
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Attempt


async def observe(attempt: Attempt, box: Sandbox, mechanism: CollectingMechanism) -> None:
    """Refused and ApiLost are raised to the engine; everything else that goes wrong is recorded."""
    with box.rec.in_step("setup"):
        scene = await _meet(attempt, box, mechanism)
        if scene is None:
            return
        await box.make_namespace(labels=dict(scene.collector.namespace_labels))
        await _what_may_block(scene)
        await scene.scripts()
    with box.rec.in_step("canary"):
        if not await stages.canary(scene):
            return
    with box.rec.in_step("before"):
        await stages.before(scene)
    with box.rec.in_step("visible"):
        registered = await scene.register(MAIN, "visible") and await scene.register(KEPT, "visible")
        if not registered or not await stages.visible(scene):
            stages.rest_not_tried(box, "the series of the first pod did not come, so this could not be tried")
            return
    with box.rec.in_step("grown"):
        await stages.grown(scene)
    with box.rec.in_step("second"):
        await stages.second(scene)
    with box.rec.in_step("forget"):
        await stages.forget(scene)


async def _meet(attempt: Attempt, box: Sandbox, mechanism: CollectingMechanism) -> Scene | None:
    """Finds the store and the collector; None, and the reason recorded, if one of them is missing."""
    metrics = attempt.settings["metrics"]
    objects = {}
    for api, plural in mechanism.kinds(tuple(attempt.facts["served"])):
        objects[f"{plural}.{api.rpartition('/')[0]}"] = await box.list(api, plural, "*")
    store = Store(box)
    if metrics["url"]:
        store.outside = Outside(metrics["url"], metrics["token_file"])
    elif mechanism.searches:
        store.places = annotations.places(await box.list("v1", "services", "*"))
        await store.that_answer("setup")
    found = mechanism.collectors(objects, await _shown(store))
    collector = _choose(box, found, attempt.facts["wanted"])
    if collector is None or not await _may_ask(store, mechanism, collector):
        return None
    scene = Scene(box=box, mechanism=mechanism, store=store, collector=collector)
    roles = (stages.FIRST, stages.NEW, stages.CLOSED, stages.STRANGER, KEPT)
    names = {"query": scene.query, "times": scene.times, "pods": {r: scene.name(r) for r in roles}}
    box.fact("names", names, step="setup")
    return scene


async def _may_ask(store: Store, mechanism: CollectingMechanism, collector: Collector) -> bool:
    """Leaves in the store what is asked for this collector; False, and the reason recorded, if nothing answers."""
    box, searched = store.box, store.places
    store.places = () if store.outside else collector.places
    named = bool(store.outside or store.places) and await store.that_answer("setup")
    if not named and not store.outside and mechanism.searches:
        store.places = searched
    if named and (store.outside or mechanism.searches) and collector.elsewhere:
        # Whoever names a store says that the metrics are there.
        box.fact("collector", asdict(replace(collector, elsewhere="")), step="setup")
    if named or store.places:
        return True
    if store.said:
        because = f"nothing answers the Prometheus API for {collector.name}: {store.said[-1]}"
    elif mechanism.searches:
        box.unable("setup", "mechanism-not-found", "no Service here looks as if it answered the Prometheus API")
        return False
    else:
        because = f"{collector.name} cannot be asked through a Service of its own: name its URL by --metrics-url"
    box.unable("setup", "no-reachable-address", because)
    return False


def _choose(box: Sandbox, collectors: tuple[Collector, ...], wanted: str) -> Collector | None:
    """The collector to try, recorded with the others; None if there is none that can be registered with."""
    box.fact("collectors", [asdict(c) for c in collectors], step="setup")
    named = [c for c in collectors if wanted in ("", c.name)]
    if not named:
        there = ", ".join(c.name for c in collectors)
        because = f"there is no collector {wanted!r}: {there}" if there else "its kinds are served, but no collector is"
        box.unable("setup", "mechanism-not-found", because)
        return None
    if named[0].problem:
        why = "; ".join(f"{c.name}: {c.problem}" for c in named)
        box.unable("setup", "selectors-not-satisfiable", f"the suite cannot register a pod ({why})")
        return None
    box.fact("collector", asdict(named[0]), step="setup")
    return named[0]


async def _shown(store: Store) -> tuple[Shown, ...]:
    """What the stores say of themselves, for the adapter alone: it is somebody else's and is not recorded."""
    found = []
    for place in store.places:
        config, flags = await _status(store, place, "config"), await _status(store, place, "flags")
        # The programs that are no Prometheus show no such flags, and take samples from others as a rule.
        closed = flags.get("web.enable-remote-write-receiver") == "false"
        closed = closed and flags.get("web.enable-otlp-receiver", "false") == "false"
        found.append(Shown(config=str(config.get("yaml", "")), takes=not closed))
    return tuple(found)


async def _status(store: Store, place: Place, what: str) -> dict[str, Any]:
    """`data` of a store's /api/v1/status/WHAT; {} if it has none."""
    name = place.target.removeprefix("services/")
    url = path("v1", "services", place.namespace, name, f"proxy{place.prefix}/{STATUS}/{what}")
    answer = await store.box.cluster.request("GET", url, quiet=True)
    said = answer.body.get("data") if answer.ok and isinstance(answer.body, dict) else None
    return said if isinstance(said, dict) else {}


async def _what_may_block(scene: Scene) -> None:
    """Network policies of the new namespace, and whether the collector's account may see its pods."""
    box = scene.box
    policies = await box.list("networking.k8s.io/v1", "networkpolicies")
    box.fact("network_policies", [p["metadata"]["name"] for p in policies], step="setup")
    if scene.collector.account is None:
        return
    namespace, name = scene.collector.account
    asked = {"namespace": box.namespace, "verb": "list", "resource": "pods"}
    user = f"system:serviceaccount:{namespace}:{name}"
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": asked, "groups": _groups(namespace)},
    }
    answer = await box.cluster.request("POST", path("authorization.k8s.io/v1", "subjectaccessreviews"), body=review)
    status = answer.body.get("status") if answer.ok and isinstance(answer.body, dict) else None
    box.fact("account", {"account": user, "may": None if status is None else bool(status.get("allowed"))}, step="setup")


def _groups(namespace: str) -> list[str]:
    return ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
