"""The nodes that a pod can go to: its labels, its tolerations, and one node that has everything at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from aiconform.model import Accelerator, Node, Status
from aiconform.porting import labels, offers
from aiconform.porting.answers import Answer, Change
from aiconform.porting.grants import Grant
from aiconform.porting.labels import Demand
from aiconform.porting.manifests import listing, mapping
from aiconform.porting.pods import Pod
from aiconform.porting.quantity import quantity, written
from aiconform.porting.scene import Scene, each, kinds
from aiconform.porting.selectors import equals
from aiconform.porting.textedit import Op

_HOSTNAMES = ("kubernetes.io/hostname", "metadata.name")
_COUNTED = ("cpu", "memory", "ephemeral-storage", "hugepages-")


@dataclass(kw_only=True)
class Place:
    """One pod on its way to the target. `demands` and `tolerations` are as they will be after the edits so far."""

    scene: Scene
    pod: Pod
    grants: list[Grant]
    plain: dict[str, int]
    demands: list[Demand] = field(default_factory=list)
    alternatives: list[list[Demand]] = field(default_factory=list)
    tolerations: list[object] = field(default_factory=list)
    bad: bool = False

    @cached_property
    def holders(self) -> list[Node]:
        """Nodes that have every accelerator of the pod, whatever else. To be asked for once all grants are known."""
        chosen = [g.nodes for g in self.grants if g.choice.accelerators]
        return [n for n in self.scene.target.nodes if all(c.get(n.name) for c in chosen)]

    def answer(self, kind: str, name: str, status: Status, because: str, *ops: Op, there: str = "") -> Answer:
        self.bad |= status in (Status.MISSING, Status.UNKNOWN)
        changes = tuple(Change(owner=self.pod.owner, op=op) for op in ops)
        return Answer(
            kind=kind, name=name, owner=self.pod.owner, status=status, because=because, target=there, changes=changes
        )

    def absent(self, because: str) -> tuple[Status, str]:
        """What it means that no node has something."""
        target = self.scene.target
        if target.nodes_unread:
            return Status.UNKNOWN, target.nodes_unread
        if target.makes_nodes:
            return Status.UNKNOWN, f"{because}; {target.makes_nodes} may make one"
        return Status.MISSING, because


def read(place: Place) -> Iterator[Answer]:
    """Labels first: they may become part of a claim."""
    place.tolerations = listing(place.pod.spec.get("tolerations"))
    if place.pod.spec.get("nodeName"):
        yield _pinned(place, str(place.pod.spec["nodeName"]))
    yield from _labels(place)
    yield from _topology(place)
    yield from _taints(place)
    yield from _architecture(place)
    yield from _all_at_once(place)


def _pinned(place: Place, name: str) -> Answer:
    if any(n.name == name for n in place.holders):
        return place.answer("node", name, Status.THERE, "")
    return place.answer("node", name, *place.absent("it names one node of another cluster: leave nodeName out"))


def _labels(place: Place) -> Iterator[Answer]:
    terms = labels.terms(place.pod)
    single = terms[0] if len(terms) == 1 else []
    # From the last to the first, so that the positions of those before stay right when one goes.
    for demand in [*labels.selector(place.pod), *reversed(single)]:
        if any(demand.holds(labels.labels_of(n)) for n in place.holders):
            place.demands.append(demand)
            yield place.answer("node label", demand.text, Status.THERE, "")
        else:
            yield _other_label(place, demand)
    if len(terms) > 1:
        place.alternatives = terms
        fits = any(labels.accepts(n, (), terms) for n in place.holders)
        status, because = (Status.THERE, "") if fits else place.absent("no node meets any of its terms")
        yield place.answer("node affinity", f"one of {len(terms)} terms", status, because)


def _other_label(place: Place, demand: Demand) -> Answer:
    """A label that no fitting node has: renamed, part of the claim, needless, or missing."""
    for attempt in (_by_hand, _newer_name, _model, _presence):
        found = attempt(place, demand)
        if found is not None:
            return found
    elsewhere = any(demand.holds(labels.labels_of(n)) for n in place.scene.target.nodes)
    because = "no node has it"
    if demand.key in _HOSTNAMES:
        because = "it names one node of another cluster: leave it out"
    elif elsewhere:
        because = "only nodes without the accelerator have it"
    return place.answer("node label", demand.text, *place.absent(because))


def _by_hand(place: Place, demand: Demand) -> Answer | None:
    """--map KEY:VALUE=KEY:VALUE."""
    to = place.scene.maps.get(f"{demand.key}:{demand.values[0] if demand.values else ''}")
    if not to or demand.operator != "In":
        return None
    key, _, value = to.partition(":")
    return _replaced(place, demand, key, (value,), "mapped by hand")


def _newer_name(place: Place, demand: Demand) -> Answer | None:
    key = kinds()["renamed_labels"].get(demand.key)
    return _replaced(place, demand, key, demand.values, "the newer name of the same label") if key else None


def _replaced(place: Place, demand: Demand, key: str, values: tuple[str, ...], because: str) -> Answer | None:
    """The same demand with another key or values, if a fitting node meets it."""
    new = Demand(key=key, operator=demand.operator, values=values, path=demand.path, simple=demand.simple)
    if not any(new.holds(labels.labels_of(n)) for n in place.holders):
        return None
    place.demands.append(new)
    ops: list[Op] = []
    if demand.simple:
        ops += [Op(action="rename", path=demand.path, value=key)] if key != demand.key else []
        path = (*demand.path[:-1], key)
        ops += [Op(action="set", path=path, value=values[0])] if values != demand.values else []
    else:
        ops += [Op(action="set", path=(*demand.path, "key"), value=key)] if key != demand.key else []
        ops += [Op(action="set", path=(*demand.path, "values"), value=[*values])] if values != demand.values else []
    return place.answer("node label", demand.text, Status.RENAMED, because, *ops, there=new.text)


def _model(place: Place, demand: Demand) -> Answer | None:
    """A product's name: written in another label, or as an attribute that the claim then asks for."""
    if not offers.label_of_model(demand.key) or demand.operator != "In":
        return None
    wanted = {offers.slug(v) for v in demand.values}
    for grant in place.grants:
        if grant.choice.by_class and grant.claim is None:
            cel = next((c for a in grant.choice.accelerators for c in [_attribute(a, wanted)] if c), "")
            if cel:
                grant.cel.append(cel)
                gone = Op(action="delete", path=demand.path)
                because = "the claim asks for the model instead"
                return place.answer("node label", demand.text, Status.RENAMED, because, gone, there=cel)
    for node in place.holders:
        for key, value in node.labels.items():
            if offers.label_of_model(key) and offers.slug(value) in wanted:
                return _replaced(place, demand, key, (value,), "the same model under another label")
    return None


def _attribute(a: Accelerator, wanted: set[str]) -> str:
    """A selector for the attribute whose value is one of these product names."""
    for name, value in a.attributes.items():
        if isinstance(value, str) and offers.slug(value) in wanted:
            return equals(a, name, value)
    for name, values in a.varying.items():
        if value := next((v for v in values if isinstance(v, str) and offers.slug(v) in wanted), None):
            return equals(a, name, value)
    return ""


def _presence(place: Place, demand: Demand) -> Answer | None:
    """A label that only says that there is a device: who asks for the device needs it no more."""
    if not offers.label_of_presence(demand.key) or not any(g.choice.accelerators for g in place.grants):
        return None
    if demand.operator == "Exists" or demand.values == ("true",):
        gone = Op(action="delete", path=demand.path)
        because = "asking for the accelerator chooses such nodes by itself"
        return place.answer("node label", demand.text, Status.RENAMED, because, gone, there="(left out)")
    return None


def _topology(place: Place) -> Iterator[Answer]:
    """Labels whose values only have to differ or to be the same: their keys must be on the nodes."""
    spec, keys = place.pod.spec, []
    for _, spread in each(spec, "topologySpreadConstraints.*"):
        if mapping(spread).get("whenUnsatisfiable") != "ScheduleAnyway":
            keys.append(mapping(spread).get("topologyKey"))
    for kind in ("podAffinity", "podAntiAffinity"):
        where = f"affinity.{kind}.requiredDuringSchedulingIgnoredDuringExecution.*.topologyKey"
        keys += [key for _, key in each(spec, where)]
    annotations = {**mapping(place.pod.owner.metadata.get("annotations")), **mapping(place.pod.meta.get("annotations"))}
    keys += [annotations[k] for k in kinds()["topology_marks"] if annotations.get(k)]
    for key in dict.fromkeys(str(k) for k in keys if k):
        if any(key in n.labels for n in place.holders):
            yield place.answer("topology", key, Status.THERE, "")
        else:
            yield place.answer("topology", key, *place.absent("no node has this label"))


def _taints(place: Place) -> Iterator[Answer]:
    """Whether some node that fits otherwise takes the pod; if not, which tolerations it lacks."""
    fitting = [n for n in place.holders if labels.accepts(n, place.demands, place.alternatives)]
    lacks = [[t for t in offers.taints(n) if not labels.tolerated(t, place.tolerations)] for n in fitting]
    if not fitting or not all(lacks):
        return
    fewest = min(lacks, key=len)
    dedicated = _was_dedicated(place)
    for taint in fewest:
        text = f"{taint['key']}={taint.get('value', '')}:{taint['effect']}"
        if _by_vendor(place, str(taint["key"])) or dedicated:
            new = labels.toleration(taint)
            place.tolerations = [*place.tolerations, new]
            op = Op(action="append", path=(*place.pod.path, "tolerations"), value=new)
            because = "nodes with the accelerator are set apart by it"
            yield place.answer("toleration", text, Status.RENAMED, because, op, there=text)
        elif _untolerated_before(place, taint):
            because = (
                "as at the source, where something must have added the toleration: whether it does here is not known"
            )
            yield place.answer("toleration", text, Status.UNKNOWN, because)
        else:
            because = "every node that fits has this taint: tolerate it, if the workload may use such nodes"
            yield place.answer("toleration", text, Status.MISSING, because)


def _before(place: Place) -> list[Node]:
    """The source's nodes with the accelerators that the pod asked for there."""
    source = place.scene.source
    names = {name for g in place.grants for a in g.want.olds for name in a.nodes}
    return [n for n in source.nodes if n.name in names] if source else []


def _untolerated_before(place: Place, taint: Mapping[str, Any]) -> bool:
    """Whether the source's nodes all have the same taint, and the pod runs there without tolerating it."""
    same = [any((t["key"], t["effect"]) == (taint["key"], taint["effect"]) for t in n.taints) for n in _before(place)]
    return bool(same) and all(same)


def _by_vendor(place: Place, key: str) -> bool:
    return offers.adapter_of_resource(key) is not None or any(key == g.choice.name for g in place.grants)


def _was_dedicated(place: Place) -> bool:
    """Whether the source's nodes with these accelerators were all set apart, and the pod tolerated that."""
    nodes = _before(place)
    own = listing(place.pod.spec.get("tolerations"))
    return bool(nodes) and all(
        offers.taints(n) and all(labels.tolerated(t, own) for t in offers.taints(n)) for n in nodes
    )


def _architecture(place: Place) -> Iterator[Answer]:
    """Images run where they ran; on another architecture that is not known."""
    source = place.scene.source
    if source is None or any(d.key == "kubernetes.io/arch" for d in place.demands) or not place.pod.containers:
        return
    before = {n.architecture for n in _before(place) or source.nodes if n.architecture}
    fitting = [n for n in place.holders if labels.accepts(n, place.demands, place.alternatives)]
    after = {n.architecture for n in fitting if n.architecture}
    if not before or not after:
        return
    if not after <= before and not before <= after:
        because = f"the nodes are {', '.join(sorted(after))}: whether its images are made for that is not known"
        yield place.answer("architecture", ", ".join(sorted(before)), Status.UNKNOWN, because)
    elif after > before:
        because = f"some nodes are {', '.join(sorted(after - before))}: select by kubernetes.io/arch"
        yield place.answer("architecture", ", ".join(sorted(before)), Status.UNKNOWN, because)
    else:
        yield place.answer("architecture", ", ".join(sorted(after)), Status.THERE, "")


def _all_at_once(place: Place) -> Iterator[Answer]:
    """One node that has everything, if everything is there by itself."""
    if place.bad or place.scene.target.nodes_unread or not place.pod.containers:
        return
    amounts = _amounts(place.pod)
    units = [f"{g.units} x {g.choice.name}" for g in place.grants]
    said = ", ".join(
        units + [f"{v} {k}" for k, v in place.plain.items()] + [f"{k} {written(v)}" for k, v in amounts.items()]
    )
    takes = [n for n in place.scene.target.nodes if _takes(place, n, amounts)]
    if takes and not any(n.ready and not n.unschedulable for n in takes):
        because = f"only {', '.join(n.name for n in takes[:3])}, not Ready or closed for new pods just now"
        yield place.answer("node", f"with {said}" if said else "that it selects", Status.UNKNOWN, because)
    elif takes and (units or place.plain):
        more = f" and {len(takes) - 1} more" if len(takes) > 1 else ""
        yield place.answer("node", f"with {said}", Status.THERE, f"{takes[0].name}{more}")
    elif not takes and (said or place.demands):
        status, because = place.absent("no node has all of it at once, with these labels and taints")
        yield place.answer("node", f"with {said}" if said else "that it selects", status, because)


def _takes(place: Place, node: Node, amounts: dict[str, Decimal]) -> bool:
    if not labels.accepts(node, place.demands, place.alternatives):
        return False
    if any(not labels.tolerated(t, place.tolerations) for t in offers.taints(node)):
        return False
    if any(g.nodes.get(node.name, 0) < g.units for g in place.grants):
        return False
    wanted = {**amounts, **{k: Decimal(v) for k, v in place.plain.items()}}
    return all((quantity(node.allocatable.get(k, "0")) or 0) >= v for k, v in wanted.items())


def _amounts(pod: Pod) -> dict[str, Decimal]:
    """cpu, memory and the like that the scheduler counts: containers together, or the largest init container."""
    main: dict[str, Decimal] = {}
    first: dict[str, Decimal] = {}
    for c in pod.containers:
        for name, value in pod.asks(c).items():
            amount = quantity(value)
            if name.startswith(_COUNTED) and amount:
                into = first if c.first else main
                into[name] = max(into.get(name, Decimal(0)), amount) if c.first else into.get(name, 0) + amount
    names = dict.fromkeys([*main, *first])
    return {k: max(main.get(k, Decimal(0)), first.get(k, Decimal(0))) for k in names}
