"""Steps 6 and 7: one device is given to a pod, to nobody else meanwhile, and to the next one afterwards.

Facts: `events` {pod, events: [{reason, message}]}: what was said about a pod that does not start;
`released` {pods}: written just before the deletion; `diagnosed` {pod, allocated}.
"""

from functools import partial
from typing import Any

from aiconform.checks.dra_support import devices as known
from aiconform.checks.dra_support.scene import Scene, bound

# With devices that cannot be told apart all free ones are asked for; more than this would be taken from others.
_MOST_UNITS = 4
# With as many free devices as this, two may be held for a minute: no more than half of them.
_MANY = 4


async def observe(scene: Scene) -> None:
    """Holder, second, release. Stops where a step has no ground."""
    if not await _hold_one(scene):
        return
    device = _holds(scene)
    if device is None:
        return
    exclusive = not device["shared"]
    if exclusive and not await _ask_for_it(scene, device):
        return
    if exclusive and not await _held(scene, device):
        return
    await _release(scene, device)


async def _hold_one(scene: Scene) -> bool:
    """The holder's pod; whether it runs."""
    box = scene.box
    cel, about = known.usual(scene.driver, scene.devices)
    request = scene.via.request(scene.device_class, cel=cel)
    if not await scene.ask("claim", "holder", request, {"cel": cel, **about}, template=True):
        return False
    why = "a pod asks for one device by what the driver publishes"
    await box.hold("claim", "start", why, stop=lambda: scene.ready("holder") or scene.ended("holder"))
    if scene.ready("holder"):
        await box.probe("holder", step="claim")
        await scene.count("held")
        return True
    await _tell_events(scene, "holder", "claim")
    if scene.claim_of("holder") is not None and not scene.given("holder"):
        await _diagnose(scene)
    return False


async def _diagnose(scene: Scene) -> None:
    """Nothing was allocated: is it the selector, the class, everything, or the room for one more pod?"""
    box = scene.box
    await scene.count("diagnosis")
    await scene.remove("holder")
    if await scene.take(scene.pod("beside"), "diagnosis", "beside"):
        await box.until(lambda: bound(box.pod("beside")), "diagnosis", what="waiting for a plain pod")
    own = f"aiconform-{box.run}-driver"
    await scene.take(scene.via.device_class(own, known.pin_driver(scene.driver)), "diagnosis", "driver-only")
    for role, device_class in (("class-only", scene.device_class), ("driver-only", own)):
        request = scene.via.request(device_class)
        if not await scene.ask("diagnosis", role, request, {"words": f"any device of class {device_class}"}):
            continue
        await box.hold(role, "diagnosis", f"any device of class {device_class}", stop=partial(_settled, scene, role))
        box.fact("diagnosed", {"pod": role, "allocated": bool(scene.given(role))}, step="diagnosis")
        await scene.remove(role)


def _settled(scene: Scene, name: str) -> bool:
    return bool(scene.given(name)) or bound(scene.box.pod(name))


def _holds(scene: Scene) -> dict[str, Any] | None:
    """The advertised device that the holder was given."""
    given = scene.given("holder")
    key = (given[0].get("pool"), given[0].get("device")) if given else ("", "")
    return next((d for d in scene.devices if (d["pool"], d["name"]) == key), None)


async def _ask_for_it(scene: Scene, device: dict[str, Any]) -> bool:
    """The second claim: for this very device, or for all that were free, so that this one is among them."""
    found = known.pin(scene.driver, device, scene.devices)
    there = len(known.free(scene.devices))
    if found is not None:
        cel, count = found[0], 1
        about: dict[str, Any] = {"cel": cel, "attributes": found[1]}
    elif there <= _MOST_UNITS or "extended" in scene.attempt.settings["allow"]:
        cel, count = known.pin_driver(scene.driver), there
        about = {"cel": cel, "count": there, "words": f"all {there} devices that were free"}
    else:
        why = "the driver's attributes do not tell its devices apart, and to ask for all of them needs --allow extended"
        scene.box.unable("held", "devices-not-distinguishable", why)
        return False
    request = scene.via.request(scene.device_class, count=count, cel=cel)
    return await scene.ask("held", "second", request, {**about, "device": device["name"], "pool": device["pool"]})


async def _held(scene: Scene, device: dict[str, Any]) -> bool:
    """The window in which the second claim must wait; whether it did.

    Meanwhile another device is asked for by its own attributes, where many are free: so it is seen that
    requests are told apart. Whether the class covers it is not known, so nothing follows if it is not given.
    """
    box = scene.box
    found = _another(scene, device)
    if found is not None:
        cel, attributes = found
        request = scene.via.request(scene.device_class, cel=cel)
        await scene.ask("held", "other", request, {"cel": cel, "attributes": attributes})
    why = "the device is held, so the second claim must wait"
    await box.hold("held", "window", why, stop=lambda: _settled(scene, "second"))
    if scene.ready("other"):
        await box.probe("other", step="held")
    return not _settled(scene, "second")


def _another(scene: Scene, device: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """CEL for the last free device that looks like this one; None where only few are free."""
    free = [d for d in known.free(scene.devices) if (d["pool"], d["name"]) != (device["pool"], device["name"])]
    if len(free) + 1 < _MANY:
        return None
    alike = [d for d in free if d["attributes"].keys() == device["attributes"].keys() and not d["shared"]]
    return known.pin(scene.driver, alike[-1], scene.devices) if alike else None


async def _release(scene: Scene, device: dict[str, Any]) -> None:
    """The holder and the canary are deleted at the same time; the second pod must start with the device."""
    box = scene.box
    going = [p for p in (box.pod("holder"), box.pod("canary")) if p is not None]
    box.fact("released", {"pods": [p["metadata"]["name"] for p in going]}, step="release")
    async with box.window("release", "the device is free again when its pod is gone"):
        for pod in going:
            await box.delete({"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]}, step="release")
        if await box.until(lambda: box.pod("holder") is None, "gone", what="the pod that holds the device must go"):
            if device["shared"] and not await _ask_for_it(scene, device):
                return
            if await box.until(lambda: _settled(scene, "second"), "release", what="the next claim must get it"):
                await box.until(lambda: scene.ready("second") or scene.ended("second"), "start")
                if not scene.ready("second"):
                    await _does_anything_run(scene)
            else:
                await _is_anything_given(scene)
        else:
            await box.until(lambda: box.pod("canary") is None, "gone")
    await scene.count("after release")
    if scene.ready("second"):
        await box.probe("second", step="release")
    else:
        await _tell_events(scene, "second", "release")


async def _does_anything_run(scene: Scene) -> None:
    """The second pod has its device and does not run: does a plain pod run on that node now?"""
    if await scene.take(scene.pod("after"), "release", "after"):
        box = scene.box
        await box.until(lambda: scene.ready("after") or scene.ended("after"), "canary", what="waiting for a plain pod")


async def _is_anything_given(scene: Scene) -> None:
    """The second claim still waits: does the scheduler do anything, and is there room for a pod?"""
    box = scene.box
    if await scene.take(scene.pod("after"), "release", "after"):
        await box.until(lambda: bound(box.pod("after")), "diagnosis", what="waiting for a plain pod")
        # A scheduler that has just come back gets the same time again for the claim.
        await box.until(lambda: _settled(scene, "second"), "diagnosis", what="the next claim must get it")


async def _tell_events(scene: Scene, name: str, step: str) -> None:
    events = await scene.box.list("v1", "events", fields=f"involvedObject.name={name}")
    told = [{"reason": e.get("reason", ""), "message": e.get("message", "")} for e in events]
    scene.box.fact("events", {"pod": name, "events": told[-10:]}, step=step)
