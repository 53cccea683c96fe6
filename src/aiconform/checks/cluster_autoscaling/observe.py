"""Does what check.py describes, in its order, and writes what it sees. It returns nothing and judges nothing."""

from aiconform.checks.cluster_autoscaling import stages
from aiconform.checks.cluster_autoscaling.site import Site
from aiconform.checks.cluster_autoscaling.via import ScalingMechanism
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Accelerator, Attempt, decode, encode

_RUN = "aiconform.dev/run"


async def observe(attempt: Attempt, box: Sandbox, mechanism: ScalingMechanism) -> None:
    """Refused and ApiLost are raised to the engine; everything else that goes wrong is recorded."""
    facts = attempt.facts
    if facts["declared_none"]:
        await _look_for_one(box, mechanism)
        return
    accelerator = decode(encode(facts["accelerator"]), Accelerator)
    site = Site(box=box, mechanism=mechanism, accelerator=accelerator)
    with box.rec.in_step("setup"):
        await box.make_namespace()
        await _follow(site)
        await site.scripts()
    with box.rec.in_step("canary"):
        if not await stages.canary(site):
            return
    with box.rec.in_step("settled"):
        await stages.settle(site)
    with box.rec.in_step("fill"):
        if not await stages.fill(site):
            return
    with box.rec.in_step("grow"):
        if not await stages.grow(site):
            return
    with box.rec.in_step("use"):
        await stages.use(site)
    with box.rec.in_step("shrink"):
        await stages.shrink(site)


async def _follow(site: Site) -> None:
    """Nodes, the product's objects, events on our pods, and pods of others that wait."""
    box = site.box
    await box.follow("v1", "nodes")
    await box.follow("v1", "events", box.namespace)
    # Not ours: a pod that leaves the selection is reported as deleted, which it is not.
    await box.follow("v1", "pods", "*", labels=f"!{_RUN}", fields="status.phase=Pending")
    if site.accelerator.form != "device-plugin":
        versions = [s.rpartition("/")[2] for s in box.attempt.facts["served"] if s.startswith("resourceslices.")]
        await box.follow(f"resource.k8s.io/{versions[0] if versions else 'v1'}", "resourceslices")
    for api, plural in site.mechanism.watched(tuple(box.attempt.facts["served"])):
        await box.follow(api, plural, "*")


async def _look_for_one(box: Sandbox, mechanism: ScalingMechanism) -> None:
    """The operator says that there is no autoscaler: looks for what speaks against it. Reads only."""
    nothing = Accelerator(id="", vendor="", form="dra", nodes={}, recognised=False)
    site = Site(box=box, mechanism=mechanism, accelerator=nothing)
    with box.rec.in_step("declared"):
        reading = await site.read("declared")
        box.fact("against", [*box.attempt.facts["against"], *reading.signs], step="declared")
