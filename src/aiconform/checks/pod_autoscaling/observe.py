"""Does what check.py describes, in its order, and writes what it sees. It returns nothing and judges nothing."""

from importlib import resources

from aiconform.checks.pod_autoscaling import adapter, stages
from aiconform.checks.pod_autoscaling.objects import SCRIPT
from aiconform.checks.pod_autoscaling.site import NotPossible, Site
from aiconform.checks.pod_autoscaling.via import LoadMechanism
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Accelerator, Attempt, decode, encode


async def observe(attempt: Attempt, box: Sandbox, mechanism: LoadMechanism) -> None:
    """Refused and ApiLost are raised to the engine; everything else that goes wrong is recorded."""
    accelerator = decode(encode(attempt.facts["accelerator"]), Accelerator)
    site = Site(box=box, mechanism=mechanism, accelerator=accelerator)
    try:
        await _all(site)
    except NotPossible as reason:
        box.unable(reason.step, reason.code, reason.because)
    await _remove_scaler(site)
    await adapter.remove(site)


async def _all(site: Site) -> None:
    box = site.box
    script = resources.files(__package__).joinpath("manifests", SCRIPT).read_text(encoding="utf-8")
    with box.rec.in_step("setup"):
        await stages.setup(site, script)
        if site.mechanism.brings:
            await adapter.bring(site)
    with box.rec.in_step("canary"):
        await stages.canary(site)
    with box.rec.in_step("first"):
        await stages.first(site)
    with box.rec.in_step("visible"):
        if not await stages.visible(site):
            return
    with box.rec.in_step("follow"):
        if not await stages.follow(site):
            return
    with box.rec.in_step("scaler"):
        if not site.scaler:
            await stages.autoscaler(site, "scaler")
    await _scaling(site)


async def _scaling(site: Site) -> None:
    box = site.box
    with box.rec.in_step("hold"):
        if not await stages.hold(site):
            return
    with box.rec.in_step("apart"):
        if not await stages.apart(site):
            return
    with box.rec.in_step("up"):
        value = await stages.up(site)
        if not value:
            return
    with box.rec.in_step("replica"):
        await stages.replica(site)
    with box.rec.in_step("gone"):
        if not await stages.gone(site, value):
            return
    with box.rec.in_step("between"):
        await stages.between(site, value)
    with box.rec.in_step("down"):
        if not await stages.down(site):
            return
    with box.rec.in_step("none"):
        if not await stages.none(site):
            return
    with box.rec.in_step("wake"):
        await stages.wake(site)


async def _remove_scaler(site: Site) -> None:
    """Before what it scales: products that make autoscalers put finalizers on their own objects."""
    if site.scaler:
        await site.box.delete(site.scaler, step="cleanup")
        await site.box.gone([site.scaler], 60.0)
