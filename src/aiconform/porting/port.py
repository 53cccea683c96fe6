"""Everything together: needs, answers, edits, and the report. Pure: bytes in, bytes out."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from aiconform.model import Inventory, PortEdit, PortReport, PortRow, Status
from aiconform.model.uncollected import uncollected
from aiconform.porting import diffs, manifests
from aiconform.porting.answers import Answer, Change
from aiconform.porting.errors import PortError
from aiconform.porting.manifests import File, Object
from aiconform.porting.needs import apis, companions, devices, metrics, names, quotas, schedulers, storage
from aiconform.porting.offers import Offers
from aiconform.porting.pods import at
from aiconform.porting.scene import Scene
from aiconform.porting.textedit import document

# Each reads one part of the manifests.
READERS: tuple[Callable[[Scene], Iterable[Answer]], ...] = (
    devices.read,
    names.read,
    schedulers.read,
    storage.read,
    metrics.read,
    quotas.read,
    apis.read,
    companions.read,
)
_ORDER = (Status.MISSING, Status.UNKNOWN, Status.RENAMED, Status.THERE)


@dataclass(frozen=True)
class Ported:
    """`files` are all files after the edits, by name, new ones among them."""

    report: PortReport
    files: dict[str, bytes]


def port(
    files: Mapping[str, bytes],
    *,
    target: Inventory,
    source: Inventory | None = None,
    maps: Mapping[str, str] | None = None,
) -> Ported:
    """What the manifests need, what the target has of it, and the manifests for the target.

    `files` by name. `maps`: names of the source to names of the target, which the user vouches for. Raises PortError.
    """
    with uncollected():
        return _port([manifests.read(name, data) for name, data in files.items()], target, source, maps or {})


def _port(read: Sequence[File], target: Inventory, source: Inventory | None, maps: Mapping[str, str]) -> Ported:
    scene = Scene(
        objects=tuple(manifests.objects(read)),
        target=Offers(target),
        source=Offers(source) if source else None,
        maps=maps,
    )
    if not scene.objects:
        raise PortError("the manifests hold no Kubernetes object at all")
    answers = [a for reader in READERS for a in reader(scene)]
    rows = tuple(sorted(_rows(answers), key=lambda r: (_ORDER.index(r.status), r.kind, r.name)))
    extra = _apply(read, answers)
    parts = {**{f.name: f.rendered() for f in read}, **{name: [("", text)] for name, text in extra.items()}}
    report = PortReport(
        source=scene.source.name if scene.source else "",
        target=scene.target.name,
        status=_worst(rows),
        rows=rows,
        notes=tuple(scene.notes),
        diff="".join(line for name, found in parts.items() for line in diffs.unified(name, found)),
    )
    return Ported(report, {name: "".join(new for _, new in found).encode() for name, found in parts.items()})


def _worst(rows: Iterable[PortRow]) -> Status:
    found = {r.status for r in rows}
    return next((s for s in _ORDER if s in found), Status.THERE)


def doubts(report: PortReport, failed: Mapping[str, str]) -> tuple[str, ...]:
    """Notes on what is there by its name, and did not do what it should when the target was tested.

    `failed` holds, by requirement, why a run at the target saw it fail.
    """
    found = [r for r in report.rows if r.requirement in failed and r.status in (Status.THERE, Status.RENAMED)]
    said = "is there, but the target's run saw"
    return tuple(f"{r.kind} {r.target or r.name} {said} {r.requirement} fail: {failed[r.requirement]}" for r in found)


def _rows(answers: Sequence[Answer]) -> Iterator[PortRow]:
    """Equal answers become one row with everybody who needs it."""
    merged: dict[tuple[Any, ...], list[Answer]] = {}
    for a in answers:
        merged.setdefault((a.kind, a.name, a.status, a.because, a.target, a.requirement), []).append(a)
    for (kind, name, status, because, target, requirement), same in merged.items():
        yield PortRow(
            kind=kind,
            name=name,
            status=status,
            because=because,
            target=target,
            requirement=requirement,
            wanted_by=tuple(dict.fromkeys(a.owner.label for a in same)),
            edits=tuple(dict.fromkeys(_edit(c, because) for a in same for c in a.changes)),
        )


def _edit(change: Change, because: str) -> PortEdit:
    owner = change.owner
    name, path, before, after = f"{owner.kind} {owner.name}", "", "", ""
    if change.add is not None:
        name = f"{change.add['kind']} {manifests.mapping(change.add['metadata'])['name']}"
        after = "(a new object)"
    elif change.drop:
        before, after = "(the object)", "(left out)"
    elif change.op is not None:
        op = change.op
        path = ".".join(map(str, op.path))
        old = at(owner.data, op.path) if op.action in ("set", "delete") else None
        before = str(op.path[-1]) if op.action == "rename" else "" if old is None else _short(old)
        after = "(removed)" if op.action == "delete" else _short(op.value)
    return PortEdit(file=owner.file.name, object=name, path=path, before=before, after=after, because=because)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _apply(files: Iterable[File], answers: Iterable[Answer]) -> dict[str, str]:
    """Notes every change where it belongs; returns the new files (JSON holds one document and no more)."""
    extra: dict[str, list[dict[str, Any]]] = {}
    for change in (c for a in answers for c in a.changes):
        owner: Object = change.owner
        if change.drop:
            owner.document.dropped = True
        if change.op is not None:
            owner.edit(change.op)
        if change.add is not None and owner.file.json:
            extra.setdefault(owner.file.name, []).append(change.add)
        elif change.add is not None:
            owner.document.added.append(change.add)
    taken = {f.name for f in files}
    return {_beside(name, taken): "---\n".join(map(document, new)) for name, new in extra.items()}


def _beside(name: str, taken: set[str]) -> str:
    path = PurePosixPath(name)
    for n in range(1, 1000):
        found = str(path.with_name(f"{path.stem}-claims{'' if n == 1 else n}.yaml"))
        if found not in taken:
            return found
    raise PortError(f"{name}: no free name for its claim templates")
