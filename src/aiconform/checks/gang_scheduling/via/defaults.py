"""What most adapters share: defaults of the protocol, and pieces of manifests."""

from collections.abc import Mapping
from typing import Any, Literal

from aiconform.checks.gang_scheduling.via import EVERY_FORM, Manifest, Place, Watched, pod_templates
from aiconform.model import Detection, Inventory, Permission

NOT_PROVED = "not yet run for real: written from the product's documentation and source"
LIVES = ("create", "get", "list", "watch", "delete")


class Defaults:
    """A mechanism that needs no queue, no placeholder and nothing special. Adapters override what differs."""

    proved = NOT_PROVED
    tried: Literal["where found", "if named"] = "where found"
    atomicity: Literal["placement", "quota"] = "placement"
    forms: tuple[str, ...] = EVERY_FORM
    unlike = True
    ends = True
    permissions: tuple[Permission, ...] = ()
    remedies: Mapping[str, str] = {}

    def watched(self, detected: dict[str, Any]) -> Watched:
        del detected
        return ()

    def prepare(self, place: Place) -> list[Manifest]:
        del place
        return []

    def resize(self, place: Place) -> list[Manifest]:
        del place
        return []

    def lone(self, place: Place, pod: Manifest) -> Manifest | None:
        del place, pod
        return None

    def unseen(self, name: str, objects: list[Manifest]) -> str:
        del name, objects
        return ""

    def stands_in(self, pod: Manifest) -> bool:
        del pod
        return False

    def ends_with(self, place: Place, stored: list[Manifest]) -> list[Manifest]:
        del place, stored
        return []

    def of_gang(self, name: str, obj: Manifest) -> bool:
        """Whether this object of the mechanism is about the gang of this name."""
        return bool(obj["metadata"]["name"] == name)

    def signs(self, name: str, objects: list[Manifest]) -> list[str]:
        return [said for o in objects if self.of_gang(name, o) for said in conditions(o)]


def when_partial(sentence: str) -> dict[str, str]:
    """The remedy for a mechanism that starts parts of gangs."""
    return {"starts_none_when_short": sentence}


def with_meta(pod: Manifest, *, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None,
              **spec: Any) -> Manifest:  # fmt: skip
    """A copy of a pod (or pod template) with these labels, annotations and fields of spec."""
    meta = dict(pod.get("metadata") or {})
    meta["labels"] = {**(meta.get("labels") or {}), **(labels or {})}
    if annotations:
        meta["annotations"] = {**(meta.get("annotations") or {}), **annotations}
    return {**pod, "metadata": meta, "spec": {**pod["spec"], **spec}}


def job(name: str, pod: Manifest, size: int, *, backoff: int = 20, labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None) -> Manifest:  # fmt: skip
    """A Job whose `size` pods are like this one; lost pods are replaced. Labels and annotations are the Job's own.

    It is not indexed, so that nothing else makes a gang of it: since 1.36 the Job controller can (gate
    WorkloadWithJob), for Indexed Jobs only.
    """
    meta: Manifest = {"name": name} | ({"labels": labels} if labels else {})
    meta |= {"annotations": annotations} if annotations else {}
    template: Manifest = {"metadata": dict(pod["metadata"]), "spec": pod["spec"]}
    template["metadata"].pop("name", None)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": meta,
        "spec": {"parallelism": size, "completions": size, "backoffLimit": backoff, "template": template},
    }


def made_for_job(name: str, obj: Manifest) -> bool:
    """Whether an object's owner is the Job of this name."""
    owners = obj["metadata"].get("ownerReferences") or []
    return any(o.get("kind") == "Job" and o.get("name") == name for o in owners)


def lacking(stored: Manifest, where: str, *keys: str) -> str:
    """`where` in words, if a pod template in it has nothing at this path of keys."""
    for template in pod_templates(stored):
        value: Any = template
        for key in keys:
            value = (value or {}).get(key)
        if not value:
            return where
    return ""


def unannotated(stored: Manifest, annotation: str) -> str:
    """The annotation in words, if the object itself does not bear it."""
    return "" if (stored["metadata"].get("annotations") or {}).get(annotation) else f"the annotation {annotation}"


def conditions(obj: Manifest) -> list[str]:
    """The conditions of an object, in words."""
    return [
        f"{obj.get('kind') or 'object'} condition {c.get('type')} is {c.get('status')} "
        f"({c.get('reason', '')}): {c.get('message', '')}"
        for c in (obj.get("status") or {}).get("conditions") or []
    ]


def phase(obj: Manifest) -> list[str]:
    """The phase of an object, in words, if it has one."""
    said = (obj.get("status") or {}).get("phase")
    return [f"{obj.get('kind') or 'object'} phase is {said}"] if said else []


def newest(inventory: Inventory, group: str, plural: str, known: tuple[str, ...]) -> str:
    """The first of these known versions that the API server serves; "" if none."""
    return next((v for v in known if inventory.serves(group, v, plural)), "")


def podgroups_served(inventory: Inventory, api: str) -> Detection:
    """Usable where the API server serves podgroups of this apiVersion ("GROUP/VERSION")."""
    group, _, version = api.partition("/")
    if not newest(inventory, group, "podgroups", (version,)):
        return Detection(usable=False, because=f"the API server does not serve podgroups of {api}")
    return Detection(usable=True, because=f"the API server serves podgroups of {api}", version=version)


def scheduler(place: Place, usual: str) -> str:
    """The name of the product's scheduler: the user's, or the one that its chart gives."""
    return str(place.detected.get("scheduler") or usual)
