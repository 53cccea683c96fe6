"""A small autoscaler of simulated machines that is sound, or wrong in chosen ways. Runs beside the lab.

Arguments: the accelerator's resource name, then modes of the list below. Prints "ready" when it looks for the first
time. Every machine has four units. It looks once a second, as autoscalers do.

sound         adds a machine for pods that wait and fit, removes it 4 s after it is idle
slow          the same, but a machine takes 6 s to come
reuses        the same, but its machines always have the same name; a spare one without units takes the freed name
never-removes adds, and forgets its machines
plain         adds machines without accelerators for pods that wait for accelerators
broken-driver its machines say that they have 0 units
greedy        adds a machine for every waiting pod, however much it asks for, and another one as long as it waits
forgetful     removes its machines 5 s after they came, used or not
"""

import asyncio
import itertools
import sys
import time
from typing import Any

from lightkube import ApiError, AsyncClient
from lightkube.generic_resource import create_global_resource, create_namespaced_resource

Node = create_global_resource("", "v1", "Node", "nodes")
Pod = create_namespaced_resource("", "v1", "Pod", "pods")
UNITS, IDLE, MOST = 4, 4.0, 12


def units(pod: Any, resource: str) -> int:
    return sum(int((c.get("resources", {}).get("requests") or {}).get(resource, 0)) for c in pod["spec"]["containers"])


def waits(pod: Any) -> bool:
    return any(
        c["type"] == "PodScheduled" and c["status"] == "False" and c.get("reason") == "Unschedulable"
        for c in (pod.get("status") or {}).get("conditions") or []
    )


class Toy:
    def __init__(self, resource: str, *modes: str) -> None:
        self.resource, self.modes = resource, set(modes)
        self.client = AsyncClient()
        self.came: dict[str, float] = {}
        self.used: dict[str, float] = {}
        self.coming: list[float] = []
        self.numbers = itertools.count(1)

    def machine(self, name: str, count: int | None) -> Any:
        amounts = {"cpu": "8", "memory": "32Gi", "pods": "32"}
        if count is not None:
            amounts[self.resource] = str(count)
        return Node(
            apiVersion="v1",
            kind="Node",
            metadata={
                "name": name,
                "annotations": {"kwok.x-k8s.io/node": "fake"},
                "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "toy": "machine"},
            },
            status={"capacity": amounts, "allocatable": dict(amounts)},
        )

    async def add(self) -> None:
        name = "machine" if "reuses" in self.modes else f"machine-{next(self.numbers)}"
        count = None if "plain" in self.modes else 0 if "broken-driver" in self.modes else UNITS
        await self.client.create(self.machine(name, count))
        self.came[name] = self.used[name] = time.monotonic()

    async def remove(self, name: str) -> None:
        await self.client.delete(Node, name, grace_period=0)
        self.came.pop(name)
        if "reuses" in self.modes:
            await self.client.create(self.machine(name, None))

    async def run(self) -> None:
        print("ready", flush=True)
        while True:
            try:
                await self.look([p async for p in self.client.list(Pod, namespace="*")])
            except ApiError as error:
                print(error, flush=True)
            await asyncio.sleep(1)

    async def look(self, pods: list[Any]) -> None:
        now = time.monotonic()
        mine = [p for p in pods if units(p, self.resource)]
        waiting = [p for p in mine if not p["spec"].get("nodeName") and waits(p)]
        if "greedy" not in self.modes:
            waiting = [p for p in waiting if units(p, self.resource) <= UNITS]
        for p in mine:
            if p["spec"].get("nodeName") in self.came:
                self.used[p["spec"]["nodeName"]] = now
        await self.shrink(now)
        # Pods that a machine is on its way for, or that the scheduler has not yet given to one, need no other.
        room = bool(self.coming) or any(now - t < 3 for t in self.came.values())
        if waiting and not room and len(self.came) + len(self.coming) < MOST:
            self.coming.append(now + (6 if "slow" in self.modes else 0))
        for at in [t for t in self.coming if t <= now]:
            self.coming.remove(at)
            await self.add()

    async def shrink(self, now: float) -> None:
        for name in list(self.came):
            over = now - self.came[name] > 5 if "forgetful" in self.modes else now - self.used[name] > IDLE
            if over and "never-removes" not in self.modes:
                await self.remove(name)


asyncio.run(Toy(*sys.argv[1:]).run())
