"""The stages of the observation. Each does things and records; none decides anything about the platform."""

from collections.abc import Iterable

from aiconform.checks.ai_service_metrics.samples import PODS, differences, host, named, nonces, target
from aiconform.checks.ai_service_metrics.scene import KEPT, MAIN, Scene
from aiconform.cluster.sandbox import Sandbox
from aiconform.judging.metrics import Sample

FIRST, NEW, CLOSED, STRANGER = "first", "second", "closed", "stranger"
SERVED = ((137, 7), (178, 2))
"""Requests served in all, and how many then wait, for each of the two drives."""
SILENT = 3
"""Answers without a series, one after the other, that count as its absence."""
_LATER = ("grown", "second", "broken", "forget")


async def canary(scene: Scene) -> bool:
    """The pods run, and show their metrics when they are asked directly."""
    for role, group in ((FIRST, MAIN), (KEPT, KEPT), (STRANGER, STRANGER)):
        if not await scene.pod(role, group, step="canary"):
            return False
    return await _showing(scene, (FIRST, KEPT, STRANGER), "canary", "canary")


async def _showing(scene: Scene, roles: Iterable[str], step: str, deadline: str) -> bool:
    """Waits until these pods run, and asks each; records what does not come."""
    box, names = scene.box, {role: scene.name(role) for role in roles}
    await box.until(lambda: all(_ready(scene, n) for n in names.values()), deadline)
    for role, name in names.items():
        if not _ready(scene, name):
            because = f"a pod that exposes metrics did not start: {box.why_not_running(name)}"
            box.unable(step, box.code_for(name), because)
            return False
        if not await scene.show(role, step):
            because = "the API server's proxy does not reach a pod's port, so its metrics cannot be seen directly"
            box.unable(step, "no-reachable-address", because)
            return False
    return True


def _ready(scene: Scene, name: str) -> bool:
    pod = scene.box.pod(name)
    states = ((pod or {}).get("status") or {}).get("containerStatuses") or []
    return bool(states) and all(s.get("ready") for s in states)


async def before(scene: Scene) -> None:
    """The control: nobody has registered the pods, and the store has none of their series."""
    mine = {_nonce(scene, role) for role in (FIRST, KEPT)}
    async with scene.box.window("before", "the pods are not registered yet"):
        found = await scene.store.until(scene.query, lambda seen: bool(mine & set(nonces(seen))), "before", "before")
    scene.unasked = found


async def visible(scene: Scene) -> bool:
    """Waits for the nonces of both groups."""
    wanted = {_nonce(scene, FIRST), _nonce(scene, KEPT)}
    async with scene.box.window("visible", "the pods are registered: their series must come"):
        came = await scene.store.until(scene.query, lambda seen: wanted <= set(nonces(seen)), "visible", "visible")
    if not came:
        # A platform may rewrite labels; then the name or the namespace finds them.
        await scene.store.ask('{__name__=~".*aiconform_nonce.*"}', "visible")
        await scene.store.ask(f'{{namespace="{scene.box.namespace}"}}', "visible")
        await scene.store.ask('count({__name__="up"})', "visible")
    return came


def _nonce(scene: Scene, role: str) -> float:
    return next(iter(nonces(scene.shown[role])))


async def grown(scene: Scene) -> None:
    """Two drives; after each the store must come to what the pod shows."""
    box = scene.box
    for until, waiting in SERVED:
        if not await scene.drive(FIRST, until, waiting, "grown"):
            box.unable("grown", "no-reachable-address", "the pod could not be made to serve through the API server")
            return
        async with box.window("grown", f"the pod has served {until} requests: the store must show that"):
            await scene.store.until(scene.query, lambda seen: _agrees(scene, FIRST, seen), "grown", "grown")
        box.fact("driven", until, step="grown")


def _agrees(scene: Scene, role: str, seen: list[Sample]) -> bool:
    return not differences([s for s in seen if target(s) == role], scene.shown[role])


async def second(scene: Scene) -> None:
    """A second pod of the group, and one whose port is closed. Neither is announced to anybody."""
    box, store = scene.box, scene.store
    if not await scene.pod(NEW, MAIN, step="second", node=1):
        return
    closed = await scene.pod(CLOSED, MAIN, step="broken", listen=False)
    if not await _showing(scene, (NEW,), "second", "canary"):
        return
    wanted = _nonce(scene, NEW)
    async with box.window("second", "a second pod has joined the group: it must be found"):
        await store.until(scene.query, lambda seen: wanted in nonces(seen), "second", "second")
    if not closed:
        return
    with box.rec.in_step("broken"):
        await _broken(scene)


async def _broken(scene: Scene) -> None:
    """What the store says of the pod that does not answer."""
    box, names = scene.box, {role: scene.name(role) for role in (FIRST, CLOSED)}
    await box.until(lambda: _ready(scene, names[CLOSED]), "canary")
    if not _ready(scene, names[CLOSED]):
        box.unable("broken", box.code_for(names[CLOSED]), "the pod with a closed port did not start")
        return
    query = await _up_query(scene, names)
    if query is None:
        box.unable("broken", "not-tried", "nothing in the series tells which pod they come from")
        return

    silent = 0

    def told(seen: list[Sample]) -> bool:
        # Where the good pod has no `up`, the closed one will have none. Of several replicas one may be behind.
        nonlocal silent
        pods = {_who(s, names.values()) for s in seen if named(s, "up")}
        silent = 0 if pods else silent + 1
        return len(pods) > 1 or silent >= SILENT

    async with box.window("broken", "a pod with a closed port is registered: the store must say that it is down"):
        await scene.store.until(query, told, "broken", "broken")


def _who(sample: Sample, names: Iterable[str]) -> str:
    return next((n for n in names if n in sample.labels.values()), sample.labels.get("instance", ""))


async def _up_query(scene: Scene, names: dict[str, str]) -> str | None:
    """`up` of the two pods, by the label that named the first one, or by their addresses."""
    seen = await scene.store.ask(scene.query, "broken") or []
    mine = [s for s in seen if s.value == _nonce(scene, FIRST)]
    keys = [k for s in mine for k, v in s.labels.items() if v == names[FIRST]]
    if keys:
        key = next((k for k in PODS if k in keys), keys[0])
        return f'{{__name__="up",{key}=~"{"|".join(names.values())}"}}'
    addresses = [_address(scene, n) for n in names.values()]
    if any(s.labels.get("instance", "").startswith(f"{addresses[0]}:") for s in mine):
        return f'{{__name__="up",instance=~"({"|".join(map(literal, addresses))}):.*"}}'
    return None


def _address(scene: Scene, name: str) -> str:
    """A pod's address as it stands before the port in the label `instance`."""
    pod = scene.box.pod(name) or {}
    return host(str((pod.get("status") or {}).get("podIP", "")))


def literal(address: str) -> str:
    """A regular expression for this address, without backslashes, which PromQL would take for itself."""
    # Dots stand for the brackets of IPv6: what lies between them is the whole address.
    return address.replace("[", ".").replace("]", ".") if ":" in address else address.replace(".", "[.]")


async def forget(scene: Scene) -> None:
    """The first group's registration is taken back. Its pods go on; the other group stays registered.

    Where pods are scraped without any registration, the pods themselves go.
    """
    box, store = scene.box, scene.store
    seen = await store.ask(scene.query, "forget") or []
    scene.unasked = scene.unasked or _nonce(scene, STRANGER) in nonces(seen)
    mine = {_nonce(scene, role) for role in (FIRST, NEW) if role in scene.shown}
    if scene.unasked:
        for role in (FIRST, NEW):
            pod = box.pod(scene.name(role))
            if pod is not None:
                await box.delete({"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]}, step="forget")
    elif not await scene.unregister(MAIN, "forget"):
        return
    without = 0

    def gone(seen: list[Sample]) -> bool:
        nonlocal without
        without = 0 if mine & set(nonces(seen)) else without + 1
        return without >= SILENT

    kept = _nonce(scene, KEPT)

    # The times of the newest samples tell whether pods are still scraped, or only looked back at. One lost scrape takes
    # the series of a target away until the next one: the group that stays is asked for until it is there.
    async def times() -> None:
        await store.until(scene.times, lambda seen: KEPT in map(target, seen), "forget", "grown")

    await times()
    async with box.window("forget", "the registration is taken back: the series must go stale"):
        await store.until(scene.query, gone, "forget", "stale")
    if not scene.unasked:
        await scene.show(FIRST, "forget")
    await box.until(lambda: False, min(5.0, box.seconds("before")), "asking the store once more")
    await store.until(scene.query, lambda seen: kept in nonces(seen), "forget", "grown")
    await times()


def rest_not_tried(box: Sandbox, because: str) -> None:
    """What the later stages would have shown."""
    for step in _LATER:
        box.unable(step, "not-tried", because)
