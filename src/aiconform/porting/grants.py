"""How one pod asks for accelerators, as found in its manifest; what becomes of it is in needs/devices.py."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from aiconform.porting import selectors
from aiconform.porting.choice import Choice, Want
from aiconform.porting.manifests import Object, listing, mapping
from aiconform.porting.pods import Container, Pod
from aiconform.porting.quantity import quantity
from aiconform.porting.scene import Scene
from aiconform.porting.textedit import Path

# Resources with a slash that the kubelet itself makes.
_OWN = ("kubernetes.io/", "requests.", "limits.")


@dataclass(kw_only=True)
class Grant:
    """Units of one name that a pod asks for, what they become, and the selectors that a new claim needs.

    `uses`: (container, units). For a claim, `claim` is the pod's entry and `template` the object behind it.
    """

    want: Want
    choice: Choice
    uses: tuple[tuple[Container, int], ...]
    units: int
    claim: "Claim | None" = None
    cel: list[str] = field(default_factory=list)

    @cached_property
    def nodes(self) -> dict[str, int]:
        """Node -> units that it advertises of what was chosen."""
        out: dict[str, int] = {}
        for a in self.choice.accelerators:
            for node, units in a.nodes.items():
                out[node] = max(out.get(node, 0), units)
        return out


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One entry of a pod's resourceClaims. `request` and `where` are set if its object has a single plain request."""

    name: str
    index: int
    object: Object | None
    template: str
    request: Mapping[str, Any] = field(default_factory=dict)
    where: Path = ()
    why_not: str = ""


def amounts(pod: Pod) -> dict[str, list[tuple[Container, int]]]:
    """Extended resource -> containers with their units."""
    found: dict[str, list[tuple[Container, int]]] = {}
    for c in pod.containers:
        for name, amount in pod.asks(c).items():
            units = quantity(amount)
            if "/" in name and not name.startswith(_OWN) and units and units == units.to_integral_value():
                found.setdefault(name, []).append((c, int(units)))
    return found


def together(uses: list[tuple[Container, int]]) -> int:
    """Units that the pod holds: containers together, or the largest init container."""
    return max(sum(n for c, n in uses if not c.first), max((n for c, n in uses if c.first), default=0))


def claims(scene: Scene, pod: Pod) -> Iterator[Claim]:
    """The pod's claims with the request behind each, where the manifests hold it."""
    for n, entry in enumerate(listing(pod.spec.get("resourceClaims"))):
        entry = mapping(entry)
        template = str(entry.get("resourceClaimTemplateName") or "")
        name = template or str(entry.get("resourceClaimName") or "")
        kind = "ResourceClaimTemplate" if template else "ResourceClaim"
        owner = _find(scene, kind, name, pod.owner.namespace)
        yield _claim(str(entry.get("name") or ""), n, owner, template, f"{kind} {name}")


def _find(scene: Scene, kind: str, name: str, namespace: str) -> Object | None:
    found = [o for o in scene.called(kind, name) if o.group == "resource.k8s.io"]
    return next((o for o in found if o.namespace == namespace), found[0] if len(found) == 1 else None)


def _claim(name: str, index: int, owner: Object | None, template: str, called: str) -> Claim:
    if owner is None:
        why = f"{called} is not in the manifests"
        return Claim(name=name, index=index, object=None, template=template, why_not=why)
    wanted = requests(owner)
    if not template:
        why = f"{called} is shared by every pod that names it"
    elif len(wanted) != 1:
        why = f"{called} has {len(wanted)} requests"
    elif not wanted[0][1].get("deviceClassName"):
        why = f"{called} leaves a choice of device classes"
    elif wanted[0][1].get("allocationMode", "ExactCount") != "ExactCount":
        why = f"{called} asks for all devices of a node"
    elif wanted[0][1].get("adminAccess"):
        why = f"{called} asks for administrative access"
    else:
        why = ""
    where, request = wanted[0] if wanted else ((), {})
    return Claim(name=name, index=index, object=owner, template=template, request=request, where=where, why_not=why)


def requests(owner: Object) -> list[tuple[Path, dict[str, Any]]]:
    """(path, `exactly` part) of each request of a claim or template; the alternatives of a firstAvailable each."""
    path: Path = ("spec", "spec") if owner.kind == "ResourceClaimTemplate" else ("spec",)
    holder = mapping(owner.data.get("spec"))
    holder = mapping(holder.get("spec")) if owner.kind == "ResourceClaimTemplate" else holder
    found: list[tuple[Path, dict[str, Any]]] = []
    for n, request in enumerate(listing(mapping(holder.get("devices")).get("requests"))):
        where = (*path, "devices", "requests", n)
        r = mapping(request)
        if isinstance(r.get("exactly"), dict):
            found.append(((*where, "exactly"), r["exactly"]))
        elif isinstance(r.get("firstAvailable"), list):
            found.append((where, {}))
        else:
            found.append((where, r))
    return found


def count(request: Mapping[str, Any]) -> int:
    """Devices that a request asks for."""
    number = request.get("count")
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else 1


def users(pod: Pod, claim: Claim) -> list[tuple[Container, int, bool]]:
    """(container, position in its claims, whether it picks single requests) of those that use a claim."""
    found = []
    for c in pod.containers:
        holder = pod.resources(c)
        for n, entry in enumerate(listing(holder.get("claims"))):
            if mapping(entry).get("name") == claim.name:
                found.append((c, n, bool(mapping(entry).get("request"))))
    return found


def selector_terms(request: dict[str, Any]) -> list[selectors.Term]:
    """Every part of a request's selectors."""
    return [t for expression in selectors.of_request(request) for t in selectors.terms(expression)]
