"""What every stage of the observation needs: the node, the shape of the gang, pods, and counting what is free."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiconform.checks.gang_scheduling import cpu
from aiconform.checks.gang_scheduling.via import GangMechanism, Manifest, Place, pod_templates
from aiconform.cluster import asking, units
from aiconform.cluster.labels import ROLE
from aiconform.cluster.sandbox import Sandbox
from aiconform.model import Accelerator

SCRIPTS = "scripts"
_FOLDER = Path(__file__).parent / "manifests"
# Seconds that a member stays after all have met, so that the watch surely shows it running beside the others.
STAY = 5
# Longer than any deadline: for members that are to run until they are deleted.
LONG = 36000
_LIGHT = 10
# The API allows this many devices in one claim (AllocationResultsMaxSize).
_MOST_IN_A_CLAIM = 32


@dataclass
class Crew:
    """One attempt's node, gang shape and helpers. `member_units[i]` accelerators for member i, `cpu` millicores."""

    box: Sandbox
    mechanism: GangMechanism
    accelerator: Accelerator | None
    node: dict[str, Any] = field(default_factory=dict)
    member_units: tuple[int, ...] = ()
    cpu: int = _LIGHT
    meeting: str = ""
    image: str = ""
    # Set once a scheduler of the mechanism's own has started a pod: then what is said of members is said by it.
    scheduler: str = ""
    templates: set[str] = field(default_factory=set)
    # Seconds from the creation of the first gang to its first member's place.
    took: float = 0.0
    # Whether members were last stored without what makes them members.
    dropped: bool = False

    @property
    def size(self) -> int:
        return len(self.member_units)

    @property
    def need(self) -> int:
        """Accelerators of the whole gang."""
        return sum(self.member_units)

    def place(self, free_units: int, free_cpu: int) -> Place:
        """Where a gang runs, for the adapter, with what is free for it."""
        a = self.accelerator
        return Place(
            run=self.box.run,
            namespace=self.box.namespace,
            node=self.node["name"],
            hostname=self.node["hostname"],
            taints=tuple(self.node["taints"]),
            resource=(a.resource or a.device_class) if a else "",
            units=free_units,
            cpu=free_cpu,
            detected=self.box.attempt.facts.get("detected", {}),
        )

    async def scripts(self) -> None:
        """The ConfigMap with the probes; recorded as unable (setup) if it is refused."""
        texts = {p.name: p.read_text(encoding="utf-8") for p in sorted(_FOLDER.glob("*.py"))}
        sent = await self.box.create(asking.script_map(SCRIPTS, texts), step="setup")
        if not sent.ok:
            self.box.unable("setup", sent.code, f"the scripts could not be stored: {sent.message}")

    async def pod(
        self, name: str, *, gang: str = "", size: int = 1, count: int = 0, mcpu: int = _LIGHT, stay: int = STAY
    ) -> Manifest:
        """A probe pod on the node, with `count` accelerators; without `gang` it is the meeting point."""
        script = "member.py" if gang else "meeting.py"
        args = ["$(POD_NAME)", gang, str(size), self.meeting, str(stay)] if gang else []
        ask = await self._ask(count)
        pod = asking.pod(
            name,
            self.image,
            script_configmap=SCRIPTS,
            script_key=script,
            args=args,
            node=self.node["hostname"],
            tolerations=asking.tolerations(self.node["taints"]),
            ask=ask,
            cpu=f"{mcpu}m",
            memory="32Mi",
        )
        own = {"POD_NAME": "metadata.name", "POD_IP": "status.podIP"}
        pod["spec"]["containers"][0]["env"] = [
            {"name": k, "valueFrom": {"fieldRef": {"fieldPath": v}}} for k, v in own.items()
        ]
        return pod

    async def _ask(self, count: int) -> asking.Ask:
        """How a pod asks for this many units; the claim templates that it takes are there afterwards."""
        if self.accelerator is None or not count:
            return asking.Ask()
        if self.accelerator.form != "dra":
            return asking.ask(self.accelerator, count, "")
        api, parts = await self.box.cluster.served("resource.k8s.io", "resourceclaims"), []
        for i, n in enumerate([*[_MOST_IN_A_CLAIM] * (count // _MOST_IN_A_CLAIM), count % _MOST_IN_A_CLAIM]):
            if n:
                one = asking.ask(self.accelerator, n, f"units-{n}", api=api)
                await self._templates(one.objects)
                # A name of its own: two claims of a pod may be made from one template.
                own = {"name": f"units-{i}"}
                claims = [own | {"resourceClaimTemplateName": f"units-{n}"}]
                parts.append(({"resourceClaims": claims}, {"resources": {"claims": [own]}}))
        return asking.Ask(
            pod=asking.merge({}, *(p for p, _ in parts)), container=asking.merge({}, *(c for _, c in parts))
        )

    async def _templates(self, objects: list[Manifest]) -> None:
        for template in objects:
            if template["metadata"]["name"] not in self.templates:
                self.templates.add(template["metadata"]["name"])
                sent = await self.box.create(template, step="setup")
                if not sent.ok:
                    self.box.unable("setup", sent.code, f"the claim template was refused: {sent.message}")

    @property
    def light(self) -> int:
        """Millicores of a member where cpu is not what is scarce; without accelerators it always is."""
        return _LIGHT if self.accelerator else self.cpu

    async def members(self, prefix: str, gang: str, *, mcpu: int = 0, stay: int = STAY) -> list[Manifest]:
        """The pods of a gang, not yet in it. `gang` is also the name under which they meet."""
        return [
            await self.pod(
                f"{prefix}-{i}",
                gang=gang,
                size=self.size,
                count=n,
                mcpu=mcpu or self.light,
                stay=stay if self.mechanism.ends else LONG,
            )
            for i, n in enumerate(self.member_units)
        ]

    async def count(self) -> tuple[int, int]:
        """Free accelerators and free millicores on the node, now."""
        name = self.node["name"]
        pods = await self.box.list("v1", "pods", "*", fields=f"spec.nodeName={name}")
        millicores = cpu.free(self.node["allocatable"].get("cpu", "0"), pods)
        free_units = await self.box.free_units(self.accelerator, name) if self.accelerator else 0
        return free_units, millicores

    async def fit(self, step: str) -> Place:
        """Where a gang runs now, after a quota (where there is one) was made equal to what is free."""
        place = self.place(*await self.count())
        for patch in self.mechanism.resize(place):
            sent = await self.box.patch(patch, patch, step=step)
            if not sent.ok:
                self.box.unable(step, sent.code, f"{patch['kind']} could not be changed: {sent.message}")
        return place

    def stand_ins(self) -> list[Manifest]:
        """Pods that only hold places, in the namespaces of this attempt."""
        return [p for p in self.box.view("v1", "pods") if self.mechanism.stands_in(p)]

    async def room(self, step: str, when: str, members: Iterable[Manifest] = ()) -> tuple[int, int]:
        """Records what is free, and what these pods hold of the rest. Returns what is free."""
        free_units, free_cpu = await self.count()
        holding = [p for p in members if cpu.holds(p)]
        held = {"units": sum(self._units_of(p) for p in holding), "cpu": sum(cpu.requested(p) for p in holding)}
        self.box.fact("room", {"when": when, "units": free_units, "cpu": free_cpu, "held": held}, step=step)
        return free_units, free_cpu

    def _units_of(self, pod: Manifest) -> int:
        if self.accelerator is None:
            return 0
        if self.accelerator.form == "dra":
            return sum(
                int(c["resourceClaimTemplateName"].removeprefix("units-"))
                for c in pod["spec"].get("resourceClaims") or []
                if c.get("resourceClaimTemplateName", "").startswith("units-")
            )
        return units.requested(pod, self.accelerator.resource)

    async def clear(self, step: str, *objects: Manifest) -> None:
        """Deletes what a stage made, and waits until pods and claims are gone and the units given back."""
        # Where a stage has no members, what holds places does so for a gang of another one, which still waits.
        of_gang = any(map(_is_member, (*objects, *self.box.pods(step=step))))

        def stand_ins() -> list[Manifest]:
            return self.stand_ins() if of_gang else []

        # Groups last: a mechanism may let members go that have lost their group.
        ordered = [o for o in objects if has_pods(o)]
        ordered += [_typed(p, "v1", "Pod") for p in (*self.box.pods(step=step), *stand_ins()) if not owned(p)]
        ended = self.mechanism.ends_with(self.place(0, 0), [*objects, *self.box.pods(step=step)])
        for obj in (*ordered, *ended):
            await self.box.delete(obj, step=step)
        # Not by uid: a controller may have made one more before it saw that its object had gone.
        await self.box.until(lambda: not self.box.pods(step=step) and not stand_ins(), "gone")
        for obj in objects:
            if not has_pods(obj):
                await self.box.delete(obj, step=step)
        if self.accelerator and self.accelerator.form != "device-plugin":
            await self._claims_gone()

    async def _claims_gone(self) -> None:
        """Waits for the claims of pods that are gone: until then their devices count as held."""
        api = await self.box.cluster.served("resource.k8s.io", "resourceclaims")
        if api:
            there = {p["metadata"]["uid"] for p in self.box.view("v1", "pods")}
            claims = [c for c in await self.box.list(api, "resourceclaims") if not _owners(c) & there]
            await self.box.gone([_typed(c, api, "ResourceClaim") for c in claims], "gone")


def _is_member(obj: Manifest) -> bool:
    return str((obj["metadata"].get("labels") or {}).get(ROLE, "")).startswith("member")


def _typed(obj: Manifest, api: str, kind: str) -> Manifest:
    """Items of a list have neither apiVersion nor kind."""
    return {**obj, "apiVersion": api, "kind": kind}


def _owners(obj: Manifest) -> set[str]:
    return {r["uid"] for r in obj["metadata"].get("ownerReferences") or []}


def owned(pod: Manifest) -> bool:
    """Whether a controller made it, which would make another one; it goes with its owner."""
    return any(r.get("controller") for r in pod["metadata"].get("ownerReferences") or [])


def running(pod: Manifest) -> bool:
    """Every container runs, or the pod has already succeeded."""
    status = pod.get("status") or {}
    states = [c.get("state") or {} for c in status.get("containerStatuses") or []]
    return status.get("phase") == "Succeeded" or (bool(states) and all("running" in s for s in states))


def told_to_wait(pod: Manifest) -> bool:
    """Somebody has said that this pod cannot be placed now, or it is held back by a gate."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return bool(pod["spec"].get("schedulingGates")) or any(
        c.get("type") == "PodScheduled" and c.get("status") == "False" for c in conditions
    )


def has_pods(manifest: Manifest) -> bool:
    """Whether creating this object creates pods."""
    return next(pod_templates(manifest), None) is not None
