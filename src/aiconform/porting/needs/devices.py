"""Accelerators: as extended resources in containers, and as claims of device classes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from aiconform.inventory.accelerators import adapters
from aiconform.model import Accelerator, Status
from aiconform.porting import claims, offers, selectors
from aiconform.porting.answers import Answer, Change
from aiconform.porting.choice import Choice, Want, choose, want_class, want_resource
from aiconform.porting.grants import Claim, Grant, amounts, count, requests, selector_terms, together, users
from aiconform.porting.grants import claims as claims_of
from aiconform.porting.manifests import Object, listing, mapping
from aiconform.porting.needs import nodes
from aiconform.porting.needs.names import named
from aiconform.porting.needs.nodes import Place
from aiconform.porting.pods import Pod
from aiconform.porting.scene import Scene, kinds
from aiconform.porting.textedit import Op, Path

_BY_HAND = "it cannot be rewritten here by itself"


def read(scene: Scene) -> Iterator[Answer]:
    """Pod by pod, with the nodes that they need; then the claims' own objects."""
    left = Counter(c.object for pod in scene.pods for c in claims_of(scene, pod) if c.object is not None)
    for pod in scene.pods:
        yield from _pod(scene, pod, left)
    for owner in scene.objects:
        if owner.group == "resource.k8s.io" and owner.kind in ("ResourceClaim", "ResourceClaimTemplate"):
            for path, request in requests(owner):
                yield from _request(scene, owner, path, request, left)


def _pod(scene: Scene, pod: Pod, left: Counter[Object]) -> Iterator[Answer]:
    place = Place(scene=scene, pod=pod, grants=[], plain={})
    for resource, uses in amounts(pod).items():
        want = want_resource(scene, resource)
        if want is None:
            place.plain[resource] = together(uses)
        else:
            choice = choose(scene, want, claims=pod.claims)
            place.grants.append(Grant(want=want, choice=choice, uses=tuple(uses), units=together(uses)))
    for claim in claims_of(scene, pod):
        if claim.object is None:
            because = "what it asks for is not known, as it is not in the manifests"
            yield place.answer("claim", claim.why_not.removesuffix(" is not in the manifests"), Status.UNKNOWN, because)
    by_claim = [_claimed(scene, c) for c in claims_of(scene, pod)]
    place.grants += [g for g in by_claim if g is not None]
    yield from _plain(place)
    place.bad |= any(max(g.nodes.values(), default=0) < g.units for g in place.grants)
    # What the accelerators' edits are depends on labels that become selectors of a claim.
    rest = list(nodes.read(place))
    taken = {str(mapping(c).get("name")) for c in listing(pod.spec.get("resourceClaims"))}
    for grant in place.grants:
        if grant.claim is None:
            yield from _resource(place, grant, taken)
    yield from _to_resources(place, [g for g in place.grants if g.claim is not None], left)
    yield from rest


def _claimed(scene: Scene, claim: Claim) -> Grant | None:
    if claim.object is None or not claim.request.get("deviceClassName"):
        return None
    want = _want(scene, dict(claim.request))
    units = count(claim.request)
    return Grant(want=want, choice=choose(scene, want), uses=(), units=units, claim=claim)


def _want(scene: Scene, request: dict[str, object]) -> Want:
    """The want behind a request: its class, and the partition that its selectors name."""
    name = str(request["deviceClassName"])
    first = want_class(scene, name, "")
    keys = {a.part_attribute for a in adapters() if a.part_attribute and a.vendor == first.vendor}
    part = next((str(t.value) for t in selector_terms(request) if t.kind == "attribute" and t.name in keys), "")
    return want_class(scene, name, part)


def _resource(place: Place, grant: Grant, taken: set[str]) -> Iterator[Answer]:
    """An extended resource: there, or with its edits, or not; and whether one node has so many."""
    pod, choice = place.pod, grant.choice
    status, because = choice.status, choice.because
    changes: tuple[Change, ...] = ()
    most = max(grant.nodes.values(), default=0)
    if choice.accelerators and most < grant.units:
        status, because = place.absent(f"no node has more than {most} of {choice.name}")
    elif status is Status.RENAMED and choice.by_class and not pod.claims:
        status, because = (
            Status.UNKNOWN,
            f"claims of {choice.name} would do, but {pod.owner.kind} has no place for them",
        )
    elif status is Status.RENAMED and choice.by_class:
        changes = tuple(claims.to_claims(place.scene, pod, grant, taken))
        _note_who_counts(place)
    elif status is Status.RENAMED:
        changes = tuple(claims.rename(pod, grant))
    yield _answer(pod.owner, grant, f"{grant.units} x {grant.want.name}", status, because, changes)
    total, there = grant.units * pod.count, sum(grant.nodes.values())
    if choice.accelerators and status in (Status.THERE, Status.RENAMED) and there < total:
        status, because = Status.UNKNOWN, f"the nodes have {there} together: all {pod.count} pods at once need more"
        yield _answer(pod.owner, grant, f"{total} x {grant.want.name} at once", status, because, ())


def _answer(
    owner: Object, grant: Grant, name: str, status: Status, because: str, changes: tuple[Change, ...]
) -> Answer:
    choice = grant.choice
    there = (f"class {choice.name}" if choice.by_class else choice.name) if choice.accelerators else ""
    row = choice.requirement if status is Status.MISSING else ""
    return Answer(
        kind="accelerator", name=name, owner=owner, status=status, because=because, target=there, requirement=row,
        changes=changes,
    )  # fmt: skip


def _note_who_counts(place: Place) -> None:
    """Who counts the resource does not see the claims: queues, and operators that read the containers' limits."""
    owner = place.pod.owner
    if any("queue" in key for key in mapping(owner.metadata.get("labels"))):
        place.scene.note(f"{owner.label} goes through a queue: see that its quota counts claims, too")
    if said := kinds()["counts_limits"].get(owner.group):
        place.scene.note(f"{owner.label}: {said}")


def _plain(place: Place) -> Iterator[Answer]:
    """Extended resources of other devices: network cards and the like."""
    target, pod = place.scene.target, place.pod
    for resource, units in list(place.plain.items()):
        to = place.scene.maps.get(resource, resource)
        most = max((int(n.allocatable[to]) for n in target.advertising(to) if n.allocatable[to].isdigit()), default=0)
        said = f"no node has more than {most}" if most else f"no node has {to}"
        name = f"{units} x {resource}"
        if most < units:
            yield place.answer("resource", name, *place.absent(said))
        elif to == resource:
            yield place.answer("resource", name, Status.THERE, "")
        else:
            place.plain[to] = place.plain.pop(resource)
            paths = [p for c in pod.containers for p in claims.keys(pod, c, resource)]
            ops = [Op(action="rename", path=p, value=to) for p in paths]
            yield place.answer("resource", name, Status.RENAMED, "mapped by hand", *ops, there=to)


def _to_resources(place: Place, grants: list[Grant], left: Counter[Object]) -> Iterator[Answer]:
    """Claims whose class is there as an extended resource alone. `left`: how many pods use a claim's object still."""
    turning: list[Grant] = []
    for grant in grants:
        claim = grant.claim
        assert claim is not None and claim.object is not None
        most = max(grant.nodes.values(), default=0)
        name = f"{grant.units} x class {grant.want.name}"
        if grant.choice.accelerators and most < grant.units:
            status, because = place.absent(f"no node has more than {most} of {grant.choice.name}")
            yield _answer(place.pod.owner, grant, name, status, because, ())
        elif grant.choice.status is Status.RENAMED and not grant.choice.by_class:
            why = claims.why_no_resource(place.pod, claim) or _not_sayable(grant)
            if why:
                because = f"{grant.choice.name} would do, but {why}: {_BY_HAND}"
                yield _answer(place.pod.owner, grant, name, Status.UNKNOWN, because, ())
            else:
                turning.append(grant)
                left[claim.object] -= 1
        elif grant.choice.status is Status.THERE and users(place.pod, claim):
            yield _answer(place.pod.owner, grant, name, Status.THERE, grant.choice.because, ())
    changes = tuple(claims.to_resource(place.pod, turning))
    for n, grant in enumerate(turning):
        name = f"{grant.units} x class {grant.want.name}"
        own = (*changes, *_selected(place, grant)) if n == 0 else tuple(_selected(place, grant))
        yield _answer(place.pod.owner, grant, name, Status.RENAMED, grant.choice.because, own)


def _not_sayable(grant: Grant) -> str:
    """A selector that an amount of a resource cannot express, nor a label of nodes."""
    assert grant.claim is not None
    for term in selector_terms(dict(grant.claim.request)):
        if term.kind == "driver" or (term.kind == "attribute" and term.value == grant.want.part):
            continue
        if term.kind == "attribute" and isinstance(term.value, str) and _labelled(grant, term.value):
            continue
        # What every device of the resource has anyway needs no word.
        if grant.choice.accelerators and all(selectors.holds(term.text, a) for a in grant.choice.accelerators):
            continue
        return f"the selector {term.text} cannot be said with a resource"
    return ""


def _labelled(grant: Grant, model: str) -> bool:
    return any(offers.slug(a.model) == offers.slug(model) for a in grant.choice.accelerators if a.model)


def _selected(place: Place, grant: Grant) -> Iterator[Change]:
    """A product that the claim selected, as the label of the nodes that have it."""
    assert grant.claim is not None
    for term in selector_terms(dict(grant.claim.request)):
        if term.kind != "attribute" or not isinstance(term.value, str):
            continue
        for node in place.holders:
            for key, value in node.labels.items():
                if offers.label_of_model(key) and offers.slug(value) == offers.slug(term.value):
                    path: Path = (*place.pod.path, "nodeSelector", key)
                    yield Change(owner=place.pod.owner, op=Op(action="set", path=path, value=value))
                    return


def _request(
    scene: Scene, owner: Object, path: Path, request: dict[str, object], left: Counter[Object]
) -> Iterator[Answer]:
    """One request of a claim's object: its class, and each selector."""
    if not request.get("deviceClassName"):
        because = "a request with alternatives is left as it is: look at each of its device classes"
        yield _of(owner, "device class", "(one of several)", Status.UNKNOWN, because)
        return
    want = _want(scene, request)
    choice = choose(scene, want)
    where: Path = (*path, "deviceClassName")
    if scene.brings("DeviceClass", want.name) or (want.vendor == "unknown" and not choice.accelerators):
        yield _class_alone(scene, named(scene, "device class", want.name, owner, where))
        return
    answer = _of(owner, "device class", want.name, choice.status, choice.because)
    row = choice.requirement if choice.status is Status.MISSING else ""
    answer = replace(answer, requirement=row, target=choice.name)
    if choice.status is Status.RENAMED and choice.by_class:
        op = Op(action="set", path=where, value=choice.name)
        yield replace(answer, changes=(Change(owner=owner, op=op),))
    elif choice.status is Status.RENAMED:
        yield from _replaced(owner, answer, left)
        return
    else:
        yield answer
    for expression in selectors.of_request(dict(request)):
        if choice.accelerators:
            yield _selector(owner, expression, choice)


def _class_alone(scene: Scene, answer: Answer) -> Answer:
    """A class is not a device, and of devices that are no accelerators an inventory says little."""
    brought = scene.called("DeviceClass", answer.name)
    drivers = {t.value for o in brought for t in selector_terms(mapping(o.data.get("spec"))) if t.kind == "driver"}
    there = {a.driver for a in scene.target.inventory.accelerators if a.driver}
    if answer.status in (Status.MISSING, Status.UNKNOWN) or (drivers and drivers <= there):
        return answer
    because = f"{answer.because}; whether there is a device of it, the inventory does not tell".lstrip("; ")
    return replace(answer, status=Status.UNKNOWN, because=because)


def _replaced(owner: Object, answer: Answer, left: Counter[Object]) -> Iterator[Answer]:
    """The object goes when every pod that used it asks for the resource itself."""
    if owner not in left or left[owner] or owner.prefix:
        because = f"{answer.target} would do; {_BY_HAND if owner in left else 'no pod here uses this'}"
        yield replace(answer, status=Status.UNKNOWN, because=because)
        return
    yield replace(answer, because="the pods ask for the resource instead", changes=(Change(owner=owner, drop=True),))


def _selector(owner: Object, expression: str, choice: Choice) -> Answer:
    found = [selectors.holds(expression, a) for a in choice.accelerators]
    if True in found:
        return _of(owner, "device selector", expression, Status.THERE, "")
    if None in found:
        return _of(owner, "device selector", expression, Status.UNKNOWN, "the inventory does not tell")
    because = f"no device of {choice.name} meets it{_values(choice.accelerators, expression)}"
    return _of(owner, "device selector", expression, Status.MISSING, because)


def _values(accelerators: tuple[Accelerator, ...], expression: str) -> str:
    """What the target's devices have instead, for the attribute that differs."""
    for term in selectors.terms(expression):
        for a in accelerators:
            here = a.attributes.get(term.name, a.varying.get(term.name, a.capacity.get(term.name)))
            if term.kind in ("attribute", "capacity") and here is not None and not selectors.holds(term.text, a):
                return f": {term.name} is {', '.join(map(str, here)) if isinstance(here, tuple) else here}"
    return ""


def _of(owner: Object, kind: str, name: str, status: Status, because: str) -> Answer:
    return Answer(kind=kind, name=name, owner=owner, status=status, because=because)
