"""A scheduler for gang members that is wrong (or sound but slow) in chosen ways. Runs beside the lab.

A mutating policy gives every pod of a gang the scheduler name `pretender`, so kube-scheduler leaves them alone.
Arguments: any of the words below; one-by-one and evicts stand alone. Prints "ready" when it watches.

sound              binds a whole gang as soon as it fits
slow               the same, but looks again only 10 s after a gang did not fit
one-by-one         binds each member as soon as it alone fits: no gang scheduling at all
accelerators-only  asks whether the accelerators suffice for the gang, and forgets about cpu
forgets            looks at a gang once, says nothing, and never looks again
gives-up           the same, but says in the PodGroup's status that it does not fit
staggered          binds a gang that fits, one member every 3 s
evicts             binds what fits; after 2 s deletes it, makes it anew, and tries again
double-books       reserves nothing: two gangs that would each fit are both let in, member by member
closed-door        a gang that was whole once gets no replacement for a lost member
"""

import asyncio
import contextlib
import sys
import time
from collections import defaultdict
from collections.abc import Set
from typing import Any

import msgspec
from lightkube import ApiError, AsyncClient
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.core_v1 import ObjectReference
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Node, PodBinding

NAME = "pretender"
# As plain maps: the typed model of pods may be older than spec.schedulingGroup.
Pod = create_namespaced_resource("", "v1", "Pod", "pods")
PodGroup = create_namespaced_resource("scheduling.k8s.io", "v1beta1", "PodGroup", "podgroups")
# Of Kubernetes 1.37, 1.36 and 1.35.
KINDS = (
    PodGroup,
    create_namespaced_resource("scheduling.k8s.io", "v1alpha2", "PodGroup", "podgroups"),
    create_namespaced_resource("scheduling.k8s.io", "v1alpha1", "Workload", "workloads"),
)
_SUFFIX = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 1e3, "M": 1e6, "G": 1e9, "": 1.0}
Need = dict[str, float]
Group = tuple[str, str]


def number(quantity: str) -> float:
    digits = quantity.rstrip("KMGikm")
    return float(digits) * _SUFFIX[quantity[len(digits) :]]


def asks(pod: Any) -> Need:
    need: Need = defaultdict(float)
    for c in pod["spec"]["containers"]:
        for name, quantity in (c.get("resources", {}).get("requests") or {}).items():
            need[name] += number(str(quantity))
    return need


class Pretender:
    """Everything it knows comes from one watch of all pods; `look` is run after each event and each timer."""

    def __init__(self, how: Set[str]) -> None:
        self.how = how
        self.client = AsyncClient()
        self.pods: dict[str, Any] = {}
        self.room: dict[str, Need] = {}
        self.sizes: dict[Group, int] = {}
        self.refused: dict[Group, float] = {}
        self.let_in: set[Group] = set()
        self.was_whole: set[Group] = set()
        self.next_at: dict[Group, float] = {}
        self.busy = asyncio.Lock()
        self.timers: set[asyncio.Future[None]] = set()

    async def run(self) -> None:
        async for node in self.client.list(Node):
            self.room[node.metadata.name] = {k: number(str(v)) for k, v in node.status.allocatable.items()}
        listed = self.client.list(Pod, namespace="*")
        async for pod in listed:
            self.pods[pod.metadata.uid] = pod
        print("ready", flush=True)
        version = listed.resourceVersion
        async for event, pod in self.client.watch(Pod, namespace="*", resource_version=version):
            if event == "DELETED":
                self.pods.pop(pod.metadata.uid, None)
            else:
                self.pods[pod.metadata.uid] = pod
            await self.look()

    def later(self, seconds: float) -> None:
        async def again() -> None:
            await asyncio.sleep(seconds)
            await self.look()

        task = asyncio.ensure_future(again())
        self.timers.add(task)
        task.add_done_callback(self.timers.discard)

    def members(self) -> dict[Group, list[Any]]:
        found: dict[Group, list[Any]] = defaultdict(list)
        for pod in self.pods.values():
            if pod["spec"].get("schedulerName") == NAME and not ended(pod):
                found[pod.metadata.namespace, group_name(pod["spec"])].append(pod)
        return found

    def free(self, ignoring: Set[str] = frozenset()) -> dict[str, Need]:
        left = {name: dict(room) for name, room in self.room.items()}
        for uid, pod in self.pods.items():
            if bound(pod) and not ended(pod) and uid not in ignoring:
                take(left[bound(pod)], asks(pod))
        return left

    async def size(self, group: Group) -> int:
        if group not in self.sizes:
            self.sizes[group] = minimum((await self.find(group))["spec"])
        return self.sizes[group]

    async def find(self, group: Group) -> Any:
        """The object that says how large the gang is, in whatever version the cluster has it."""
        for kind in KINDS[:-1]:
            with contextlib.suppress(ApiError):
                return await self.client.get(kind, name=group[1], namespace=group[0])
        return await self.client.get(KINDS[-1], name=group[1], namespace=group[0])

    async def look(self) -> None:
        async with self.busy:
            for group, pods in self.members().items():
                waiting = [p for p in pods if not bound(p) and not p.metadata.deletionTimestamp]
                if waiting:
                    with contextlib.suppress(ApiError):
                        await self.one(group, pods, sorted(waiting, key=lambda p: str(p.metadata.name)))

    async def one(self, group: Group, pods: list[Any], waiting: list[Any]) -> None:
        if "one-by-one" in self.how:
            await self.bind_what_fits(waiting)
        elif "evicts" in self.how:
            await self.bind_and_evict(group, waiting)
        elif not ("closed-door" in self.how and group in self.was_whole):
            await self.as_a_whole(group, pods, waiting)
            if sum(bool(bound(p)) for p in pods) >= await self.size(group):
                self.was_whole.add(group)

    async def as_a_whole(self, group: Group, pods: list[Any], waiting: list[Any]) -> None:
        if group in self.let_in:
            await self.go_on(group, waiting)
            return
        if "double-books" not in self.how and len(pods) < await self.size(group):
            return
        if group in self.refused and self.how & {"forgets", "gives-up"}:
            return
        if "slow" in self.how and time.monotonic() < self.refused.get(group, 0) + 10:
            return
        if not await self.fits(group, waiting):
            await self.refuse(group)
        elif self.how & {"staggered", "double-books"}:
            self.let_in.add(group)
            await self.go_on(group, waiting)
        elif "accelerators-only" in self.how:
            await self.bind_what_fits(waiting)
        else:
            for pod in waiting:
                await self.bind(pod)

    async def fits(self, group: Group, waiting: list[Any]) -> bool:
        left, wanted = self.free(), waiting
        if "double-books" in self.how:
            left = self.free(ignoring=await self.parts_of_others(group))
            wanted = waiting[:1] * await self.size(group)
        for pod in wanted:
            need = asks(pod)
            if "accelerators-only" in self.how:
                need = {k: v for k, v in need.items() if "/" in k}
            if not take(left[home(pod)], need):
                return False
        return True

    async def parts_of_others(self, group: Group) -> set[str]:
        """What other gangs hold in part: it is taken for free, since they may not get the rest after all."""
        return {
            p.metadata.uid
            for other, pods in self.members().items()
            if other != group and sum(bool(bound(p)) for p in pods) < await self.size(other)
            for p in pods
        }

    async def refuse(self, group: Group) -> None:
        self.refused[group] = time.monotonic()
        if "slow" in self.how:
            self.later(10.1)
        if "gives-up" in self.how:
            await self.say(group, "it does not fit")

    async def go_on(self, group: Group, waiting: list[Any]) -> None:
        """Binds members of a gang that was let in."""
        if "staggered" not in self.how:
            await self.bind_what_fits(waiting)
        elif time.monotonic() >= self.next_at.get(group, 0):
            self.next_at[group] = time.monotonic() + 3
            await self.bind_what_fits(waiting[:1])
            self.later(3.1)

    async def bind_and_evict(self, group: Group, waiting: list[Any]) -> None:
        if time.monotonic() < self.next_at.get(group, 0) or len(self.members()[group]) < await self.size(group):
            return
        await self.bind_what_fits(waiting)
        left = [p for p in self.members()[group] if not bound(p)]
        if not left:
            return
        self.next_at[group] = time.monotonic() + 4
        self.later(4.1)
        await asyncio.sleep(2)
        for pod in [p for p in self.members()[group] if bound(p)]:
            await self.make_anew(pod)

    async def make_anew(self, pod: Any) -> None:
        name, namespace = pod.metadata.name, pod.metadata.namespace
        await self.client.delete(Pod, name=name, namespace=namespace, grace_period=0)
        spec = {k: v for k, v in pod["spec"].items() if k != "nodeName"}
        anew = Pod(metadata=ObjectMeta(name=name, namespace=namespace, labels=pod.metadata.labels), spec=spec)
        for _ in range(50):
            with contextlib.suppress(ApiError):
                await self.client.create(anew)
                return
            await asyncio.sleep(0.1)

    async def bind_what_fits(self, waiting: list[Any]) -> None:
        left = self.free()
        for pod in waiting:
            if take(left[home(pod)], asks(pod)):
                await self.bind(pod)

    async def bind(self, pod: Any) -> None:
        meta = ObjectMeta(name=pod.metadata.name, namespace=pod.metadata.namespace)
        target = ObjectReference(kind="Node", name=home(pod))
        # The server answers a binding with a Status, which the client cannot read as a binding.
        with contextlib.suppress(msgspec.ValidationError):
            await self.client.create(PodBinding(metadata=meta, target=target), name=pod.metadata.name)
        pod["spec"]["nodeName"] = home(pod)

    async def say(self, group: Group, message: str) -> None:
        condition = {
            "type": "PodGroupInitiallyScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastTransitionTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        status = {"status": {"conditions": [condition]}}
        await self.client.patch(PodGroup.Status, group[1], status, namespace=group[0])


def group_name(spec: dict[str, Any]) -> str:
    """The gang that a pod says it is in."""
    return str(spec["schedulingGroup"]["podGroupName"] if "schedulingGroup" in spec else spec["workloadRef"]["name"])


def minimum(spec: dict[str, Any]) -> int:
    """The least number of members that a PodGroup, or the one group of a Workload, asks for."""
    policy = spec["podGroups"][0]["policy"] if "podGroups" in spec else spec["schedulingPolicy"]
    return int(policy["gang"]["minCount"])


def home(pod: Any) -> str:
    """The node that the pod insists on; in the lab host name and node name are the same."""
    return str(pod["spec"]["nodeSelector"]["kubernetes.io/hostname"])


def bound(pod: Any) -> str:
    """Its node, or ""."""
    return str(pod["spec"].get("nodeName", ""))


def ended(pod: Any) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def take(left: Need, need: Need) -> bool:
    """Takes it away if all of it is there."""
    if any(left.get(k, 0) < v - 1e-9 for k, v in need.items()):
        return False
    for k, v in need.items():
        left[k] -= v
    return True


if __name__ == "__main__":
    asyncio.run(Pretender(set(sys.argv[1:])).run())
