"""The opt-in stages: two gangs that compete for room for one, and a gang that loses a member."""

from aiconform.checks.gang_scheduling.crew import LONG, Crew, has_pods, running
from aiconform.checks.gang_scheduling.stages import block, crew_pods, note_placeholders, send
from aiconform.checks.gang_scheduling.via import Manifest


async def run(crew: Crew) -> None:
    """Both stages, one after the other."""
    with crew.box.rec.in_step("pair"):
        await _pair(crew)
    with crew.box.rec.in_step("alone"):
        await _alone(crew)


async def _pair(crew: Crew) -> None:
    """Members of two gangs are created alternately while there is room for one gang only."""
    box, step = crew.box, "pair"
    if not crew.mechanism.ends:
        box.unable(step, "not-tried", f"members of {crew.mechanism.product} are started again when they have ended")
        return
    of_cpu = crew.accelerator is None
    free_units, _ = await crew.count()
    blocker: Manifest | None = None
    if of_cpu or free_units > crew.need:
        blocker = await block(crew, "pair_blocker", step, of_cpu=of_cpu, leave=crew.size)
        if blocker is None:
            return
    await crew.room(step, "before")
    place = await crew.fit(step)
    gangs = [crew.mechanism.gang(place, name, await crew.members(name, name)) for name in ("pair-a", "pair-b")]
    pods = [[m for m in g if has_pods(m)] for g in gangs]
    roles = {m["metadata"]["name"]: role for g, role in zip(pods, ("member-a", "member-b"), strict=True) for m in g}
    alternately = [m for both in zip(*pods, strict=True) for m in both]
    groups = [m for g in gangs for m in g if not has_pods(m)]
    async with box.window(step, "two gangs wait for the same room: both finish, one after the other"):
        objects, belongs = await send(crew, step, step, groups + alternately, roles)
        if belongs:
            await box.until(lambda: sum(_succeeded(p) for p in box.pods(step=step)) >= 2 * crew.size, "pair")
    note_placeholders(crew, step)
    await crew.clear(step, *objects)
    if blocker is not None:
        await crew.room(step, "after")
        await crew.clear("pair_blocker", blocker)
    else:
        await crew.room(step, "after")


async def _alone(crew: Crew) -> None:
    """One member of a running gang is killed: the gang is made whole again, or ends."""
    box, step = crew.box, "alone"
    await crew.room(step, "before")
    place = await crew.fit(step)
    pod = await crew.pod(
        "member", gang=step, size=crew.size, count=min(crew.member_units[0], 1), stay=LONG,
        mcpu=crew.light,
    )  # fmt: skip
    if len(set(crew.member_units)) > 1:
        box.unable(step, "too-few-accelerators(1<2)", "a Job has members of one kind only: it takes two accelerators")
        return
    objects, belongs = await send(crew, step, step, crew.mechanism.gang_job(place, step, pod, crew.size))
    if not belongs or not await box.until(lambda: _up(crew) >= crew.size, "start"):
        box.unable(step, "not-tried", "a gang made by a Job did not start, so none of its members could be killed")
        await crew.clear(step, *objects)
        return
    victim = crew_pods(crew, step)[0]
    async with box.window(step, "a member was killed: it comes back, or no other one stays"):
        await box.delete(victim, step=step, grace=0)
        await box.until(lambda: not _there(victim, crew) and _up(crew) in (0, crew.size), "alone")
    await crew.clear(step, *objects)
    await crew.room(step, "after")


def _there(victim: Manifest, crew: Crew) -> bool:
    return any(p["metadata"]["uid"] == victim["metadata"]["uid"] for p in crew_pods(crew, "alone"))


def _up(crew: Crew) -> int:
    """Members that run and are not about to end."""
    return sum(running(p) and "deletionTimestamp" not in p["metadata"] for p in crew_pods(crew, "alone"))


def _succeeded(pod: Manifest) -> bool:
    return bool((pod.get("status") or {}).get("phase") == "Succeeded")
