"""An operator for the kind Toy (spec: replicas, image, command, nodeSelector) that is wrong in chosen ways.

Runs beside the lab. Arguments: any of the words below. Prints "ready" when it watches.

hook            serve the webhook `toys`, which denies negative replicas; failurePolicy Fail
allows-all      ... and allows them
denies-all      ... and denies everything
status-only     makes nothing, and says that all is ready
no-owner        makes pods without an owner
litters         makes one more pod, without an owner, when those of a Toy run
no-repair       makes pods once, and never again
no-update       never looks at a changed spec
keeps           puts a finalizer into each Toy, and never takes it away
liar            says that it is ready as soon as there are pods, running or not
mute            never says anything
never-finished  says that it is ready, but not that it is finished
stale           writes the generation of the first spec for ever
slow            does everything five seconds late
"""

import asyncio
import sys

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta, OwnerReference
from lightkube.resources.core_v1 import Pod
from lightkube.types import PatchType

from aiconform.lab import hook

HOW = set(sys.argv[1:])
GROUP = "toys.aiconform.dev"
Toy = create_namespaced_resource(GROUP, "v1", "Toy", "toys")


class Operator:
    """Level-triggered: after each event it looks at everything."""

    def __init__(self):
        self.client = AsyncClient()
        self.toys, self.pods, self.done, self.first = {}, {}, {}, {}
        self.changed = asyncio.Event()

    async def run(self):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.follow(Toy, self.toys))
            tasks.create_task(self.follow(Pod, self.pods))
            print("ready", flush=True)
            while True:
                await self.changed.wait()
                self.changed.clear()
                if "slow" in HOW:
                    await asyncio.sleep(5)
                for toy in list(self.toys.values()):
                    try:
                        await self.look(toy)
                    except ApiError as error:
                        print(error, flush=True)

    async def follow(self, kind, view):
        while True:
            # A kind that was just made known may answer 429 for a second.
            try:
                async for event, obj in self.client.watch(kind, namespace="*"):
                    if event == "DELETED":
                        view.pop(obj.metadata.uid, None)
                    else:
                        view[obj.metadata.uid] = obj
                    self.changed.set()
            except (ApiError, httpx2.HTTPError) as error:
                print(error, flush=True)
            await asyncio.sleep(0.5)

    async def look(self, toy):
        if toy.metadata.deletionTimestamp:
            return
        if "keeps" in HOW and not toy.metadata.finalizers:
            await self.patch(toy, {"metadata": {"finalizers": [f"{GROUP}/keep"]}})
        mine = [p for p in self.pods.values() if (p.metadata.labels or {}).get(GROUP) == toy.metadata.uid]
        if "status-only" not in HOW:
            await self.pods_of(toy, mine)
        if "mute" not in HOW:
            await self.say(toy, mine)

    async def pods_of(self, toy, mine):
        uid, spec = toy.metadata.uid, toy["spec"]
        wanted = self.first.setdefault(uid, spec["replicas"]) if "no-update" in HOW else spec["replicas"]
        there, done = {p.metadata.name for p in mine}, self.done.setdefault(uid, set())
        for i in range(wanted):
            name = f"{toy.metadata.name}-{i}"
            if name in there or ("no-repair" in HOW and name in done):
                continue
            done.add(name)
            await self.client.create(self.pod(toy, name))
        litter = f"{toy.metadata.name}-litter"
        if "litters" in HOW and 0 < wanted <= running(mine) and litter not in done:
            done.add(litter)
            await self.client.create(self.pod(toy, litter, litter=True))

    def pod(self, toy, name, litter=False):
        owner = OwnerReference(
            apiVersion=f"{GROUP}/v1", kind="Toy", name=toy.metadata.name, uid=toy.metadata.uid, controller=True
        )
        meta = ObjectMeta(
            name=name,
            namespace=toy.metadata.namespace,
            labels={} if litter else {GROUP: toy.metadata.uid},
            ownerReferences=[] if litter or "no-owner" in HOW else [owner],
        )
        spec = {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "nodeSelector": toy["spec"].get("nodeSelector") or {},
            "containers": [
                {
                    "name": "main",
                    "image": toy["spec"]["image"],
                    "command": toy["spec"]["command"],
                    "imagePullPolicy": "IfNotPresent",
                }
            ],
        }
        return Pod.from_dict({"metadata": meta.to_dict(), "spec": spec})

    async def say(self, toy, mine):
        wanted = toy["spec"]["replicas"]
        ended = sum(p.status.phase == "Succeeded" for p in mine)
        ready = running(mine) >= wanted or "status-only" in HOW or ("liar" in HOW and len(mine) >= wanted)
        finished = ended >= wanted and "never-finished" not in HOW
        conditions = [
            {"type": "Ready", "status": str(ready)},
            {"type": "Finished", "status": str(finished)},
        ]
        seen = 0 if "stale" in HOW else toy.metadata.generation
        status = {"observedGeneration": seen, "conditions": conditions}
        if toy.get("status") != status:
            await self.client.patch(
                Toy.Status, toy.metadata.name, {"status": status}, namespace=toy.metadata.namespace,
                patch_type=PatchType.MERGE,
            )  # fmt: skip

    async def patch(self, toy, body):
        await self.client.patch(
            Toy, toy.metadata.name, body, namespace=toy.metadata.namespace, patch_type=PatchType.MERGE
        )


def running(pods):
    return sum(p.status.phase == "Running" for p in pods)


def decide(request):
    """The webhook's answer: why it refuses, or ""."""
    wrong = request["object"]["spec"].get("replicas", 0) < 0
    refused = "denies-all" in HOW or (wrong and "allows-all" not in HOW)
    return "replicas must not be negative" if refused else ""


async def main():
    if "hook" in HOW:
        hook.serve("toys", decide)
    await Operator().run()


asyncio.run(main())
