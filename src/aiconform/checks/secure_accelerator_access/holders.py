"""What holders of a unit got. Pure."""

from itertools import combinations

from aiconform.checks.secure_accelerator_access.seen import (
    allocated,
    answer,
    form,
    free,
    holder_held,
    holder_ready,
    own_kernel,
    shared,
    units,
    unrecognised,
)
from aiconform.judging import failed, not_applicable, passed, unable, unknown
from aiconform.judging.devices import Container, containers, listing, numbered
from aiconform.model import Finding, Recording


def gives_exactly_the_granted_device(rec: Recording) -> Finding:
    """The first holder asked for one unit."""
    holder = answer(rec, "holder", "holder")
    if holder is not None and unrecognised(rec) is None:
        too_much = _more_than_one(rec, holder)
        if too_much:
            return too_much
    blocked = holder_ready(rec)
    if blocked or holder is None:
        return blocked or unknown("no holder answered", code="not-tried")
    strange = _strange(rec, holder)
    if strange:
        return strange
    told = f", and it was told of {', '.join(sorted(holder.identities))}" if holder.identities else ""
    return passed(f"it opened {listing(holder.opened('device'))} and nothing else{told}", cites=(holder.seq,))


def _more_than_one(rec: Recording, c: Container) -> Finding | None:
    """FAIL if a container that asked for one unit got or was told of more."""
    if units(rec, c) > 1:
        because = f"container {c.name} asked for one unit and could open {listing(c.opened('device'))}"
        return failed(because, cites=(c.seq,))
    if len(c.identities) > 1:
        because = f"container {c.name} asked for one unit and was told of {len(c.identities)}: "
        return failed(because + ", ".join(sorted(c.identities)[:4]), cites=(c.seq,))
    return None


def _strange(rec: Recording, holder: Container) -> Finding | None:
    """UNKNOWN if more opened than the adapter's names account for: it may be a new control node, or a trick."""
    if own_kernel(rec, holder):
        return None
    known = holder.numbers("device", "shared")
    nodes = [n for n in holder.opened("vendor", "sibling") if (n["major"], n["minor"]) not in known]
    if not nodes:
        return None
    because = f"beside its device it could open {listing(nodes)}, which no adapter knows"
    return unknown(because, code="unrecognised-device-node", cites=(holder.seq,))


def gives_each_holder_its_own(rec: Recording) -> Finding:
    """All containers that hold one unit each at the same time, two by two."""
    unknown_vendor = unrecognised(rec)
    if unknown_vendor:
        return unknown_vendor
    first = containers(rec, step="holder", name="holder")
    others = containers(rec, step="second")
    for c in others:
        too_much = _more_than_one(rec, c)
        if too_much:
            return too_much
    if not shared(rec):
        for a, b in combinations((*first, *others), 2):
            common = _in_common(rec, a, b)
            if common:
                return common
    if not first or not others:
        return holder_ready(rec) or _alone(rec)
    for c in others:
        if not c.numbers():
            because = f"container {c.name} of the second holder could open no device"
            return unknown(because, code="grant-not-usable", cites=(c.seq,))
    because = f"{1 + len(others)} holders at a time, each with its own: "
    each = "; ".join(numbered(c.numbers()) for c in (*first, *others))
    if shared(rec) or replicas(rec):
        because, each = "each holder of a share was given one device and told of one: ", each
    cites = [c.seq for c in (*first, *others)]
    return holder_held(rec, others[-1].seq) or passed(because + each, cites=cites)


def _in_common(rec: Recording, a: Container, b: Container) -> Finding | None:
    """What two holders must not have in common. Parts of one device may share its node, if each has one of its
    own beside it and they are told of different identities."""
    who, cites = f"{a.name} and {b.name}", (a.seq, b.seq)
    told = a.identities & b.identities
    if told:
        return _same(rec, a, b, f"two holders ({who}) were told of the same device: {', '.join(sorted(told))}")
    both = a.numbers() & b.numbers()
    if not both:
        return None
    if not (a.numbers() - b.numbers() and b.numbers() - a.numbers()):
        return _same(rec, a, b, f"two holders ({who}) could open the same device: {numbered(both)}")
    if not a.identities or not b.identities:
        because = f"two holders ({who}) share the node {numbered(both)}, and nothing tells their parts apart"
        return unknown(because, code="probe-missing", cites=cites)
    return None


def _same(rec: Recording, a: Container, b: Container, because: str) -> Finding | None:
    """Two holders of the same device. A device plugin may have advertised one device several times on purpose
    (time slices), which only the ids of the allocated units can tell."""
    cites = (a.seq, b.seq)
    if form(rec) != "device-plugin":
        return failed(because, cites=cites)
    if not allocated(rec, a) or not allocated(rec, b):
        because += "; it may be shared by design, since this cluster does not say which units were allocated"
        return unknown(because, code="probe-missing", cites=cites)
    return None if are_replicas(rec, a, b) else failed(because, cites=cites)


def are_replicas(rec: Recording, a: Container, b: Container) -> bool:
    """Whether two holders got different units of one device: ids made of its name and a number ("GPU-1::0",
    "card0-1"), as plugins call the shares of a device."""
    one, other = allocated(rec, a), allocated(rec, b)
    names = (a.identities & b.identities) | (_names(a) & _names(b))
    return not one & other and any(_share(i, n) and _share(j, n) for i in one for j in other for n in names)


def _names(c: Container) -> set[str]:
    return {n["path"].rpartition("/")[2] for n in c.opened("device")}


def _share(unit: str, name: str) -> bool:
    rest = unit.removeprefix(name)
    return rest != unit and rest.lstrip(":-_.").isdigit() and not rest[0].isdigit()


def replicas(rec: Recording) -> bool:
    """Whether any two holders were found to have shares of one device."""
    found = (*containers(rec, step="holder", name="holder"), *containers(rec, step="second"))
    return form(rec) == "device-plugin" and any(are_replicas(rec, a, b) for a, b in combinations(found, 2))


def _alone(rec: Recording) -> Finding:
    if free(rec) != 1:
        return unable(rec, "second") or unknown("no second holder answered", code="probe-failed")
    holder, plain = answer(rec, "holder", "holder"), answer(rec, "plain", "plain")
    tested = [c for c in (holder, plain) if c and c.can_make and c.made() and not own_kernel(rec, c)]
    if holder not in tested or plain not in tested:
        because = "one unit was free, so two holders cannot be compared, and device nodes cannot be made by hand"
        return unknown(because, code="too-few-accelerators(1<2)")
    because = "one unit was free on the node, so two holders were not compared; devices made by hand were"
    return not_applicable(because, cites=(c.seq for c in tested))
