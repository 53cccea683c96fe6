"""JobSet as the shape of a gang, over a mechanism that makes it one: one replicated Job for each kind of member."""

from aiconform.checks.gang_scheduling.via import Manifest
from aiconform.checks.gang_scheduling.via.defaults import LIVES, job, newest
from aiconform.checks.gang_scheduling.via.kueue import shapes
from aiconform.model import Detection, Inventory, Permission

_GROUP = "jobset.x-k8s.io"
_API = f"{_GROUP}/v1alpha2"
PERMISSION = Permission(group=_GROUP, resources=("jobsets",), verbs=LIVES, why="the members of a gang")


def with_jobset(found: Detection, inventory: Inventory) -> Detection:
    """`found`, if JobSet is there, too."""
    if not newest(inventory, _GROUP, "jobsets", ("v1alpha2",)):
        return Detection(usable=False, because=f"the API server does not serve jobsets of {_API}")
    return found


def jobset(name: str, pods: list[Manifest], *, labels: dict[str, str], backoff: int = 0) -> Manifest:
    """A JobSet of these pods. Members that are alike are the pods of one Job."""
    replicated = []
    for i, alike in enumerate(shapes(pods)):
        one = job("", alike[0], len(alike), backoff=backoff)
        replicated.append({"name": f"m{i}", "replicas": 1, "template": {"spec": one["spec"]}})
    return {
        "apiVersion": _API,
        "kind": "JobSet",
        "metadata": {"name": name, "labels": labels},
        # Members find each other by address: no headless Service is needed.
        "spec": {"network": {"enableDNSHostnames": False}, "replicatedJobs": replicated},
    }
