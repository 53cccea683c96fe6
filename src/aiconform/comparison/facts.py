"""What differs beside the outcomes: settings, versions, products, nodes, accelerators. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from aiconform.comparison.types import FactChange, Side
from aiconform.model import Accelerator, Inventory, Options, Verdict
from aiconform.report.view import text_of, words

_OF_NODES = {"kubelet": "kubelets", "runtime": "container runtimes", "kernel": "kernels", "os_image": "node images",
             "architecture": "architectures"}  # fmt: skip


def settings(before: Options, after: Options) -> tuple[FactChange, ...]:
    """Every setting that the user chose otherwise."""
    return tuple(
        FactChange(what=f.name.replace("_", "-"), before=text_of(old), after=text_of(new))
        for f in fields(Options)
        if (old := getattr(before, f.name)) != (new := getattr(after, f.name))
    )


def attempt(before: Verdict | None, after: Verdict | None) -> tuple[FactChange, ...]:
    """What an attempt says about itself otherwise: the mechanism's version, the node, the accelerator."""
    if before is None or after is None:
        return ()
    via = after.via if before.via == after.via else f"{before.via} -> {after.via}"
    return tuple(_differences(f"{after.check} by {via}: ", _texts(before.facts), _texts(after.facts)))


def platform(before: Side, after: Side, *, same_platform: bool) -> tuple[FactChange, ...]:
    """What differs between the clusters. Accelerators that vanished are regressions where it is the same platform."""
    old, new = before.inventory, after.inventory
    out = [
        *_differences("", {"Kubernetes": before.run.server_version}, {"Kubernetes": after.run.server_version}),
        *_differences("", {"context": before.run.context}, {"context": after.run.context}),
        *_accelerators(old, new, same_platform),
        *_differences("product ", _products(old), _products(new)),
        *_differences("", {"nodes": str(len(old.nodes))}, {"nodes": str(len(new.nodes))}),
    ]
    for field, name in _OF_NODES.items():
        out += _differences("", {name: _counted(old, field)}, {name: _counted(new, field)})
    out += _differences("API ", _api_versions(old), _api_versions(new))
    out += _differences("not seen by the survey: ", _gaps(old), _gaps(new))
    out += _differences("", _texts(old.facts), _texts(new.facts))
    return tuple(out)


def _differences(prefix: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[FactChange]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name, ""), after.get(name, "")
        if old != new:
            yield FactChange(what=f"{prefix}{name}", before=old, after=new)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {words(k).lower(): text_of(v) for k, v in sorted(values.items())}


def _products(inventory: Inventory) -> dict[str, str]:
    return {p.name: p.version or "version not known" for p in inventory.products}


def _counted(inventory: Inventory, field: str) -> str:
    counts = Counter(str(getattr(n, field)) or "not known" for n in inventory.nodes)
    return ", ".join(f"{count} x {name}" for name, count in sorted(counts.items()))


def _api_versions(inventory: Inventory) -> dict[str, str]:
    """Group -> versions; what a group serves beyond that is seen by the checks."""
    out: dict[str, set[str]] = {}
    for api in inventory.apis:
        out.setdefault(api.group or "core", set()).add(api.version)
    return {group: ", ".join(sorted(versions)) for group, versions in sorted(out.items())}


def _gaps(inventory: Inventory) -> dict[str, str]:
    return {g.what: g.why for g in inventory.gaps}


def _accelerators(before: Inventory, after: Inventory, same_platform: bool) -> Iterator[FactChange]:
    old, new = ({a.id: a for a in i.accelerators} for i in (before, after))
    still = {n.name for n in after.nodes}
    for name in sorted(old | new):
        a, b = old.get(name), new.get(name)
        told = _told(a), _told(b)
        if told[0] == told[1] and not lost_units(a, b, still):
            continue
        lost = b is None or bool(lost_units(a, b, still))
        yield FactChange(
            what=f"accelerator {name}",
            before=told[0],
            after=told[1],
            regression=same_platform and lost and a is not None,
        )


def lost_units(before: Accelerator | None, after: Accelerator | None, still: Iterable[str]) -> dict[str, int]:
    """Node -> how many accelerators are gone from it, for nodes that are still there (`still`).

    A node that was removed takes its accelerators along: autoscalers do that, and nothing is broken.
    """
    if before is None or after is None:
        return {}
    nodes = set(still)
    lost = {n: units - after.nodes.get(n, 0) for n, units in before.nodes.items() if n in nodes}
    return {n: units for n, units in lost.items() if units > 0}


def _told(a: Accelerator | None) -> str:
    if a is None:
        return ""
    known = [a.vendor if a.recognised else "vendor not recognised", a.model, a.driver or a.resource, a.form]
    nodes = ", ".join(f"{n} {units}" for n, units in sorted(a.nodes.items()))
    return f"{sum(a.nodes.values())} units ({', '.join(k for k in known if k)}) on {nodes or 'no node'}"
