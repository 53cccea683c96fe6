"""Quotas that count accelerators by name: of namespaces and of queues. A quota of another name lets nothing through."""

from collections.abc import Iterator

from aiconform.model import Status
from aiconform.porting.answers import Answer
from aiconform.porting.choice import choose, want_resource
from aiconform.porting.manifests import Object, mapping
from aiconform.porting.scene import Scene, each


def read(scene: Scene) -> Iterator[Answer]:
    """One answer for each accelerator that a quota counts; what a quota should be is for people to say."""
    for owner in scene.objects:
        for resource in dict.fromkeys(_counted(owner)):
            want = want_resource(scene, resource)
            if want is None:
                continue
            choice = choose(scene, want)
            status, because = choice.status, choice.because
            if status is Status.RENAMED:
                what = f"claims of {choice.name}" if choice.by_class else choice.name
                status, because = Status.UNKNOWN, f"pods ask for {what} there: say by hand how many"
            yield Answer(kind="quota", name=resource, owner=owner, status=status, because=because)


def _counted(owner: Object) -> Iterator[str]:
    if owner.kind == "ResourceQuota":
        for name in mapping(mapping(owner.data.get("spec")).get("hard")):
            yield name.removeprefix("requests.").removeprefix("limits.")
    elif owner.group == "kueue.x-k8s.io" and owner.kind == "ClusterQueue":
        for _, name in each(owner.data, "spec.resourceGroups.*.coveredResources.*"):
            yield str(name)
