"""What a workload uses beside a cluster's offers, and no inventory holds: Secrets, ConfigMaps, accounts, host paths."""

from collections.abc import Iterator
from typing import Any

from aiconform.porting.answers import Answer
from aiconform.porting.manifests import mapping
from aiconform.porting.pods import Pod
from aiconform.porting.scene import Scene, each

# Below a pod's spec: where a name stands, and of what.
_SPEC = (
    ("volumes.*.secret.secretName", "Secret"),
    ("volumes.*.configMap.name", "ConfigMap"),
    ("imagePullSecrets.*.name", "Secret"),
    ("serviceAccountName", "ServiceAccount"),
)
_CONTAINER = (
    ("env.*.valueFrom.secretKeyRef.name", "Secret"),
    ("env.*.valueFrom.configMapKeyRef.name", "ConfigMap"),
    ("envFrom.*.secretRef.name", "Secret"),
    ("envFrom.*.configMapRef.name", "ConfigMap"),
)


def read(scene: Scene) -> Iterator[Answer]:
    """No answers: notes of what has to be brought along. They decide nothing."""
    wanted: dict[tuple[str, str], None] = {}
    for pod in scene.pods:
        for kind, name in _names(pod):
            if not scene.brings(kind, name, pod.owner.namespace):
                wanted[kind, name] = None
        for _, path in each(pod.spec, "volumes.*.hostPath.path"):
            scene.note(f"{pod.owner.label} uses {path} of its node: an inventory does not hold what is there")
    for kind in sorted({k for k, _ in wanted}):
        names = ", ".join(sorted(n for k, n in wanted if k == kind))
        scene.note(f"not in the manifests, to be there before: {kind} {names}")
    yield from ()


def _names(pod: Pod) -> Iterator[tuple[str, str]]:
    holders: list[tuple[Any, tuple[tuple[str, str], ...]]] = [(pod.spec, _SPEC)]
    holders += [(mapping(c.data), _CONTAINER) for c in pod.containers]
    for data, table in holders:
        for where, kind in table:
            for _, name in each(data, where):
                # Every namespace has this one.
                if (kind, name) != ("ServiceAccount", "default"):
                    yield kind, str(name)
