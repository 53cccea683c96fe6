"""Classes, queues and gateways that manifests name: in fields, in labels and in annotations."""

from collections.abc import Iterator
from typing import Any

from aiconform.model import Offer, Status
from aiconform.porting.answers import Answer, Change
from aiconform.porting.manifests import Object, mapping
from aiconform.porting.offers import Offers
from aiconform.porting.scene import Scene, each, kinds
from aiconform.porting.textedit import Op, Path

_POD_FIELDS = {"runtimeClassName": "runtime class", "priorityClassName": "priority class"}
# Every cluster has them.
_BUILT_IN = ("system-node-critical", "system-cluster-critical")


def read(scene: Scene) -> Iterator[Answer]:
    """Every name in the manifests that the table `kinds.yaml` knows."""
    for owner in scene.objects:
        for row in kinds()["fields"]:
            if (owner.group, owner.kind) == (row["group"], row["kind"]):
                for path, value in each(owner.data, row["at"]):
                    # Without a value the default decides (storage.py).
                    if value:
                        yield named(scene, row["is"], value, owner, path)
        yield from _marks(scene, owner, owner.data, ())
        yield from _parents(scene, owner)
        yield from _runtime(scene, owner)
        yield from _serving(scene, owner)
    for pod in scene.pods:
        for name, kind in _POD_FIELDS.items():
            if pod.spec.get(name) and pod.spec[name] not in _BUILT_IN:
                yield named(scene, kind, pod.spec[name], pod.owner, (*pod.path, name))
        yield from _attachments(scene, pod.owner, mapping(pod.meta.get("annotations")), pod.owner.namespace)


def _marks(scene: Scene, owner: Object, data: Any, path: Path) -> Iterator[Answer]:
    """Labels and annotations, of the object and of every template inside it."""
    if isinstance(data, list):
        for n, value in enumerate(data):
            yield from _marks(scene, owner, value, (*path, n))
    if not isinstance(data, dict):
        return
    for holder in ("labels", "annotations"):
        for key, value in mapping(mapping(data.get("metadata")).get(holder)).items():
            if key in kinds()["marks"] and value:
                yield named(scene, kinds()["marks"][key], value, owner, (*path, "metadata", holder, key))
    for name, value in data.items():
        if name not in ("metadata", "status"):
            yield from _marks(scene, owner, value, (*path, name))


def _parents(scene: Scene, owner: Object) -> Iterator[Answer]:
    if owner.group != "gateway.networking.k8s.io" or not owner.kind.endswith("Route"):
        return
    for path, ref in each(owner.data, "spec.parentRefs.*"):
        if mapping(ref).get("kind", "Gateway") == "Gateway" and mapping(ref).get("name"):
            namespace = str(ref.get("namespace") or owner.namespace)
            yield named(scene, "gateway", ref["name"], owner, (*path, "name"), namespace)


def _runtime(scene: Scene, owner: Object) -> Iterator[Answer]:
    """A TrainJob's runtime: of the cluster, or of its namespace."""
    if owner.kind != "TrainJob":
        return
    for path, ref in each(owner.data, "spec.runtimeRef"):
        local = mapping(ref).get("kind", "ClusterTrainingRuntime") == "TrainingRuntime"
        if mapping(ref).get("name"):
            kind = "training runtime" if local else "training runtime (cluster)"
            yield named(scene, kind, ref["name"], owner, (*path, "name"))


def _serving(scene: Scene, owner: Object) -> Iterator[Answer]:
    """An InferenceService's runtime: one of its namespace goes before one of the cluster of the same name."""
    if owner.kind != "InferenceService":
        return
    for path, name in each(owner.data, "spec.predictor.model.runtime"):
        local = named(scene, "serving runtime", name, owner, path)
        yield local if local.status is Status.THERE else named(scene, "serving runtime (cluster)", name, owner, path)


def _attachments(scene: Scene, owner: Object, annotations: dict[str, Any], namespace: str) -> Iterator[Answer]:
    said = annotations.get("k8s.v1.cni.cncf.io/networks")
    # It may be JSON, too; then the names are left to the reader.
    if not isinstance(said, str) or said.lstrip().startswith("["):
        return
    for one in filter(None, (part.strip().split("@")[0] for part in said.split(","))):
        where, _, name = one.rpartition("/")
        yield named(scene, "network attachment", name, owner, (), where or namespace)


def named(scene: Scene, kind: str, value: Any, owner: Object, path: Path, namespace: str | None = None) -> Answer:
    """What the target has of a thing of this kind and name. An empty `path`: the name cannot be edited where it is."""
    spec, name = kinds()["named"][kind], str(value)
    resource, target = spec["resource"], scene.target
    if not spec.get("namespaced"):
        namespace = ""
    elif namespace is None:
        namespace = owner.namespace

    def answer(status: Status, because: str, there: str = "") -> Answer:
        edit = Change(owner=owner, op=Op(action="set", path=path, value=there)) if there and path else None
        return Answer(
            kind=kind, name=name, owner=owner, status=status, because=because, target=there or name,
            requirement=spec.get("row", ""), changes=(edit,) if edit else (),
        )  # fmt: skip

    if scene.brings(spec["kind"], name, namespace):
        return answer(Status.THERE, "the manifests bring it")
    to = scene.maps.get(f"{kind}:{name}") or scene.maps.get(name)
    if to and to != name and (target.find(resource, to, namespace) or not target.knows(resource)):
        sure = target.find(resource, to, namespace) is not None
        return answer(Status.RENAMED if sure else Status.UNKNOWN, "mapped by hand", to)
    found = target.find(resource, name, namespace)
    before = scene.source.find(resource, name, namespace) if scene.source else None
    if found is not None:
        return answer(Status.THERE, _difference(found, before, spec) or _place(found, namespace))
    if not target.knows(resource):
        return answer(Status.UNKNOWN, target.unread(resource))
    same = _same(target, before, spec)
    if len(same) == 1 and path:
        facts = ", ".join(f for f in spec["same"] if before and f in before.facts)
        return answer(Status.RENAMED, f"the same there, by its {facts}", same[0])
    if same:
        return answer(Status.UNKNOWN, f"several are the same there: {', '.join(same)}; choose by --map {name}=NAME")
    if _static(scene, kind, name):
        return answer(Status.THERE, "a PersistentVolume of the manifests has it")
    if kind == "storage class" and scene.source and scene.source.knows(resource) and before is None:
        return answer(
            Status.UNKNOWN, "neither cluster has such a StorageClass: volumes made by hand may carry the name"
        )
    return answer(Status.MISSING, _missing(scene, resource, name, namespace, before))


def _static(scene: Scene, kind: str, name: str) -> bool:
    """A class may be a mere word that a volume and a claim have in common."""
    volumes = [mapping(o.data.get("spec")) for o in scene.objects if o.kind == "PersistentVolume"]
    return kind == "storage class" and any(v.get("storageClassName") == name for v in volumes)


def _same(target: Offers, before: Offer | None, spec: dict[str, Any]) -> list[str]:
    """Names of the target's offers that are the same by their facts as the source's one."""
    if before is None or not spec.get("same"):
        return []
    wanted = [before.facts.get(f) for f in spec["same"]]
    if wanted[0] is None:
        return []
    return [o.name for o in target.named(spec["resource"]) if [o.facts.get(f) for f in spec["same"]] == wanted]


def _difference(found: Offer, before: Offer | None, spec: dict[str, Any]) -> str:
    """What is not as it was, although the name is the same."""
    facts = spec.get("same", ()) if before else ()
    differ = [f for f in facts if before and found.facts.get(f) != before.facts.get(f)]
    return f"the name is there, but not the same {', '.join(differ)} as at the source" if differ else ""


def _place(found: Offer, namespace: str) -> str:
    return f"in namespace {found.namespace}: apply it there" if found.namespace and not namespace else ""


def _missing(scene: Scene, resource: str, name: str, namespace: str, before: Offer | None) -> str:
    target = scene.target
    elsewhere = [o.namespace for o in target.named(resource) if o.name == name]
    if elsewhere:
        return f"not in namespace {namespace}, only in {', '.join(elsewhere)}"
    others = sorted({o.name for o in target.named(resource)})
    said = f"there are {', '.join(others[:6])}{' ...' if len(others) > 6 else ''}" if others else "there is none"
    if scene.source and scene.source.knows(resource) and before is None:
        said += "; the source does not have it either"
    return said
