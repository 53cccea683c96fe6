"""Does what check.py's page describes, and writes down what happened. Decides nothing."""

from collections.abc import Callable
from typing import Any

from aiconform.checks.accelerator_metrics import sources
from aiconform.checks.accelerator_metrics.scene import CANARY, HOLDER, Scene
from aiconform.checks.accelerator_metrics.via import Vendor
from aiconform.cluster import asking
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Attempt

BASELINE = 3
# Scrapes in the idle time, and in each of the two deadlines that follow, unless that would be faster than FASTEST.
IDLE, LOAD = 8, 24
FASTEST = 1.0
# Scrapes after the load was seen, so that its height is, too.
MORE = 2
# Seconds between two counts of the units that are held, while the load goes on.
COUNTED = 30.0
# The load goes on longer than it is looked for.
BEYOND = 60.0


async def observe(attempt: Attempt, box: Sandbox, mechanism: Vendor) -> None:
    """The whole attempt, on the node and the accelerator that the plan chose."""
    scene = Scene.of(attempt, box)
    if not await sources.find(scene):
        return
    for _ in range(BASELINE):
        await scene.scrape("baseline")
        await box.until(lambda: False, FASTEST, "what the exporter says of an idle node")
    if scene.burner is None:
        because = f"there is no load for accelerators of {mechanism.product} yet, so their values were not seen to move"
        box.unable("load", "probe-missing", because)
        return
    if not await _canary(scene) or not await _hold(scene):
        return
    await _idle(scene)
    await _load(scene)
    await _release(scene)


async def _canary(scene: Scene) -> bool:
    """The load script in a plain pod, which only shows that it runs there; and how many units are free."""
    box = scene.box
    await box.make_namespace()
    if not await scene.create(scene.script(), scene.pod(CANARY, {"check": True}), step="canary"):
        return False
    await box.until(lambda: scene.ended(CANARY), "canary", "the plain pod that goes first")
    if not scene.ended(CANARY):
        because = f"a plain pod did not run on {scene.node}: {box.why_not_running(CANARY)}"
        box.unable("canary", box.code_for(CANARY), because)
        return False
    if await box.probe(CANARY, step="canary") is None:
        box.unable("canary", "probe-failed", "the script did not run in the plain pod: see the note beside this")
        return False
    free = await _count(scene, "canary")
    if free < 1:
        because = f"no unit of {scene.accelerator.id} is free on {scene.node}"
        box.unable("hold", "too-few-accelerators(0<1)", because)
    return free >= 1


async def _hold(scene: Scene) -> bool:
    """The pod that is granted one device."""
    box, burner = scene.box, scene.burner
    assert burner is not None
    # A store shows later what is: the idle time must be seen in it, and the load must wait to be seen.
    idle = box.seconds("idle") * (2 if scene.behind else 1)
    load = box.seconds("react") + scene.behind + BEYOND
    config = {"idle": idle, "load": load, "bytes": burner.bytes}
    api = f"resource.k8s.io/{scene.attempt.facts['claims'] or 'v1'}"
    ask = asking.ask(scene.accelerator, 1, HOLDER, api=api)
    if not await scene.create(*ask.objects, scene.pod(HOLDER, config, ask), step="hold", role=HOLDER):
        return False
    over: Callable[[], bool] = lambda: scene.runs(HOLDER) or scene.ended(HOLDER)  # noqa: E731 - one test, two waits
    await box.until(over, "accelerator_pod", "a pod with one device")
    if not over():
        box.unable("hold", box.code_for(HOLDER), f"the pod with a device did not run: {box.why_not_running(HOLDER)}")
        return False
    # To open a device for the first time may take its driver half a minute and more.
    if await box.probe(HOLDER, step="hold", wait="accelerator_pod") is None:
        box.unable("hold", "probe-failed", "the load script said nothing: see the note beside this")
        return False
    return True


async def _report(scene: Scene, step: str) -> dict[str, Any]:
    """What the burner says now; {} where it says nothing."""
    said = await scene.box.probe(HOLDER, step=step, wait=20.0)
    return said if isinstance(said, dict) else {}


async def _idle(scene: Scene) -> None:
    """Scrapes until the burner begins to compute. A report before and after each shows that it had not yet."""
    pace = max(scene.box.seconds("idle") / IDLE, FASTEST)
    while (await _report(scene, "idle")).get("phase") == "idle" and not scene.ended(HOLDER):
        await scene.scrape("idle")
        await scene.box.until(lambda: scene.ended(HOLDER), pace, "an idle device with a holder")


async def _load(scene: Scene) -> None:
    """Scrapes while the burner computes, until it is seen or the time is over."""
    box = scene.box
    pace = max(box.seconds("react") / LOAD, FASTEST)
    begun = counted = box.rec.elapsed()
    more = MORE
    while (phase := (await _report(scene, "load")).get("phase")) in ("prepare", "load") and not scene.ended(HOLDER):
        if phase == "prepare":
            begun = box.rec.elapsed()
        await scene.scrape("load")
        more -= scene.sight.moved
        if more < 0 or box.rec.elapsed() - begun > box.seconds("react") + scene.behind:
            break
        if box.rec.elapsed() - counted > COUNTED:
            counted = box.rec.elapsed()
            await _count(scene, "load")
        await box.until(lambda: scene.ended(HOLDER), pace, "what the exporter says of a device under load")
    await _report(scene, "load")
    await _count(scene, "load")


async def _release(scene: Scene) -> None:
    """Deletes the holder, and scrapes until the values are what they were, or the time is over."""
    box = scene.box
    await box.delete(scene.sent[HOLDER], step="release")
    if not await box.gone([scene.sent[HOLDER]], "deletion"):
        box.unable("release", "deadline", "the pod that held the device was deleted and is still there")
        return
    pace = max(box.seconds("release") / LOAD, FASTEST)
    begun, patience = box.rec.elapsed(), box.seconds("release") + scene.behind
    while True:
        await scene.scrape("release")
        if scene.sight.back or box.rec.elapsed() - begun > patience:
            break
        await box.until(lambda: False, pace, "what the exporter says after the release")
    await _count(scene, "release")


async def _count(scene: Scene, step: str) -> int:
    """Records how many units are held on the node, whoever holds them; returns how many are free."""
    with scene.box.rec.in_step(step):
        return await scene.box.free_units(scene.accelerator, scene.node)
