"""Where the pods of an object are, whatever its kind: anything with a list of containers is a pod's spec.

Two kinds put their containers elsewhere, and have a shape of their own here (KServe's InferenceService, Kubeflow's
TrainJob).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiconform.porting.manifests import Object, listing, mapping
from aiconform.porting.textedit import Path

# Mappings of policies and schemas look like pods and are none.
_NO_PODS = ("kyverno.io", "gatekeeper.sh", "apiextensions.k8s.io", "admissionregistration.k8s.io")
# How many times a template below such a field is instantiated.
_COUNTS = ("replicas", "parallelism", "size", "numNodes")
_COMPONENTS = ("predictor", "transformer", "explainer")


@dataclass(frozen=True, eq=False, kw_only=True)
class Container:
    """A container. `resources` is the path of its resource requirements; `first`: it ends before the others begin."""

    path: Path
    data: Mapping[str, Any]
    resources: Path
    first: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Pod:
    """A pod's spec inside an object. `count`: how many of it run at once. `claims`: its kind takes resource claims.

    `meta` is the path of its metadata, where it has any.
    """

    owner: Object
    path: Path
    spec: Mapping[str, Any]
    meta: Mapping[str, Any] = field(default_factory=dict)
    containers: tuple[Container, ...]
    count: int = 1
    claims: bool = True

    def asks(self, container: Container) -> dict[str, Any]:
        """Resource -> amount, of one container: requests over limits, as the scheduler counts."""
        holder = self.resources(container)
        return {**mapping(holder.get("limits")), **mapping(holder.get("requests"))}

    def resources(self, container: Container) -> dict[str, Any]:
        """A container's resource requirements."""
        return mapping(at(self.owner.data, container.resources))


def at(data: Any, path: Path) -> Any:
    """What is at a path; None if it leads nowhere."""
    for name in path:
        if isinstance(data, dict):
            data = data.get(str(name))
        elif isinstance(data, list) and isinstance(name, int) and name < len(data):
            data = data[name]
        else:
            return None
    return data


def pods(owner: Object) -> list[Pod]:
    """Every pod spec of an object, outermost first."""
    if owner.group.endswith(_NO_PODS):
        return []
    if owner.group == "serving.kserve.io" and owner.kind == "InferenceService":
        return list(_services(owner))
    if owner.group == "trainer.kubeflow.org" and owner.kind == "TrainJob":
        return list(_training(owner))
    return [_pod(owner, path, spec) for path, spec in _specs(owner.data, ())]


def _specs(data: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    # The parser bounds the depth.
    if isinstance(data, dict):
        containers = data.get("containers")
        if isinstance(containers, list) and containers and all(isinstance(c, dict) for c in containers):
            yield path, data
            return
        for name, value in data.items():
            if name != "status":
                yield from _specs(value, (*path, name))
    elif isinstance(data, list):
        for n, value in enumerate(data):
            yield from _specs(value, (*path, n))


def _pod(owner: Object, path: Path, spec: Mapping[str, Any]) -> Pod:
    return Pod(
        owner=owner,
        path=path,
        spec=spec,
        meta=mapping(at(owner.data, (*path[:-1], "metadata"))),
        containers=tuple(_containers(path, spec)),
        count=_count(owner, path),
    )


def _containers(path: Path, spec: Mapping[str, Any]) -> Iterator[Container]:
    for kind in ("containers", "initContainers"):
        for n, c in enumerate(listing(spec.get(kind))):
            if isinstance(c, dict):
                where = (*path, kind, n)
                # A sidecar stays (KEP-753).
                first = kind == "initContainers" and c.get("restartPolicy") != "Always"
                yield Container(path=where, data=c, resources=(*where, "resources"), first=first)


def _count(owner: Object, path: Path) -> int:
    total = 1
    for depth in range(len(path)):
        holder = mapping(at(owner.data, path[:depth]))
        for name in _COUNTS:
            # A group has one leader, whatever its size.
            if name in holder and not (name == "size" and "leaderTemplate" in path):
                total *= min(_positive(holder[name]), _positive(holder.get("completions", holder[name])))
    return max(total, 1)


def _services(owner: Object) -> Iterator[Pod]:
    """InferenceService: the model's container is a field beside the pod's own ones."""
    for name in _COMPONENTS:
        for path in (("spec", name), ("spec", name, "workerSpec")):
            spec = mapping(at(owner.data, path))
            inner = [k for k, v in spec.items() if isinstance(v, dict) and k != "workerSpec" and _is_model(k, v)]
            own = [Container(path=(*path, k), data=spec[k], resources=(*path, k, "resources")) for k in inner]
            containers = (*own, *_containers(path, spec))
            if containers:
                count = _positive(spec.get("minReplicas"))
                yield Pod(owner=owner, path=path, spec=spec, containers=containers, count=count)


def _is_model(name: str, value: Mapping[str, Any]) -> bool:
    return name == "model" or "storageUri" in value or "resources" in value


def _positive(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 1


def _training(owner: Object) -> Iterator[Pod]:
    """TrainJob: resources per node stand with the trainer, the rest of the pod in overrides of a runtime's template."""
    trainer = mapping(at(owner.data, ("spec", "trainer")))
    if trainer:
        path: Path = ("spec", "trainer")
        only = Container(path=path, data=trainer, resources=(*path, "resourcesPerNode"))
        count = _positive(trainer.get("numNodes"))
        yield Pod(owner=owner, path=path, spec={}, containers=(only,), count=count, claims=False)
    for field_name in ("podTemplateOverrides", "podSpecOverrides"):
        for n, override in enumerate(listing(at(owner.data, ("spec", field_name)))):
            spec = mapping(mapping(override).get("spec"))
            path = ("spec", field_name, n, "spec")
            if spec:
                yield Pod(owner=owner, path=path, spec=spec, containers=tuple(_containers(path, spec)), claims=False)
