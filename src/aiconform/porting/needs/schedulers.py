"""Schedulers that pods name. No API lists them; the product behind a name can be told by its APIs."""

from collections.abc import Iterator

from aiconform.inventory.products import table
from aiconform.model import Status
from aiconform.porting.answers import Answer
from aiconform.porting.scene import Scene

_DEFAULT = "default-scheduler"


def read(scene: Scene) -> Iterator[Answer]:
    """One answer for each pod with a scheduler of its own."""
    for pod in scene.pods:
        name = pod.spec.get("schedulerName")
        if name and name != _DEFAULT:
            status, because, row = _known(scene, str(name))
            yield Answer(
                kind="scheduler", name=str(name), owner=pod.owner, status=status, because=because, requirement=row
            )


def _known(scene: Scene, name: str) -> tuple[Status, str, str]:
    product = table()["schedulers"].get(name)
    signs = any(p["name"] == product for p in table()["products"])
    if product and any(p.name == product for p in scene.target.inventory.products):
        return Status.THERE, f"{product}, by its APIs", "gang_scheduling"
    if product and signs and scene.target.inventory.apis:
        return Status.MISSING, f"no API of {product} is served", "gang_scheduling"
    return Status.UNKNOWN, "an inventory does not list schedulers", ""
