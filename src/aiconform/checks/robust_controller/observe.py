"""Does what check.py describes, in its order, and writes what it sees. It returns nothing and judges nothing."""

import asyncio
from typing import Any

from aiconform.checks.robust_controller import calling, own, stages
from aiconform.checks.robust_controller.site import Site
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Attempt, Operator, decode, encode


async def observe(attempt: Attempt, box: Sandbox, mechanism: Any) -> None:
    """One operator. The adapter has said all it knows in the attempt's facts."""
    del mechanism
    site = Site(box=box, operator=decode(encode(attempt.facts["operator"]), Operator))
    with box.rec.in_step("setup"):
        await box.make_namespace(hint=attempt.via)
        await _follow(site)
    if not await stages.canary(site):
        return
    await own.look(site)
    staying = asyncio.create_task(own.stay(site), name=f"own pods {attempt.id}")
    try:
        await _try(site)
        await staying
    finally:
        staying.cancel()
        await asyncio.gather(staying, return_exceptions=True)


async def _follow(site: Site) -> None:
    box, resource = site.box, site.box.attempt.facts["resource"]
    await box.follow("v1", "events", box.namespace)
    await box.follow(resource["api"], resource["plural"], box.namespace)
    for kind in (*site.operator.makes, *site.operator.between):
        if (kind.api, kind.plural) != ("v1", "pods"):
            await box.follow(kind.api, kind.plural, box.namespace)


async def _try(site: Site) -> None:
    sent = await site.prepare(stages.LIVE, step="prepare")
    if sent is not None and not sent.ok:
        site.box.unable("refuse", sent.code, f"what the resource needs was refused: {sent.message}")
        site.box.unable("make", sent.code, f"what the resource needs was refused: {sent.message}")
    else:
        denied = await stages.refuse(site)
        await stages.stuck(site)
        if await stages.make(site):
            await stages.truth(site)
            await stages.repair(site)
            await stages.update(site)
            await stages.end(site)
        if not denied:
            await calling.canary(site)
    await stages.clear(site)
