"""Volumes: the default StorageClass, access modes, CSI drivers, and claims that the manifests do not bring."""

from collections.abc import Iterator, Mapping
from typing import Any

from aiconform.model import Status
from aiconform.porting.answers import Answer
from aiconform.porting.manifests import Object, listing, mapping
from aiconform.porting.needs.names import named
from aiconform.porting.scene import Scene, each
from aiconform.porting.textedit import Path

_RESOURCE = "storageclasses.storage.k8s.io"
# Every provisioner has it.
_PLAIN = "ReadWriteOnce"
# Their class is read by names.py, from the table.
_BY_TABLE = ("PersistentVolumeClaim", "StatefulSet")


def read(scene: Scene) -> Iterator[Answer]:
    """Every claim for a volume, wherever in an object it is written."""
    for owner in scene.objects:
        if owner.kind == "PersistentVolume":
            continue
        for path, spec in _claims(owner.data, ()):
            yield from _claim(scene, owner, path, spec)
    for pod in scene.pods:
        for path, driver in each(pod.spec, "volumes.*.csi.driver"):
            yield named(scene, "csi driver", driver, pod.owner, (*pod.path, *path))
        for _, claim in each(pod.spec, "volumes.*.persistentVolumeClaim.claimName"):
            if not scene.brings("PersistentVolumeClaim", str(claim), pod.owner.namespace):
                scene.note(f"{pod.owner.label} mounts the claim {claim}, which is not in the manifests: bring its data")


def _claims(data: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if isinstance(data, dict):
        if isinstance(data.get("accessModes"), list) and "requests" in mapping(data.get("resources")):
            yield path, data
            return
        for name, value in data.items():
            if name != "status":
                yield from _claims(value, (*path, name))
    elif isinstance(data, list):
        for n, value in enumerate(data):
            yield from _claims(value, (*path, n))


def _claim(scene: Scene, owner: Object, path: Path, spec: Mapping[str, Any]) -> Iterator[Answer]:
    name = spec.get("storageClassName")
    there = str(name or "")
    if name:
        answer = named(scene, "storage class", name, owner, (*path, "storageClassName"))
        there = answer.target
        if owner.kind not in _BY_TABLE:
            yield answer
    elif name is None and not _annotated(owner, path):
        default = _default(scene, owner)
        there = default.target
        yield default
    for mode in listing(spec.get("accessModes")):
        if mode != _PLAIN:
            yield _mode(scene, owner, str(mode), str(name or ""), there)


def _annotated(owner: Object, path: Path) -> bool:
    """The class may still stand in the annotation of old."""
    holder: Any = owner.data
    for step in path[:-1]:
        holder = holder[step]
    return "volume.beta.kubernetes.io/storage-class" in mapping(mapping(holder.get("metadata")).get("annotations"))


def _default(scene: Scene, owner: Object) -> Answer:
    target = scene.target
    found = next((o.name for o in target.named(_RESOURCE) if o.default), "")
    status, because = Status.THERE, f"{found} is the default"
    if not found and target.knows(_RESOURCE):
        status, because = Status.MISSING, "no StorageClass is the default: name one in the claim"
    elif not found:
        status, because = Status.UNKNOWN, target.unread(_RESOURCE)
    return Answer(kind="storage class", name="(the default)", owner=owner, status=status, because=because, target=found)


def _mode(scene: Scene, owner: Object, mode: str, before: str, there: str) -> Answer:
    """An inventory does not say what a class can do; the same provisioner can do the same."""
    new = scene.target.find(_RESOURCE, there)
    default = (
        next((o for o in scene.source.named(_RESOURCE) if o.default and not before), None) if scene.source else None
    )
    old = (scene.source.find(_RESOURCE, before) if scene.source else None) or default
    provisioner = new.facts.get("provisioner") if new else None
    if provisioner and old and old.facts.get("provisioner") == provisioner:
        status, because = Status.THERE, f"by {provisioner}, as at the source"
    else:
        what = f"{there} ({provisioner})" if provisioner else there or "the class"
        status, because = Status.UNKNOWN, f"the inventory does not say whether {what} takes it"
    return Answer(kind="access mode", name=mode, owner=owner, status=status, because=because)
