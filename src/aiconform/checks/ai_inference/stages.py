"""The stages of the observation, each of which says whether the next one makes sense."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiconform.checks.ai_inference import band, orders
from aiconform.checks.ai_inference.scene import Scene
from aiconform.checks.ai_inference.via import Rule
from aiconform.checks.ai_inference.ways import nodes, ways
from aiconform.cluster.errors import Refused

NAME_ONE = "name a way in with --mechanism ai_inference=CLASS:HOST:PORT, if there is one"
# Where the listener's port must be one that the data plane already has, charts choose one of these.
_PORTS = (80, 8000, 8080)


async def canary(scene: Scene) -> bool:
    """Backends, and a client that reaches them without any gateway."""
    box = scene.box
    for name in (*orders.BACKENDS, orders.FOREIGN):
        sent = await scene.backend(name, scene.other if name == orders.FOREIGN else box.namespace)
        if not sent.ok:
            box.unable("canary", sent.code, f"backend {name} was refused: {sent.message}")
            return False
    answer = await scene.ask("canary", "client-canary", [orders.directly(scene.addresses)], seconds=60)
    if answer is None:
        return False
    last = answer["batches"]["direct"][-len(scene.addresses) * orders.TIMES :]
    missed = sorted({r[0].removeprefix("direct-") for r in last if r[0] != f"direct-{r[4]}"})
    if missed:
        said = ", ".join(sorted({r[5] or f"status {r[3]}" for r in last if r[0] != f"direct-{r[4]}"}))
        why = f"the client could not reach backends directly, without a gateway: {', '.join(missed)} ({said})"
        box.unable("canary", "blocked-by", f"{why}; look for network policies that apply to every namespace")
    return not missed


async def gateway(scene: Scene) -> bool:
    """The Gateway and its routes."""
    box = scene.box
    name = f"aiconform-{scene.nonce}"
    manifest = scene.mechanism.gateway(name, scene.attempt.facts["class"]["name"], _PORTS[0])
    sent = await box.create(manifest, step="gateway", role="gateway")
    if not sent.ok:
        box.unable("gateway", sent.code, f"the Gateway was refused: {sent.message}")
        return False
    scene.gateway = {"apiVersion": manifest["apiVersion"], "kind": "Gateway"} | sent.object
    weights = tuple(orders.WEIGHTS.items())
    wanted: dict[str, tuple[Rule, ...]] = {
        "split": (Rule(backends=weights),),
        "models": (
            Rule(backends=(("one", 1),), headers={orders.HEADER: "a"}),
            Rule(backends=(("two", 1),), headers={orders.HEADER: "b"}),
            Rule(backends=(("three", 1),)),
        ),
        "missing": (Rule(backends=(("nobody", 1),)),),
        "foreign": (Rule(backends=((orders.FOREIGN, 1),), namespace=scene.other),),
    }
    for route, rules in wanted.items():
        sent = await scene.route(route, *rules)
        if not sent.ok and route != "foreign":
            box.unable("gateway", sent.code, f"the route {route} was refused: {sent.message}")
            return False
    await _wait_programmed(scene)
    await box.until(lambda: all(scene.answered(r) for r in scene.routes), "attached", "the routes are taken up")
    return True


async def _wait_programmed(scene: Scene) -> None:
    """Another port where the class says that it cannot have this one."""
    for port in (*_PORTS[1:], None):
        await scene.box.until(
            lambda: scene.programmed() or scene.port_taken(), "programmed", "the Gateway is programmed"
        )
        if not scene.port_taken() or port is None:
            return
        listeners = [scene.gateway["spec"]["listeners"][0] | {"port": port}]
        sent = await scene.box.patch(scene.gateway, {"spec": {"listeners": listeners}}, step="gateway")
        if not sent.ok:
            return
        scene.gateway["spec"], scene.gateway["metadata"] = sent.object["spec"], sent.object["metadata"]


async def reach(scene: Scene) -> bool:
    """Looks for a way in that leads to a backend, and takes the first sample of requests there."""
    box = scene.box
    scene.ways = await ways(scene)
    if not scene.ways:
        why = f"the Gateway has no address, and no Service belongs to it; {NAME_ONE}"
        box.unable("reach", "no-reachable-address", why)
        return False
    if await _found(scene, "client-reach", box.seconds("reachable")):
        return True
    stated = [w for w in scene.ways if w["how"] in ("user", "status")]
    if not stated:
        return False
    scene.ways, scene.outside = stated, True
    if await _found(scene, "reach", min(box.seconds("reachable"), box.seconds("attached"))):
        return True
    await _note_nodes(scene)
    await _note_policies(scene)
    return False


async def _found(scene: Scene, name: str, seconds: float) -> bool:
    search = {"request": orders.request("split", scene.nonce), "seconds": seconds}
    limit = seconds + 60 + scene.box.seconds("requests")
    answer = await scene.ask("reach", name, [orders.sample(scene.nonce, 0)], seconds=limit, find=search)
    if answer is None or answer["found"] < 0:
        return False
    scene.ways, scene.first = [scene.ways[answer["found"]]], answer["batches"]["sample-0"]
    return True


async def _note_nodes(scene: Scene) -> None:
    """Addresses of nodes: a port that is closed there proves nothing."""
    try:
        scene.box.fact("nodes", await nodes(scene))
    except Refused as refused:
        scene.box.note(f"nodes could not be listed: {refused.message}", "nodes")


async def _note_policies(scene: Scene) -> None:
    """Network policies that came with the namespaces: the gateway may not be allowed to reach the backends."""
    box = scene.box
    try:
        there = [p for n in box.namespaces for p in await box.list("networking.k8s.io/v1", "networkpolicies", n)]
    except Refused as refused:
        box.note(f"network policies could not be listed: {refused.message}", "network_policies")
        return
    box.fact("network_policies", sorted({p["metadata"]["name"] for p in there}))


async def split(scene: Scene) -> bool:
    """Further samples, while the shares lie outside of the band."""
    rows, seconds = scene.first, scene.box.seconds("requests")
    for number in range(1, orders.SAMPLES):
        got = [r[4] for r in rows if r[4]]
        if not got or not band.side(got.count("one"), 0.7, len(got)):
            break
        batch = orders.sample(scene.nonce, number)
        answer = await scene.ask("split", f"client-split-{number}", [batch], seconds=seconds)
        if answer is None:
            return False
        rows = answer["batches"][batch["name"]]
    return True


async def change(scene: Scene) -> bool:
    """All weight to the third backend."""
    box = scene.box
    rules = scene.mechanism.rules((Rule(backends=(("one", 0), ("two", 0), ("three", 100))),))
    sent = await box.patch(scene.routes["split"], {"spec": {"rules": rules}}, step="change")
    if not sent.ok:
        box.unable("change", sent.code, f"the change of weights was refused: {sent.message}")
        return True
    await _settle(scene, "change", {"split": ["three"]})
    return True


async def headers(scene: Scene) -> bool:
    """Requests with and without the header, chat completions, an answer in parts, and what must reach nobody."""
    box, nonce = scene.box, scene.nonce
    ready = orders.until(
        "ready",
        [orders.request("ready", nonce, to_host="models")],
        {"ready": list(orders.BACKENDS)},
        box.seconds("propagation"),
        rounds=1,
    )
    batches = [ready, *orders.by_header(nonce), orders.refusals(nonce, box.seconds("refused"))]
    seconds = box.seconds("propagation") + 2 * box.seconds("refused") + 2 * box.seconds("requests")
    await scene.ask("headers", "client-headers", batches, seconds=seconds)
    await box.logs(f"backend-{orders.FOREIGN}")
    return True


async def grant(scene: Scene) -> bool:
    """The other namespace allows what must not have worked before."""
    box = scene.box
    if "foreign" not in scene.routes:
        box.unable("grant", "admission-denied", "the route to the other namespace was refused by the API server")
        return True
    version = scene.attempt.facts["grants"]
    if not version:
        box.unable("grant", "not-served", "the API server does not serve ReferenceGrant")
        return True
    allows = scene.mechanism.grant("models", box.namespace, orders.FOREIGN, version)
    sent = await box.create(allows, step="grant", namespace=scene.other)
    if not sent.ok:
        box.unable("grant", sent.code, f"the ReferenceGrant was refused: {sent.message}")
        return True
    await _settle(scene, "grant", {"foreign": [orders.FOREIGN]})
    return True


async def delete(scene: Scene) -> bool:
    """One route goes, another stays. Now that every route leads somewhere, a host of none is tried again."""
    await scene.box.delete(scene.routes["models"], step="delete")
    await _settle(scene, "delete", {"models": [""], "split": ["three"], "unknown": [""]})
    return True


async def _settle(scene: Scene, step: str, want: dict[str, list[str]]) -> dict[str, Any] | None:
    """Requests each second until they are answered as wanted, for the propagation time at most."""
    seconds = scene.box.seconds("propagation")
    cycle = [orders.request(name, scene.nonce) for name in want]
    limit = 2 * seconds + 60
    return await scene.ask(step, f"client-{step}", [orders.until(step, cycle, want, seconds)], seconds=limit)


async def give_back(scene: Scene) -> None:
    """The Gateway goes before its namespace: a load balancer must be given back while its controller can."""
    if not scene.gateway:
        return
    box = scene.box
    await box.delete(scene.gateway, step="back")
    if not await box.gone([scene.gateway], "released"):
        box.note(f"the Gateway did not go within {box.seconds('released'):.0f} s", "back")


Stage = Callable[[Scene], Awaitable[bool]]
ALL: tuple[tuple[str, Stage], ...] = (
    ("canary", canary),
    ("gateway", gateway),
    ("reach", reach),
    ("split", split),
    ("change", change),
    ("headers", headers),
    ("grant", grant),
    ("delete", delete),
)
