"""Which accelerator of the target stands for one of the source: the same name, the same thing, or none.

One vendor's devices are never taken for another's, nor a share or a part of a device for a whole one, unless the user
maps it by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aiconform.model import Accelerator, Status
from aiconform.porting import offers
from aiconform.porting.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Want:
    """What one unit of a name is. `olds` are the source's accelerators of this name.

    `part` None: any, or it is not known. `shared` None: the source has it both ways.
    """

    name: str
    by_class: bool
    vendor: str
    part: str | None
    shared: bool | None
    olds: tuple[Accelerator, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        return offers.models(self.olds)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`accelerators`: the target's, all asked for in one way; empty if there is none."""

    status: Status
    because: str
    accelerators: tuple[Accelerator, ...] = ()
    requirement: str = ""

    @property
    def by_class(self) -> bool:
        return bool(self.accelerators) and self.accelerators[0].form == "dra"

    @property
    def name(self) -> str:
        """As a pod names it: a resource or a DeviceClass."""
        first = self.accelerators[0] if self.accelerators else None
        return (first.device_class if first.form == "dra" else first.resource) if first else ""


def want_resource(scene: Scene, resource: str) -> Want | None:
    """None if nothing knows this resource as an accelerator."""
    olds = scene.source.by_resource(resource) if scene.source else ()
    adapter = offers.adapter_of_resource(resource)
    if not olds and adapter is None and not scene.target.by_resource(resource):
        return None
    fixed = adapter.shared(resource, {}) if adapter else False
    return Want(
        name=resource,
        by_class=False,
        vendor=adapter.vendor if adapter else olds[0].vendor if olds else "unknown",
        part=offers.part(olds[0]) if olds else adapter.part(resource, {}, "") if adapter else "",
        shared=_shared(olds, fixed),
        olds=olds,
    )


def want_class(scene: Scene, device_class: str, part: str) -> Want:
    """`part` is what the claim's selectors ask for, "" if they do not."""
    olds = scene.source.by_class(device_class) if scene.source else ()
    adapter = offers.adapter_of_class(device_class)
    units = {p for o in olds for p in offers.parts(o)}
    return Want(
        name=device_class,
        by_class=True,
        vendor=olds[0].vendor if olds else adapter.vendor if adapter else "unknown",
        part=part or (units.pop() if len(units) == 1 else None),
        shared=_shared(olds, False),
        olds=olds,
    )


def _shared(olds: tuple[Accelerator, ...], otherwise: bool) -> bool | None:
    found = {o.shared for o in olds}
    return otherwise if not found else found.pop() if len(found) == 1 else None


def choose(scene: Scene, want: Want, *, claims: bool = True) -> Choice:
    """What stands for it. `claims`: whether a claim can be written where it is asked for."""
    target = scene.target
    there = target.by_class(want.name) if want.by_class else target.by_resource(want.name)
    to = scene.maps.get(want.name)
    if to:
        return _mapped(scene, want, to)
    if there:
        return _same_name(want, there)
    found = _others(scene, want, claims=claims)
    names = sorted({(a.form == "dra", a.device_class if a.form == "dra" else a.resource) for a in found})
    if len(names) == 1:
        said = f"{want.vendor}, {want.part or 'whole devices'}{_model(want, found)}"
        return Choice(status=Status.RENAMED, because=f"the same thing there ({said})", accelerators=found)
    if names:
        said = ", ".join(name for _, name in names)
        return Choice(status=Status.UNKNOWN, because=f"it could be {said}: choose by --map {want.name}=NAME")
    return _none(scene, want)


def _mapped(scene: Scene, want: Want, to: str) -> Choice:
    found = scene.target.called(to)
    if not found:
        return Choice(status=Status.MISSING, because=f"--map names {to}, which the target does not offer")
    alien = {a.vendor for a in found} - {want.vendor}
    warning = f"; {alien.pop()} instead of {want.vendor}: images are bound to a vendor" if alien else ""
    # One name may cover several forms; what the pod asks for now comes first.
    forms = sorted({a.form for a in found}, key=lambda f: (f == "dra") != want.by_class)
    kept = tuple(a for a in found if a.form == forms[0])
    status = Status.THERE if (to, want.by_class) == (want.name, forms[0] == "dra") else Status.RENAMED
    return Choice(status=status, because=f"mapped by hand{warning}", accelerators=kept)


def _same_name(want: Want, there: tuple[Accelerator, ...]) -> Choice:
    differ = [a for a in there if want.olds and want.part is not None and want.part not in offers.parts(a)]
    if len(differ) == len(there):
        unit = offers.part(there[0]) or "a whole device"
        return Choice(
            status=Status.MISSING,
            because=f"the name is there, but one unit is {unit}, not {want.part or 'a whole device'}",
            requirement="gpu_sharing" if want.part else "",
        )
    shares = [a for a in there if a.shared]
    if shares and want.olds and want.shared is False:
        if len(shares) == len(there):
            because = f"the name is there, but one unit is a share of a device; --map {want.name}={want.name} takes it"
            return Choice(status=Status.MISSING, because=because)
        because = "on some nodes one unit is a whole device, on others a share: say which by a node label"
        return Choice(status=Status.UNKNOWN, because=because, accelerators=tuple(a for a in there if not a.shared))
    said = _model(want, there)
    if shares and want.shared is False:
        said += "; one unit there is a share of a device"
    elif want.shared and not shares:
        said += "; one unit there is a whole device, a share at the source"
    return Choice(status=Status.THERE, because=said.lstrip("; "), accelerators=there)


def _model(want: Want, found: Iterable[Accelerator]) -> str:
    """What differs of the model, for the reader."""
    new = offers.models(found)
    if not new or not want.models or {offers.slug(m) for m in new} & {offers.slug(m) for m in want.models}:
        return ""
    return f"; another model: {', '.join(new)} instead of {', '.join(want.models)}"


def _others(scene: Scene, want: Want, *, claims: bool) -> tuple[Accelerator, ...]:
    """Of the same vendor and kind under another name; claims come before resources, the same model before others."""
    if want.vendor == "unknown" or want.shared is not False or want.part is None:
        return ()
    found = [
        a
        for a in scene.target.inventory.accelerators
        if a.vendor == want.vendor and a.recognised and not a.shared and want.part in offers.parts(a)
    ]
    by_claim = [a for a in found if a.form == "dra" and scene.target.resource_version()]
    by_name = [a for a in found if a.form != "dra"]
    kept = (by_claim or by_name) if claims else (by_name or by_claim)
    wanted = {offers.slug(m) for m in want.models}
    alike = [a for a in kept if offers.slug(a.model) in wanted]
    return tuple(alike or kept)


def _none(scene: Scene, want: Want) -> Choice:
    target = scene.target
    if target.blind:
        return Choice(status=Status.UNKNOWN, because=target.blind)
    if target.makes_nodes:
        because = f"no node has it now, but {target.makes_nodes} makes nodes when pods wait"
        return Choice(status=Status.UNKNOWN, because=because)
    have = sorted({a.id for a in target.inventory.accelerators})
    because = f"no node has it; there are {', '.join(have)}" if have else "the target has no accelerator"
    if not target.resource_version() and any(a.form == "dra" for a in target.inventory.accelerators):
        because += "; and the target serves no ResourceClaimTemplate to claim one by"
    kin = [a for a in target.inventory.accelerators if a.vendor == want.vendor and want.vendor != "unknown"]
    if kin and (want.shared or any(a.shared for a in kin)):
        because += "; shares and whole devices are not taken for each other unless mapped"
    row = "gpu_sharing" if want.part or want.shared else "dra_support" if want.by_class else ""
    return Choice(status=Status.MISSING, because=because, requirement=row)
