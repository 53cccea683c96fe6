"""The stages of the observation. Each does things and records; none decides anything about the platform."""

import random
import time

from aiconform.checks.pod_autoscaling import decisions, register
from aiconform.checks.pod_autoscaling.objects import ANNOTATIONS, APP, DIAL, SCRIPT, SCRIPTS, deployment, pod
from aiconform.checks.pod_autoscaling.site import LEAST, MOST, TARGET, NotPossible, Site, ready
from aiconform.checks.pod_autoscaling.via import Manifest, differences
from aiconform.cluster import asking
from aiconform.cluster.sandbox import Sent

STRANGER, LOW = 1000, 3
_random = random.SystemRandom()


async def setup(site: Site, script: str) -> None:
    """Two namespaces, the script in both, watches, and a Prometheus for those mechanisms that need one."""
    box = site.box
    labels = await register.namespace_labels(site)
    site.own = await box.make_namespace(labels=labels)
    site.other = await box.make_namespace(labels=labels, hint="other")
    for namespace in (site.own, site.other):
        await box.create(asking.script_map(SCRIPTS, {SCRIPT: script}), step="setup", namespace=namespace)
    for api, plural in (("apps/v1", "deployments"), ("autoscaling/v2", "horizontalpodautoscalers"), ("v1", "events")):
        await box.follow(api, plural, site.own)
    if site.mechanism.needs_prometheus and not box.attempt.facts["prometheus"]:
        site.prometheus = await register.find_prometheus(site)
        if not site.prometheus:
            because = "no Service was found that answers as a Prometheus does; name one by --mechanism"
            raise NotPossible("setup", "mechanism-not-found", f"{because} pod_autoscaling={site.mechanism.product}:URL")
        box.fact("prometheus", site.prometheus, step="setup")


async def canary(site: Site) -> None:
    """The other namespace's workload: plain pods of the same name, with the probe image, on the chosen nodes."""
    await _send(site, deployment(_pod(site, APP, away=True)), "canary", "stranger", site.other)
    if site.mechanism.total:
        await _send(site, _pod(site, DIAL, away=True), "canary", "dial", site.other)
    if not await site.box.until(lambda: _all_ready(site, site.other, _count(site)), "canary", "a plain pod is to run"):
        raise _not_running(site, "canary", site.other, "a plain pod did not start")


async def first(site: Site) -> None:
    """One replica with an accelerator."""
    box = site.box
    site.units = await site.free("first")
    if site.units == 0:
        because = f"no unit of {site.accelerator.id} is free on the chosen nodes"
        raise NotPossible("first", "too-few-accelerators", because)
    api = f"resource.k8s.io/{box.attempt.facts['claims'] or 'v1'}"
    ask = asking.ask(site.accelerator, 1, APP, api=api)
    for obj in ask.objects:
        await _send(site, obj, "first", "claims", site.own)
    stored = await _send(site, deployment(_pod(site, APP, ask=ask)), "first", "replica", site.own)
    if stored.object.get("spec", {}).get("replicas") != 1:
        raise NotPossible("first", "admission-denied", "a Deployment of one replica was stored with another number")
    if site.mechanism.total:
        await _send(site, _pod(site, DIAL), "first", "dial", site.own)
    if not await box.until(lambda: _all_ready(site, site.own, _count(site)), "start", "the first replica is to run"):
        raise _not_running(site, "first", site.own, "the first replica, which asks for one accelerator, did not start")
    await site.look_at_device(site.running()[0], "first")


def _pod(site: Site, name: str, *, ask: asking.Ask | None = None, away: bool = False) -> Manifest:
    settings, facts = site.box.attempt.settings, site.box.attempt.facts
    arguments = site.arguments(away=away, holder=ask is not None)
    annotations = ANNOTATIONS if register.ways(site)[0] == register.BY_ANNOTATIONS else None
    return pod(name, settings["probe_image"], arguments, facts["nodes"], ask=ask, annotations=annotations)


def _count(site: Site) -> int:
    return 2 if site.mechanism.total else 1


async def _send(site: Site, manifest: Manifest, step: str, role: str, namespace: str) -> Sent:
    sent = await site.box.create(manifest, step=step, role=role, namespace=namespace)
    if not sent.ok:
        raise NotPossible(step, sent.code, f"{manifest['kind']} {manifest['metadata']['name']}: {sent.message}")
    return sent


def _mine(site: Site, namespace: str) -> list[Manifest]:
    found = [p for p in site.box.pods() if p["metadata"]["namespace"] == namespace]
    return [p for p in found if not p["metadata"].get("deletionTimestamp")]


def _all_ready(site: Site, namespace: str, count: int) -> bool:
    found = _mine(site, namespace)
    return len(found) >= count and all(map(ready, found))


def _not_running(site: Site, step: str, namespace: str, what: str) -> NotPossible:
    waiting = [p["metadata"]["name"] for p in _mine(site, namespace) if not ready(p)]
    if not waiting:
        said = [e for e in site.box.view("v1", "events", namespace) if e.get("reason") == "FailedCreate"]
        code = "admission-denied" if said else "deadline"
        because = said[-1]["message"] if said else "its controller made no pod"
        return NotPossible(step, code, f"{what}: {because}")
    return NotPossible(step, site.box.code_for(waiting[0]), f"{what}: {site.box.why_not_running(waiting[0])}")


async def visible(site: Site) -> bool:
    """Registers the probe, and waits until the metrics API shows its value. True if it does."""
    value = _random.randint(21, 44)
    for way in register.ways(site):
        if not await register.register(site, way):
            continue
        await _back(site, way)
        if site.mechanism.scaler_first and not site.scaler:
            await autoscaler(site, "visible")
        async with site.box.window("visible", f"the metrics API has to show {value}"):
            await site.command([value], "visible")
            await site.exported(next(iter(site.expected)), "visible")
            seen = await site.look(site.shown, "visible", f"the metrics API is to show {value}")
        if seen or site.values:
            return seen
        if way not in (register.BY_ANNOTATIONS, register.BY_ASKING):
            await register.withdraw(site, way)
    return False


async def _back(site: Site, way: str) -> None:
    """Waits until every pod is ready in the form that this way of registering asks for."""

    def there() -> bool:
        pods = _mine(site, site.own) + _mine(site, site.other)
        marked = all(ANNOTATIONS.items() <= (p["metadata"].get("annotations") or {}).items() for p in pods)
        whole = all(_all_ready(site, namespace, _count(site)) for namespace in (site.own, site.other))
        return whole and (marked or way != register.BY_ANNOTATIONS)

    if there():
        return
    if not await site.box.until(there, "start", "the replica is to come back"):
        raise _not_running(site, "visible", site.own, "the replica did not come back with annotations")
    await site.look_at_device(site.running()[0], "visible")


async def follow(site: Site) -> bool:
    """Another value, which must be shown too."""
    before = int(next(iter(site.expected.values())))
    value = _random.choice([v for v in range(21, 45) if abs(v - before) > 5])
    async with site.box.window("follow", f"the value changes from {before} to {value}"):
        await site.command([value], "follow")
        await site.exported(next(iter(site.expected)), "follow")
        return await site.look(site.shown, "follow", f"the metrics API is to show {value}")


async def autoscaler(site: Site, step: str) -> None:
    """Creates the autoscaler, and waits for its HorizontalPodAutoscaler."""
    wish = site.wish()
    sent = await _send(site, site.mechanism.scaler(wish), step, "autoscaler", site.own)
    site.scaler = sent.object | {k: site.mechanism.scaler(wish)[k] for k in ("apiVersion", "kind")}
    if not await site.box.until(lambda: site.autoscaler() is not None, "decide", "the autoscaler is to be there"):
        raise NotPossible(step, "deadline", f"no HorizontalPodAutoscaler came of {site.scaler['kind']} {APP}")
    found = site.mechanism.changed(wish, site.scaler, site.autoscaler() or {})
    if found:
        because = f"something changed the autoscaler: {'; '.join(found)}"
        raise NotPossible(step, "admission-denied", because)


async def hold(site: Site) -> bool:
    """Exactly the target: nothing may move."""
    await site.command([TARGET], "hold")
    if not await site.look(lambda: site.shown() or site.replicas() != LEAST, "follow", f"{TARGET} is to be shown"):
        raise NotPossible("hold", "deadline", f"the metrics API did not come to show {TARGET}")
    await site.box.until(lambda: _active(site) or site.replicas() != LEAST, "decide", "the autoscaler is to look")
    async with site.box.window("hold", f"the load is the target, and once just below: {LEAST} replica has to stay"):
        await _steady(site, "hold", TARGET, TARGET - 1, TARGET)
    return site.replicas() == LEAST


async def _steady(site: Site, step: str, *loads: int) -> None:
    """Sets these loads, none above the target, until the autoscaler has decided on each; or to the end of the time."""
    over = time.monotonic() + site.box.seconds(step)
    for load in loads:
        if list(site.expected.values()) != [str(load)]:
            await site.command([load], step)

        def seen(load: int = load) -> bool:
            return site.replicas() != LEAST or site.decided(load)

        left = max(over - time.monotonic(), 0.0)
        if not await site.look(seen, left, "nothing may move") or site.replicas() != LEAST:
            return


def _active(site: Site) -> bool:
    """Whether the autoscaler says that it computes with the metric."""
    conditions = ((site.autoscaler() or {}).get("status") or {}).get("conditions") or []
    return any(c["type"] == "ScalingActive" and c["status"] == "True" for c in conditions)


async def apart(site: Site) -> bool:
    """The workload of the same name in the other namespace gets a great load."""
    if site.mechanism.scaler_first:
        await _send(site, site.mechanism.scaler(site.wish(site.other)), "apart", "stranger", site.other)
    roles = "dial" if site.mechanism.total else "stranger"
    names = [p["metadata"]["name"] for p in site.box.pods(role=roles) if p["metadata"]["namespace"] == site.other]
    async with site.box.window("apart", f"the other namespace has {STRANGER}: {LEAST} replica has to stay"):
        await site.set(names[0], STRANGER, site.other, "apart")
        seen = await site.shown_elsewhere(STRANGER, "visible")
        site.box.fact("shown_elsewhere", {"value": STRANGER, "seen": seen}, step="apart")
        there = list(site.expected.values()) == [str(TARGET)]
        await _steady(site, "apart", *((TARGET - 1, TARGET) if there else (TARGET, TARGET - 1)))
    await site.set(names[0], None, site.other, "apart")
    return site.replicas() == LEAST


async def up(site: Site) -> int:
    """Nearly twice the target: two replicas. Returns the load, 0 if they did not come."""
    value = _random.randint(86, 97)
    reached = await _scale(site, "up", [value], (LEAST, 2))
    return value if reached else 0


async def _scale(
    site: Site, step: str, loads: list[int | None], numbers: tuple[int, int], wait: str = "decide"
) -> bool:
    """Sets loads, and waits for the second number of replicas; the first one is where it starts."""
    low, high = min(numbers), max(numbers)

    def strayed() -> bool:
        return not low <= site.replicas() <= high

    def done() -> bool:
        return strayed() or site.replicas() == numbers[1]

    def settled() -> bool:
        return site.replicas() != numbers[1] or site.stays(numbers[1])

    async with site.box.window(step, f"{numbers[0]} replicas have to become {numbers[1]}"):
        await site.command(loads, step)
        await site.look(lambda: site.shown() or done(), "follow", "the metrics API is to show the new load")
        site.box.fact("asked_for", {"from": numbers[0], "to": numbers[1], "shown": site.shown()}, step=step)
        reached = await site.look(done, wait, f"{numbers[1]} replicas are to be asked for") and not strayed()
        if reached:
            await site.look(settled, "settle", f"{numbers[1]} replicas have to stay")
    return reached and site.replicas() == numbers[1]


async def replica(site: Site) -> None:
    """The new replica runs, and looks at its accelerator."""
    # Where there is no second unit it cannot run: no need to wait for it.
    wait: str | float = "start" if site.units > 1 else 0.1
    async with site.box.window("replica", "the new replica has to run"):
        await site.box.until(lambda: len(site.running()) > 1, wait, "the new replica is to run")
    if len(site.running()) > 1:
        await site.look_at_device(site.running()[1], "replica")
    else:
        await site.free("replica")


async def gone(site: Site, value: int) -> bool:
    """The metric goes, and comes back: the two replicas stay."""
    async with site.box.window("withdraw", "nobody exports the metric any more"):
        await site.command([None] * len(site.running()), "withdraw")
        # One answer without a value may be a failure of the moment.
        await site.look(lambda: site.blank > 1 or site.replicas() != 2, "stale", "the metric is to go")
        site.box.fact("withdrawn", {"values": site.values}, step="withdraw")
    async with site.box.window("gone", "without the metric, 2 replicas have to stay"):
        if not site.values:
            before = site.failures()
            await site.look(lambda: site.replicas() != 2 or _missed(site, before), "missing", "nothing may move")
    if site.replicas() != 2:
        return False
    await site.command([value], "gone")
    await site.look(lambda: site.shown() or site.replicas() != 2, "follow", "the metric is to come back")
    return site.replicas() == 2


def _missed(site: Site, before: dict[str, int]) -> bool:
    return decisions.more(before, site.failures()) >= decisions.WITHOUT


async def between(site: Site, value: int) -> bool:
    """Nearly three times the target, of which the second replica has the lesser part: three replicas."""
    more = _random.randint(135, 147) - value
    two = len(site.running()) > 1 or site.mechanism.total
    return await _scale(site, "between", [value, more] if two else [value + more], (2, 3))


async def down(site: Site) -> bool:
    """Next to nothing: one replica."""
    loads: list[int | None] = [LOW] * (3 if site.mechanism.total else len(site.running()))
    return await _scale(site, "down", loads, (min(site.replicas(), MOST), LEAST), "down")


async def none(site: Site) -> bool:
    """No load, and an autoscaler that may go to no replica: none. False if it may not, or if it does not."""
    change = site.mechanism.to_none()
    if change is None:
        return False
    sent = await site.box.patch(site.scaler, change, step="none")
    other = differences(change, sent.object) if sent.ok else []
    said = {"ok": sent.ok and not other, "code": sent.code, "message": sent.message or "; ".join(other)}
    site.box.fact("none_allowed", said, step="none")
    return bool(said["ok"]) and await _scale(site, "none", [0], (LEAST, 0), "empty")


async def wake(site: Site) -> None:
    """Some load, less than the target: one replica, which runs with an accelerator."""
    value = _random.randint(21, 44)
    if not await _scale(site, "wake", [value], (0, LEAST)):
        return
    with site.box.rec.in_step("woken"):
        async with site.box.window("woken", "the replica has to run"):
            await site.box.until(lambda: bool(site.running()), "start", "the replica is to run")
        if site.running():
            await site.look_at_device(site.running()[0], "woken")
