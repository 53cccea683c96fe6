"""The kinds and versions of the objects themselves, and fields that need a Kubernetes version."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aiconform.model import Status
from aiconform.porting.answers import Answer, Change
from aiconform.porting.manifests import Object
from aiconform.porting.scene import Scene, each, kinds, requirement
from aiconform.porting.textedit import Op


def read(scene: Scene) -> Iterator[Answer]:
    """One answer for each object's kind, and one for each younger field in use."""
    for owner in scene.objects:
        yield _kind(scene, owner)
        # Kinds of the same name elsewhere (Volcano's Job, Knative's Service) have fields of their own.
        table = kinds()["features"].get(owner.kind, ()) if "." not in owner.group else ()
        yield from _fields(scene, owner, table, owner.data)
    for pod in scene.pods:
        yield from _fields(scene, pod.owner, kinds()["features"]["pod"], pod.spec)


def _kind(scene: Scene, owner: Object) -> Answer:
    inventory, group = scene.target.inventory, owner.group
    version = owner.api.rpartition("/")[2]

    def answer(status: Status, because: str, api: str = "") -> Answer:
        op = Op(action="set", path=("apiVersion",), value=api)
        return Answer(
            kind="API", name=f"{owner.api} {owner.kind}", owner=owner, status=status, because=because, target=api,
            requirement=requirement(group),
            changes=(Change(owner=owner, op=op),) if api else (),
        )  # fmt: skip

    if (group, owner.kind) in scene.crds:
        return answer(Status.THERE, "the manifests bring its definition")
    if not inventory.apis:
        return answer(Status.UNKNOWN, "the inventory lists no API at all")
    served = [a.version for a in inventory.apis if (a.group, a.kind) == (group, owner.kind)]
    if version in served:
        return answer(Status.THERE, "")
    if not served:
        return answer(Status.MISSING, f"the target serves no {owner.kind} of {group or 'the core API'}")
    shape = kinds()["same_shape"].get(group, {})
    alike = [v for v in served if v in shape.get("versions", ())]
    if owner.kind in shape.get("kinds", ()) and version in shape["versions"] and alike:
        return answer(Status.RENAMED, "served in another version of the same shape", f"{group}/{alike[0]}")
    return answer(Status.MISSING, f"served as {', '.join(served)} alone, and what changed between is not known here")


def _fields(scene: Scene, owner: Object, table: Iterable[Mapping[str, Any]], data: Any) -> Iterator[Answer]:
    minor = scene.target.inventory.minor
    for row in table:
        if not any(_used(row, value) for _, value in each(data, row["at"])):
            continue
        status, because = Status.THERE, ""
        if minor == 0:
            status, because = Status.UNKNOWN, "the target's Kubernetes version cannot be read"
        elif minor < row["alpha"]:
            status, because = Status.MISSING, f"needs Kubernetes 1.{row['on']}, the target has 1.{minor}"
        elif minor < row["on"]:
            status, because = Status.UNKNOWN, f"behind a feature gate before Kubernetes 1.{row['on']}"
        yield Answer(
            kind="Kubernetes", name=f"{row['what']} (1.{row['on']})", owner=owner, status=status, because=because
        )


def _used(row: Mapping[str, Any], value: Any) -> bool:
    # Only one value of this field makes a sidecar; Kubernetes below 1.28 knows no other for init containers.
    return value == "Always" if row["at"].endswith("restartPolicy") else value not in (None, [], {})
