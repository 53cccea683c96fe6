"""Does the steps of check.py's page, in that order, and records them. Decides nothing.

Steps: "api", "objects", "refusals"; "waiting" (a window: requests that must wait, with roles no-match, control,
no-attribute, no-capacity, too-many); "claim" (role holder), "held" (role second; a window), "release".
"""

from pathlib import Path
from typing import cast

from aiconform.checks.dra_support import allocate, objects
from aiconform.checks.dra_support.scene import WAITING, Scene, bound
from aiconform.checks.dra_support.via import DraApi
from aiconform.cluster import asking
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Attempt, Mechanism

_SCRIPT = Path(__file__).parent / "manifests" / "look.py"


async def observe(attempt: Attempt, box: Sandbox, mechanism: Mechanism) -> None:
    """One attempt. Refused and ApiLost are left to the engine."""
    via = cast(DraApi, mechanism)
    if not await objects.look_at_api(box, via.product):
        box.unable("setup", "not-served", f"the API server does not serve all four types of {via.api}")
        return
    scene = await _prepare(attempt, box, via)
    if scene is None:
        return
    await _wait_in_vain(scene)
    if scene.devices:
        await allocate.observe(scene)


async def _prepare(attempt: Attempt, box: Sandbox, via: DraApi) -> Scene | None:
    """Namespace, watches, script, node and canary; None if the canary did not run."""
    await box.make_namespace()
    await objects.follow(box, via.api)
    await box.create(asking.script_map("look", {"look.py": _SCRIPT.read_text(encoding="utf-8")}), step="setup")
    scene = await Scene.choose(attempt, box, via)
    box.fact("place", {"namespace": box.namespace, "node": scene.node["name"], "api": via.api}, step="setup")
    sent = await box.create(scene.pod("canary"), step="canary", role="plain")
    if not sent.ok:
        box.unable("canary", sent.code, f"a plain pod was refused: {sent.message}")
        return None
    await box.until(lambda: scene.ready("canary") or scene.ended("canary"), "canary")
    if not scene.ready("canary"):
        why = box.why_not_running("canary")
        box.unable("canary", box.code_for("canary"), f"a plain pod did not run on {scene.node['name']}: {why}")
        return None
    await box.probe("canary", step="canary")
    return scene


async def _wait_in_vain(scene: Scene) -> None:
    """Everything that must wait, in one window; the API's own steps are done meanwhile."""
    box, via = scene.box, scene.via
    nothing = f"aiconform-{box.run}-none"
    ready = await scene.take(via.device_class(nothing, objects.SOUND), "waiting", "no-match")
    ready = ready and await scene.take(via.template("no-match", via.request(nothing)), "waiting", "no-match")
    ready = ready and await scene.take(scene.pod("no-match", template="no-match"), "waiting", "no-match")
    await scene.ask_for_what_is_not_there()
    await scene.take(scene.pod("control"), "waiting", "control")
    began = box.rec.elapsed()
    async with box.window("waiting", "requests that nothing satisfies, while there are free devices"):
        await objects.try_objects(box, via)
        await objects.try_refusals(box, via)
        rest = max(box.seconds("window") - (box.rec.elapsed() - began), 0.0)
        await box.until(lambda: False, rest, what="requests that nothing satisfies must wait")
    if not bound(box.pod("control")):
        await box.until(lambda: bound(box.pod("control")), "canary", what="waiting for a plain pod")
    if ready and scene.claim_of("no-match") is None:
        async with box.window("claim_made", "no claim was made for the pod so far"):
            await box.until(lambda: scene.claim_of("no-match") is not None, "claim_made")
    await scene.count("after waiting")
    await scene.remove(*WAITING)
