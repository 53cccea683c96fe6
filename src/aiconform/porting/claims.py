"""The edits that turn an extended resource into a claim, a claim into a resource, or one name into another."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from aiconform.porting import offers
from aiconform.porting.answers import Change
from aiconform.porting.grants import Claim, Grant, users
from aiconform.porting.manifests import Object, mapping
from aiconform.porting.pods import Container, Pod
from aiconform.porting.scene import Scene
from aiconform.porting.selectors import equals
from aiconform.porting.textedit import Op, Path

_REQUEST = "accelerator"


def rename(pod: Pod, grant: Grant) -> Iterator[Change]:
    """Another extended resource in the same places."""
    for container, _ in grant.uses:
        for path in keys(pod, container, grant.want.name):
            yield Change(owner=pod.owner, op=Op(action="rename", path=path, value=grant.choice.name))


def to_claims(scene: Scene, pod: Pod, grant: Grant, taken: set[str]) -> Iterator[Change]:
    """A claim of its own for each container, from a template that is made for the workload.

    An init container that has ended leaves its devices to the others: it shares a claim of the same size. `taken`:
    names of the pod's claims so far, to which these are added.
    """
    made: list[tuple[str, int]] = []
    for container, units in sorted(grant.uses, key=lambda use: use[0].first):
        shared = next((name for name, n in made if n == units), "") if container.first else ""
        claim = shared or _free(offers.slug(grant.choice.name)[:50], taken)
        entry = Op(action="append", path=(*container.resources, "claims"), value={"name": claim})
        yield Change(owner=pod.owner, op=entry)
        # After the claim, so that the container's resources are never empty.
        for path in keys(pod, container, grant.want.name):
            yield Change(owner=pod.owner, op=Op(action="delete", path=path))
        if not shared:
            made.append((claim, units))
            name, new = _template(scene, pod.owner, grant, units)
            if new:
                yield Change(owner=pod.owner, add=new)
            value = {"name": claim, "resourceClaimTemplateName": name}
            yield Change(owner=pod.owner, op=Op(action="append", path=(*pod.path, "resourceClaims"), value=value))


def keys(pod: Pod, container: Container, resource: str) -> list[Path]:
    """Where a container names a resource: in its limits, its requests, or both."""
    parts = [p for p in ("limits", "requests") if resource in mapping(pod.resources(container).get(p))]
    return [(*container.resources, part, resource) for part in parts]


def _template(scene: Scene, owner: Object, grant: Grant, units: int) -> tuple[str, dict[str, Any] | None]:
    """(name, the template if it is a new one): the same request has one template in a namespace."""
    version = scene.target.resource_version()
    exactly: dict[str, Any] = {"deviceClassName": grant.choice.name, "allocationMode": "ExactCount", "count": units}
    expressions = [*_of_part(grant), *grant.cel]
    if expressions:
        exactly["selectors"] = [{"cel": {"expression": e}} for e in dict.fromkeys(expressions)]
    # v1beta1 has no `exactly` level (KEP-4381).
    request = {"name": _REQUEST} | (exactly if version == "v1beta1" else {"exactly": exactly})
    spec = {"spec": {"devices": {"requests": [request]}}}
    there, written = scene.templates.setdefault(owner.namespace, {}), json.dumps(spec)
    if written in there:
        return there[written], None
    base = f"{owner.name.strip('-') or 'workload'}-{offers.slug(grant.choice.name)}"[:55].strip("-")
    name = there[written] = _free(base, {*there.values()}, scene.by_name("ResourceClaimTemplate"))
    metadata = {"name": name} | ({"namespace": owner.namespace} if owner.namespace else {})
    api = f"resource.k8s.io/{version}"
    return name, {"apiVersion": api, "kind": "ResourceClaimTemplate", "metadata": metadata, "spec": spec}


def _of_part(grant: Grant) -> list[str]:
    """A selector for the partition, where a class has devices of several."""
    first = grant.choice.accelerators[0]
    adapter = offers.adapter_of(first)
    if not grant.want.part or adapter is None or adapter.part_attribute not in (*first.attributes, *first.varying):
        return []
    return [equals(first, adapter.part_attribute, grant.want.part)]


def _free(base: str, taken: set[str], also: Collection[str] = ()) -> str:
    name, n = base, 1
    while name in taken or name in also:
        n += 1
        name = f"{base}-{n}"
    taken.add(name)
    return name


def to_resource(pod: Pod, grants: list[Grant]) -> Iterator[Change]:
    """The claims of these grants become amounts of an extended resource in the containers that used them."""
    gone: list[Path] = []
    amounts: dict[Path, int] = {}
    for grant in grants:
        assert grant.claim is not None
        gone.append((*pod.path, "resourceClaims", grant.claim.index))
        for container, position, _ in users(pod, grant.claim):
            gone.append((*container.resources, "claims", position))
            limit = (*container.resources, "limits", grant.choice.name)
            amounts[limit] = amounts.get(limit, 0) + grant.units
    # From the last to the first, so that the positions of those before stay right.
    for path in sorted(gone, key=lambda p: int(p[-1]), reverse=True):
        yield Change(owner=pod.owner, op=Op(action="delete", path=path))
    for path, units in amounts.items():
        yield Change(owner=pod.owner, op=Op(action="set", path=path, value=units))


def why_no_resource(pod: Pod, claim: Claim) -> str:
    """Why a claim cannot become an amount of an extended resource, "" if it can."""
    if claim.why_not:
        return claim.why_not
    using = users(pod, claim)
    if len(using) != 1:
        return f"{len(using)} containers use it"
    return ""
