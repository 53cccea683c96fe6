"""Does what check.py's page describes, and writes down what happened. Decides nothing."""

from typing import Any

from aiconform.checks.secure_accelerator_access.check import HINTING_HOLDER
from aiconform.checks.secure_accelerator_access.scene import BETWEEN, PORTS, Scene, ended, script, started
from aiconform.checks.secure_accelerator_access.via import Access
from aiconform.cluster.sandbox import PSA, Sandbox
from aiconform.model import Attempt

HOLDER = "holder"
FIFO = f"{BETWEEN}/numbers"


async def observe(attempt: Attempt, box: Sandbox, mechanism: Access) -> None:
    """The whole attempt, on the node and the accelerator that the plan chose."""
    scene = Scene.of(attempt, box, mechanism)
    with box.rec.in_step("choose"):
        await scene.choose()
    if not await _canary(scene) or not await _hold(scene):
        return
    if mechanism.borrowed(HOLDER) is None:
        await _beside(scene)
    else:
        await _beside_and_borrow(scene)
    if await _release(scene):
        await _reuse(scene)


async def _canary(scene: Scene) -> bool:
    """A plain pod in a namespace as ordinary as the platform allows; also makes both namespaces."""
    box, refused = scene.box, ""
    for level in ("baseline", "privileged"):
        if level == "privileged" and "PodSecurity" not in refused:
            break
        labels = {PSA: level}
        scene.own = await box.make_namespace(labels=labels)
        if not await _script(scene, scene.own):
            return False
        for scene.mknod in (True, False):
            pod = scene.pod("canary", [scene.container("canary")])
            sent = await box.create(pod, step="canary", namespace=scene.own)
            if sent.ok:
                if level == "privileged":
                    # Level baseline would hide what the platform does to every pod at admission.
                    box.fact("admission", {"refused": refused}, step="setup")
                return await _canary_answers(scene, labels)
            refused = sent.message
    box.unable("canary", sent.code, f"a plain pod was refused: {refused}")
    return False


async def _script(scene: Scene, namespace: str) -> bool:
    sent = await scene.box.create(script(), step="setup", namespace=namespace)
    if not sent.ok:
        scene.box.unable("setup", sent.code, f"the ConfigMap with the probe was refused: {sent.message}")
    return sent.ok


async def _canary_answers(scene: Scene, labels: dict[str, str]) -> bool:
    box = scene.box
    if not await box.until(lambda: ended(scene.now("canary")), "canary", "the plain pod that goes first"):
        because = f"a plain pod did not run on {scene.place['node']}: {box.why_not_running('canary')}"
        box.unable("canary", box.code_for("canary"), because)
        return False
    if not await scene.ask_probe("canary", "canary", step="canary"):
        box.unable("canary", "probe-failed", "the probe did not run in the plain pod: see the note beside this")
        return False
    scene.other = await box.make_namespace(labels=labels, hint="other")
    if not await _script(scene, scene.other):
        return False
    with box.rec.in_step("canary"):
        scene.free = await box.free_units(scene.accelerator, scene.place["node"])
    if scene.free < 1:
        because = f"no unit of {scene.accelerator.id} is free on {', '.join(p['node'] for p in scene.planned)}"
        box.unable("holder", "too-few-accelerators(0<1)", because)
    return scene.free >= 1


async def _hold(scene: Scene) -> bool:
    """The first holder, with a container beside it that asked for nothing."""
    ask = scene.access.first(scene.accelerator, HOLDER)
    containers = [
        scene.container("holder", ask=ask, port=PORTS[0], tell=FIFO),
        scene.container("neighbour", port=PORTS[1], hear=FIFO),
    ]
    if not await scene.create(scene.pod(HOLDER, containers, [ask]), [ask], step="holder", role="holder"):
        return False
    await scene.all_answered([HOLDER], "accelerator_pod", "a pod with one unit", staying=True)
    if scene.not_ready(HOLDER, "holder"):
        return False
    answers = await scene.ask_probe(HOLDER, "holder", "neighbour", step="holder")
    scene.numbers = _opened(answers[0]) if answers else []
    return True


def _opened(answer: dict[str, Any]) -> list[list[int]]:
    nodes = [n for n in answer["nodes"] if n["kind"] in ("device", "shared") and n["open"] == "ok"]
    return sorted([n["major"], n["minor"]] for n in nodes)


async def _beside_and_borrow(scene: Scene) -> None:
    """While the others do their part, a pod of the other namespace waits on the holder's claim."""
    box = scene.box
    await _admin(scene)
    borrowed = scene.access.borrowed(HOLDER)
    assert borrowed is not None
    pod = scene.pod("foreign", [scene.container("foreign", ask=borrowed)], [borrowed])
    if not await scene.create(pod, step="foreign", namespace=scene.other):
        await _beside(scene)
        return
    begun = box.rec.elapsed()
    async with box.window("foreign", "a pod that names another namespace's claim must not start"):
        await _beside(scene)
        left = max(box.seconds("pending_window") - (box.rec.elapsed() - begun), 0.0)
        await box.until(lambda: started(scene.now("foreign")), left, "a claim of another namespace must not be usable")
    if started(scene.now("foreign")):
        await box.until(lambda: ended(scene.now("foreign")), "plain_pod", "what the other namespace's pod got")
        await scene.ask_probe("foreign", "foreign", step="foreign", namespace=scene.other)


async def _admin(scene: Scene) -> None:
    """The same claim with and without admin access, in a namespace that is not labelled for it."""
    pair = scene.access.admin(scene.accelerator, "admin")
    for claim in pair or ():
        await scene.box.create(claim, step="admin", namespace=scene.own)


async def _beside(scene: Scene) -> None:
    """Everything that happens on the node while the first holder has its unit."""
    staying = [n for n in (await _plain(scene), await _second(scene)) if n]
    hinting = await _hints(scene)
    await scene.all_answered(staying, "accelerator_pod", "pods beside the holder", staying=True)
    if "plain" in staying and not scene.not_ready("plain", "plain"):
        await scene.ask_probe("plain", "plain", step="plain")
    if "second" in staying and not scene.not_ready("second", "second"):
        names = ["second", "third"] if scene.free >= 3 else ["second"]
        await scene.ask_probe("second", *names, step="second")
    await scene.all_answered(hinting, "plain_pod", "pods that ask the runtime", staying=False)
    for name in hinting:
        if started(scene.now(name)):
            await scene.ask_probe(name, "hint", step="hint")


async def _plain(scene: Scene) -> str:
    pod = scene.pod("plain", [scene.container("plain", port=PORTS[0])])
    return "plain" if await scene.create(pod, step="plain", role="plain") else ""


async def _second(scene: Scene) -> str:
    """Another holder; with enough units, one with two containers that hold one unit each."""
    if scene.free < 2:
        because = f"one unit of {scene.accelerator.id} was free on the node"
        scene.box.unable("second", "too-few-accelerators(1<2)", because)
        return ""
    names = ["second", "third"] if scene.free >= 3 else ["second"]
    asks = [scene.access.fresh(scene.accelerator, n) for n in names]
    containers = [scene.container(n, ask=a, port=p) for n, a, p in zip(names, asks, PORTS, strict=False)]
    made = await scene.create(scene.pod("second", containers, asks), asks, step="second", role="second")
    return "second" if made else ""


async def _hints(scene: Scene) -> list[str]:
    """Pods that ask the runtime by the vendor's variable, with the default runtime and each RuntimeClass."""
    hints = scene.accelerator.hints
    if hints is None or not hints.hint_env:
        return []
    names = []
    for i, runtime in enumerate(["", *scene.attempt.facts["runtime_classes"]]):
        spec = {"runtimeClassName": runtime} if runtime else {}
        role = f"class-{runtime}"[:63].rstrip(".-") if runtime else "default"
        pod = scene.pod(f"hint-{i}", [scene.container("hint", env=dict(hints.hint_env))], **spec)
        sent = await scene.box.create(pod, step="hint", role=role, namespace=scene.own)
        if sent.ok:
            names.append(f"hint-{i}")
        elif not runtime:
            scene.box.unable("hint", sent.code, sent.message)
    if scene.free >= HINTING_HOLDER:
        names += await _hinting_holder(scene, dict(hints.hint_env))
    return names


async def _hinting_holder(scene: Scene, env: dict[str, str]) -> list[str]:
    """A holder of one unit that asks the runtime for more; the kubelet lets a pod's own variables win."""
    ask = scene.access.fresh(scene.accelerator, "hint-holder")
    pod = scene.pod("hint-holder", [scene.container("hint", ask=ask, env=env)], [ask])
    for manifest in (*ask.objects, pod):
        sent = await scene.box.create(manifest, step="hint", role="holder", namespace=scene.own)
        if not sent.ok:
            return []
        scene.made[f"{manifest['kind']}/{manifest['metadata']['name']}"] = sent.object
    return ["hint-holder"]


async def _release(scene: Scene) -> bool:
    """Deletes the holders, and a pod that held nothing with them."""
    box = scene.box
    with box.rec.in_step("release"):
        # hint-holder has ended; Kubernetes 1.34 keeps what an extended resource gave it until the pod is deleted.
        wanted = ("Pod/foreign", "Pod/second", "Pod/holder", "Pod/hint-holder", "Pod/plain", "ResourceClaim/holder")
        there = [scene.made[k] for k in wanted if k in scene.made]
        for obj in there:
            await box.delete(obj, step="release")
        gone = await box.gone([o for o in there if o["kind"] == "Pod"], "deletion")
        box.fact("release", {"waited_out": not gone})
        if not gone:
            box.unable("release", "deadline", "pods that were deleted are still there")
    return gone


async def _reuse(scene: Scene) -> None:
    """As many holders of one unit as there were free units before, from the other namespace, at one time."""
    box = scene.box
    count = min(scene.free, scene.attempt.facts["most_units"])
    names = []
    for i in range(count):
        ask = scene.access.fresh(scene.accelerator, f"reuse-{i}")
        pod = scene.pod(f"reuse-{i}", [scene.container("reuse", ask=ask, port=PORTS[0])], [ask])
        if not await scene.create(pod, [ask], step="reuse", role="reuse", namespace=scene.other):
            return
        names.append(f"reuse-{i}")
    await scene.all_answered(names, "accelerator_pod", "the next holders of the released units", staying=True)
    running = [n for n in names if started(scene.now(n))]
    for name in running:
        await scene.ask_probe(name, "reuse", step="reuse", namespace=scene.other)
    with box.rec.in_step("reuse"):
        bound = [n for n in names if scene.now(n).get("spec", {}).get("nodeName")]
        free = await box.free_units(scene.accelerator, scene.place["node"])
        box.fact("reuse", {"asked": count, "ran": len(running), "bound": len(bound), "free": free})
