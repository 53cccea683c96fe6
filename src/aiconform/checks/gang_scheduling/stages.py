"""The stages of the observation. Each does things and records; none decides anything about the platform.

A stage returns whether the later ones can be tried at all.
"""

from collections.abc import Callable

from aiconform.checks.gang_scheduling.crew import Crew, has_pods, owned, running, told_to_wait
from aiconform.checks.gang_scheduling.priorities import endangered
from aiconform.checks.gang_scheduling.via import Manifest
from aiconform.cluster import priorities
from aiconform.cluster.errors import Refused

_NO_GANG = "the members that were stored belong to no gang, so this could not be tried"
# Others may come and go on the node while a gang is waited for; so often they are looked for, in seconds.
_LOOK = 30.0
_NOT_STARTED = "the gang did not start even with room for all of it, so this could not be tried"


async def canary(crew: Crew) -> bool:
    """A plain pod as meeting point, and a second one that reaches it over TCP."""
    box = crew.box
    sent = await box.create(await crew.pod("meeting"), step="canary", role="meeting")
    if not sent.ok:
        box.unable("canary", sent.code, f"a plain pod was refused: {sent.message}")
        return False
    up = await box.until(lambda: any(running(p) for p in box.pods(role="meeting")), "canary")
    if not up:
        why = box.why_not_running("meeting")
        box.unable("canary", box.code_for("meeting"), f"a plain pod did not start on {crew.node['name']}: {why}")
        return False
    crew.meeting = box.pods(role="meeting")[0]["status"]["podIP"]
    sent = await box.create(await crew.pod("canary", gang="canary", stay=0), step="canary", role="canary")
    if not sent.ok:
        box.unable("canary", sent.code, f"a plain pod was refused: {sent.message}")
        return False
    await box.until(lambda: any(_ended(p) for p in box.pods(role="canary")), "meet")
    await box.probe("canary", step="canary")
    return await _spares_others(crew)


async def _spares_others(crew: Crew) -> bool:
    """Where pods of others have a lower priority than ours, a shortage makes the scheduler end them: not tried then."""
    box, name = crew.box, crew.node["name"]
    mine = box.pods(role="meeting")[0]["spec"]
    there = await box.list("v1", "pods", "*", fields=f"spec.nodeName={name}")
    # What the blocker leaves is half a member's cpu away from room for one more.
    lower = endangered(mine, there, crew.accelerator.resource if crew.accelerator else "", crew.cpu // 2)
    if lower:
        because = f"pods of others on {name} have a lower priority than the check's ({priorities.names(lower)}): the "
        because += "shortage that it makes could end them; choose another node with --node-selector"
        box.unable("canary", "blocked-by", because)
    return not lower


async def lone(crew: Crew) -> bool:
    """Where the mechanism has a scheduler of its own: does one of that name start a pod that is in no gang?"""
    box = crew.box
    plain = await crew.pod("lone", gang="lone", stay=0)
    pod = crew.mechanism.lone(await crew.fit("canary"), plain)
    if pod is None:
        return True
    name = pod["spec"].get("schedulerName", "")
    sent = await box.create(pod, step="canary", role="lone")
    if not sent.ok:
        box.unable("canary", sent.code, f"a pod for the scheduler {name} was refused: {sent.message}")
        return False
    if await box.until(lambda: any(_is_up(p) for p in box.pods(role="lone")), "canary"):
        crew.scheduler = name
        return await _lone_with_a_unit(crew)
    because = (
        f"a plain pod started, but one with schedulerName {name} did not, although it is in no gang "
        f"({box.why_not_running('lone')}). If {crew.mechanism.product} has another scheduler, name it: "
        f"--mechanism gang_scheduling={crew.mechanism.product}:NAME"
    )
    box.unable("canary", "scheduler-silent", because)
    return False


async def _lone_with_a_unit(crew: Crew) -> bool:
    """Where accelerators are served by DRA, the mechanism's own scheduler must know how; not every version does."""
    box, accelerator = crew.box, crew.accelerator
    if accelerator is None or accelerator.form == "device-plugin":
        return True
    plain = await crew.pod("lone-unit", gang="lone", stay=0, count=1)
    pod = crew.mechanism.lone(await crew.fit("canary"), plain)
    assert pod is not None
    sent = await box.create(pod, step="lone", role="lone-unit")
    up = sent.ok and await box.until(lambda: any(_is_up(p) for p in box.pods(role="lone-unit")), "canary")
    if not up:
        why = box.why_not_running("lone-unit") if sent.ok else sent.message
        because = (
            f"the scheduler {crew.scheduler} starts pods, but none that asks for one {accelerator.id}: it may not know "
            f"accelerators in the form {accelerator.form} ({why})"
        )
        box.unable("canary", "unrecognised-accelerator", because)
    await crew.clear("lone")
    return up


async def together(crew: Crew) -> bool:
    """With room for all: the whole gang starts, and its members meet."""
    box, step = crew.box, "together"
    await crew.room(step, "before")
    async with box.window(step, "the gang has room: it starts as a whole"):
        objects, belongs = await create_gang(crew, step, await crew.members("a", "together"))
        whole = belongs and await _comes(crew, step, step, lambda: _started(crew, step) >= crew.size, "start")
    if whole:
        async with box.window("meet", "the members run: they find each other"):
            await box.until(lambda: sum(_ended(p) for p in crew_pods(crew, step)) >= crew.size, "meet")
    for pod in crew_pods(crew, step):
        if _is_up(pod):
            await box.probe(pod["metadata"]["name"], step=step)
    await _policies(crew, step)
    note_placeholders(crew, step)
    _note_outsiders(crew, step)
    if belongs and not whole:
        _note_unseen(crew, step)
    await crew.clear(step, *objects)
    await crew.room(step, "after")
    if belongs and not whole:
        await control(crew, "together_control", crew.size)
    if not whole:
        for later in ("control", "short", "release", "cpu_control", "cpu_short"):
            box.unable(later, *(("field-dropped", _NO_GANG) if crew.dropped else ("not-tried", _NOT_STARTED)))
    return whole


async def scarce(crew: Crew, *, of_cpu: bool) -> None:
    """Short by one member: blocker, control, and the gang that must wait; then, for accelerators, the release."""
    prefix = "cpu_" if of_cpu else ""
    blocker = await block(crew, f"{prefix}blocker", f"{prefix}short", of_cpu=of_cpu or crew.accelerator is None)
    if blocker is None:
        return
    mcpu = crew.cpu if of_cpu else crew.light
    await control(crew, f"{prefix}control", crew.size - 1, mcpu=mcpu)
    objects = await _wait_in_vain(crew, f"{prefix}short", mcpu=mcpu)
    if of_cpu:
        await crew.clear("cpu_short", *objects)
        await crew.clear("cpu_blocker", blocker)
    else:
        await _release(crew, blocker, objects)


async def block(crew: Crew, step: str, blamed: str, *, of_cpu: bool, leave: int | None = None) -> Manifest | None:
    """A plain pod that takes what is free, so that one member has no place (or `leave` members have one)."""
    box = crew.box
    free_units, free_cpu = await crew.count()
    members = crew.size - 1 if leave is None else leave
    count, mcpu = 0, 10
    if of_cpu:
        # Half a member's cpu to spare on either side, so that small pods of others do not matter.
        mcpu = free_cpu - members * crew.cpu - crew.cpu // 2
    else:
        count = free_units - (crew.need - 1 if leave is None else crew.need)
    if mcpu <= 0 or count < 0:
        box.unable(blamed, "capacity-changed", f"only {free_units} accelerators and {free_cpu} millicores are left")
        return None
    sent = await box.create(
        await crew.pod(step.replace("_", "-"), gang=step, size=2, count=count, mcpu=mcpu), step=step, role="blocker"
    )
    if sent.ok and await box.until(lambda: any(running(p) for p in box.pods(step=step)), "start"):
        return sent.object
    name = step.replace("_", "-")
    why = f"{box.why_not_running(name)}" if sent.ok else sent.message
    box.unable(blamed, box.code_for(name) if sent.ok else sent.code, f"the blocker did not start: {why}")
    await crew.clear(step)
    return None


async def control(crew: Crew, step: str, expect: int, *, mcpu: int = 0) -> None:
    """Plain pods of the same shape: waits until `expect` run and the others were told to wait."""
    box = crew.box
    await crew.room(step, "before")
    for pod in await crew.members(step.replace("_", "-"), step, mcpu=mcpu):
        sent = await box.create(pod, step=step, role="plain")
        if not sent.ok:
            box.unable(step, sent.code, f"a plain pod was refused: {sent.message}")
            break

    def decided() -> bool:
        pods = box.pods(step=step)
        up = [p for p in pods if running(p)]
        return len(up) >= expect and all(running(p) or told_to_wait(p) for p in pods)

    await box.until(decided, "control")
    await crew.clear(step)


async def create_gang(crew: Crew, step: str, pods: list[Manifest], *, name: str = "") -> tuple[list[Manifest], bool]:
    """Creates a gang of these pods. Returns what was stored, and whether its members belong to it."""
    name = name or step.replace("_", "-")
    return await send(crew, step, name, crew.mechanism.gang(await crew.fit(step), name, pods))


async def send(
    crew: Crew, step: str, name: str, manifests: list[Manifest], roles: dict[str, str] | None = None
) -> tuple[list[Manifest], bool]:
    """Creates these objects in order and reads the members back. `roles`: object name -> role, if not "member"."""
    box, stored, dropped, refused = crew.box, [], set(), ""
    for manifest in manifests:
        role = (roles or {}).get(manifest["metadata"]["name"], "member") if has_pods(manifest) else "group"
        sent = await box.create(manifest, step=step, role=role)
        if not sent.ok:
            refused = sent.message
            box.unable(step, sent.code, f"{manifest['kind']} {manifest['metadata']['name']}: {sent.message}")
            break
        stored.append({"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], **sent.object})
        if has_pods(manifest):
            dropped.add(crew.mechanism.dropped(stored[-1]))
    lacking = sorted(dropped - {""})
    body = {"name": name, "namespace": box.namespace, "objects": len(stored), "refused": refused}
    box.fact("created", body, step=step)
    box.fact("membership", {"dropped": lacking}, step=step)
    crew.dropped = bool(lacking)
    return stored, not refused and not lacking


async def _wait_in_vain(crew: Crew, step: str, *, mcpu: int) -> list[Manifest]:
    """The gang is one member short, for the whole window; or until some time after a member was bound."""
    box = crew.box
    await crew.room(step, "before")
    async with box.window(step, "the gang is short of room for one member: none of them may be bound or start"):
        objects, belongs = await create_gang(crew, step, await crew.members(step[:1], step, mcpu=mcpu))
        if belongs and await box.until(lambda: any(_placed(p) for p in crew_pods(crew, step)), _watched(crew, step)):
            await box.until(lambda: sum(running(p) for p in crew_pods(crew, step)) >= crew.size, "settle")
        note_placeholders(crew, step)
        _note_outsiders(crew, step)
        said = crew.mechanism.signs(step.replace("_", "-"), _followed(crew))
        if crew.scheduler:
            said += [s for p in crew_pods(crew, step) for s in _said_of(p, crew.scheduler)]
        box.fact("signs", {"signs": said}, step=step)
    await crew.room(step, "after", [*crew_pods(crew, step), *crew.stand_ins()])
    return objects


def _watched(crew: Crew, step: str) -> float:
    """Seconds for which the gang has to wait; fewer when it is short of cpu, more where gangs begin slowly."""
    whole = crew.box.seconds("window")
    asked = min(whole, crew.box.seconds("cpu_window")) if step == "cpu_short" else whole
    return max(asked, 1.5 * crew.took)


async def _comes(crew: Crew, step: str, members: str, whole: Callable[[], bool], deadline: str) -> bool:
    """Waits for a gang; counts from time to time what is free for it, since others may come and go meanwhile."""
    box, began, first = crew.box, crew.box.rec.elapsed(), list[float]()
    over = began + box.seconds(deadline)

    def here() -> bool:
        if not first and any(_placed(p) for p in crew_pods(crew, members)):
            first.append(box.rec.elapsed() - began)
        return whole()

    came = await box.until(here, min(_LOOK, over - began))
    while not came and box.rec.elapsed() < over:
        await crew.room(step, "meanwhile", [*crew_pods(crew, members), *crew.stand_ins()])
        came = await box.until(here, min(_LOOK, max(over - box.rec.elapsed(), 0.0)))
    if step == "together" and first:
        crew.took = first[0]
    return came


async def _release(crew: Crew, blocker: Manifest, objects: list[Manifest]) -> None:
    """The blocker goes: the gang must start as a whole. If it does not, plain pods show whether there was room."""
    box = crew.box
    async with box.window("release", "the room returns: the waiting gang starts as a whole"):
        await crew.clear("blocker", blocker)
        await crew.room("release", "before", [*crew_pods(crew, "short"), *crew.stand_ins()])
        await crew.fit("release")
        whole = await _comes(
            crew, "release", "short", lambda: sum(running(p) for p in crew_pods(crew, "short")) >= crew.size, "release"
        )
    note_placeholders(crew, "short")
    await crew.clear("short", *objects)
    await crew.room("release", "after")
    if not whole:
        await control(crew, "release_control", crew.size)


async def _policies(crew: Crew, step: str) -> None:
    """Network policies in the namespace: they explain members that cannot meet."""
    try:
        found = await crew.box.list("networking.k8s.io/v1", "networkpolicies")
    except Refused as refused:
        crew.box.note(f"network policies could not be read: {refused}", "policies")
        return
    crew.box.fact("policies", {"here": sorted(p["metadata"]["name"] for p in found)}, step=step)


def crew_pods(crew: Crew, step: str) -> list[Manifest]:
    """The members of a step as the watch shows them now, without placeholders."""
    return [p for p in crew.box.pods(step=step, role="member") if not crew.mechanism.stands_in(p)]


def note_placeholders(crew: Crew, step: str) -> None:
    """Records which pods only hold places."""
    uids = [p["metadata"]["uid"] for p in crew.box.pods(step=step) if crew.mechanism.stands_in(p)]
    if uids:
        crew.box.fact("placeholder", {"uids": uids}, step=step)


def _said_of(pod: Manifest, scheduler: str) -> list[str]:
    """What the scheduler that the pod names has written into it."""
    return [
        f"{scheduler} on {pod['metadata']['name']}: {c.get('reason', '')}: {c.get('message', '')}"
        for c in (pod.get("status") or {}).get("conditions") or []
        if c.get("type") == "PodScheduled" and c.get("status") == "False"
    ]


def _followed(crew: Crew) -> list[Manifest]:
    """The objects in which the mechanism tells what it does, as the watch shows them now."""
    watched = crew.mechanism.watched(crew.box.attempt.facts.get("detected", {}))
    return [o for api, plural in watched for o in crew.box.view(api, plural)]


def _note_unseen(crew: Crew, step: str) -> None:
    """Records what a gang that never started lacks, if the mechanism took no part in it."""
    lacking = crew.mechanism.unseen(step.replace("_", "-"), _followed(crew))
    if lacking:
        crew.box.fact("membership", {"dropped": [lacking]}, step=step)


def _note_outsiders(crew: Crew, step: str) -> None:
    """Records what members that a controller made lack to be in the gang, if they lack anything."""
    made = [{**p, "kind": "Pod"} for p in crew_pods(crew, step) if owned(p)]
    lacking = sorted({crew.mechanism.dropped(p) for p in made} - {""})
    if lacking:
        crew.box.fact("membership", {"dropped": lacking}, step=step)


def _started(crew: Crew, step: str) -> int:
    return sum(_is_up(p) for p in crew_pods(crew, step))


def _is_up(pod: Manifest) -> bool:
    states = [c.get("state") or {} for c in (pod.get("status") or {}).get("containerStatuses") or []]
    return any("running" in s or "terminated" in s for s in states)


def _placed(pod: Manifest) -> bool:
    return bool(pod["spec"].get("nodeName")) or _is_up(pod)


def _ended(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
