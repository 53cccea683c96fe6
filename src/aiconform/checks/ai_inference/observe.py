"""Does what check.py describes, in its order, and writes what it sees. It returns nothing and judges nothing."""

from aiconform.checks.ai_inference import stages
from aiconform.checks.ai_inference.scene import API, Scene
from aiconform.checks.ai_inference.via import GatewayMechanism
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Attempt


async def observe(attempt: Attempt, box: Sandbox, mechanism: GatewayMechanism) -> None:
    """Refused and ApiLost are raised to the engine; everything else that goes wrong is recorded."""
    scene = Scene(box=box, mechanism=mechanism, attempt=attempt)
    with box.rec.in_step("setup"):
        await box.make_namespace()
        scene.other = await box.make_namespace(hint="other")
        for plural in ("gateways", "httproutes"):
            await box.follow(API, plural, box.namespace)
        sent = await scene.scripts()
        if not sent.ok:
            box.unable("setup", sent.code, f"the ConfigMap with the scripts was refused: {sent.message}")
            return
        box.fact("nonce", scene.nonce)
    for name, stage in stages.ALL:
        with box.rec.in_step(name):
            if not await stage(scene):
                break
    with box.rec.in_step("back"):
        await stages.give_back(scene)
