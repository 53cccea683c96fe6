"""Does what check.py describes, in its order, and writes what it sees. It returns nothing and judges nothing."""

from typing import Any

from aiconform.checks.gang_scheduling import competing
from aiconform.checks.gang_scheduling.crew import Crew
from aiconform.checks.gang_scheduling.stages import canary, lone, scarce, together
from aiconform.checks.gang_scheduling.via import GangMechanism
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Accelerator, Attempt, decode, encode

# A member asks for at most this much cpu, in millicores, where cpu is what is scarce.
_MOST_CPU = 1000
_LEAST_CPU = 20


async def observe(attempt: Attempt, box: Sandbox, mechanism: GangMechanism) -> None:
    """Refused and ApiLost are raised to the engine; everything else that goes wrong is recorded."""
    facts = attempt.facts
    accelerator = decode(encode(facts["accelerator"]), Accelerator) if facts["accelerator"] else None
    crew = Crew(box=box, mechanism=mechanism, accelerator=accelerator, image=attempt.settings["probe_image"])
    with box.rec.in_step("setup"):
        if not await _shape(crew, facts):
            return
        await box.make_namespace()
        for api, plural in mechanism.watched(facts.get("detected", {})):
            await box.follow(api, plural)
        await crew.scripts()
        for manifest in mechanism.prepare(crew.place(*await crew.count())):
            sent = await box.create(manifest, step="setup")
            if not sent.ok:
                box.unable("setup", sent.code, f"{manifest['kind']} was refused: {sent.message}")
                return
    with box.rec.in_step("canary"):
        if not await canary(crew) or not await lone(crew):
            return
    with box.rec.in_step("together"):
        if not await together(crew):
            return
    with box.rec.in_step("short"):
        await scarce(crew, of_cpu=False)
    if accelerator is not None:
        with box.rec.in_step("cpu_short"):
            await scarce(crew, of_cpu=True)
    if "extended" in attempt.settings["allow"]:
        await competing.run(crew)


async def _shape(crew: Crew, facts: dict[str, Any]) -> bool:
    """Chooses the node with the most free accelerators (up to a whole gang), and the gang's shape on it."""
    best: tuple[int, int] = (-1, -1)
    offered = crew.box.on_offer(n["name"] for n in facts["nodes"])
    for node in (n for n in facts["nodes"] if n["name"] in offered):
        before, crew.node = crew.node, node
        free_units, free_cpu = await crew.count()
        if (min(free_units, facts["largest"]), free_cpu if crew.accelerator is None else 0) > best:
            best = (min(free_units, facts["largest"]), free_cpu if crew.accelerator is None else 0)
            chosen, units, millicores = node, free_units, free_cpu
        else:
            crew.node = before
    crew.node = chosen
    crew.box.choose(chosen["name"])
    if crew.accelerator is None:
        crew.member_units = (0,) * int(facts["largest"])
    elif units >= 2:
        crew.member_units = (1,) * min(units, int(facts["largest"]))
    elif units == 1 and not crew.mechanism.unlike:
        because = (
            f"one unit of {crew.accelerator.id} is free, and {crew.mechanism.product} needs members that are alike"
        )
        crew.box.unable("setup", "too-few-accelerators(1<2)", because)
        return False
    elif units == 1:
        # Two unlike members: without gang scheduling the second one starts alone while the first one waits.
        crew.member_units = (1, 0)
    else:
        because = f"no unit of {crew.accelerator.id} is free on {', '.join(n['name'] for n in facts['nodes'])}"
        crew.box.unable("setup", "too-few-accelerators(0<1)", because)
        return False
    crew.cpu = min(_MOST_CPU, millicores // (crew.size + 1))
    if crew.cpu < _LEAST_CPU:
        because = f"only {millicores} millicores are free on {chosen['name']}: too few to run a gang of {crew.size}"
        crew.box.unable("setup", "too-little-cpu", because)
        return False
    crew.box.fact("shape", _described(crew, units, millicores), step="setup")
    return True


def _described(crew: Crew, units: int, millicores: int) -> dict[str, Any]:
    return {
        "size": crew.size,
        "node": crew.node["name"],
        "unlike": len(set(crew.member_units)) > 1,
        "units": crew.need,
        "cpu": crew.cpu,
        "members": [{"units": u} for u in crew.member_units],
        "free": {"units": units, "cpu": millicores},
    }
