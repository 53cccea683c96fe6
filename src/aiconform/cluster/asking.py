"""How a pod asks for accelerators, and the pod that runs a probe. Pure functions that make manifests."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiconform.model import Accelerator

Object = dict[str, Any]
SCRIPTS = "/aiconform"
"""Where the probe scripts of a ConfigMap are mounted."""
SELFSIGNED = "selfsigned.py"
"""A module for probe scripts: makes a certificate, with the standard library alone."""
SHARED = Path(__file__).parent / "shared" / "manifests"
_REQUEST = "accelerator"


@dataclass(frozen=True)
class Ask:
    """What it takes to get units of an accelerator.

    `objects` are created first (claim templates). `pod` is merged into pod.spec, `container` into a container.
    """

    objects: list[Object] = field(default_factory=list)
    pod: Object = field(default_factory=dict)
    container: Object = field(default_factory=dict)


def ask(accelerator: Accelerator, count: int, name: str, *, api: str = "resource.k8s.io/v1") -> Ask:
    """Asks for `count` units, all for one container. `name` names the claim template and the pod's claim.

    `count` 0 asks for nothing. DRA: a ResourceClaimTemplate, so that every pod gets a claim of its own.
    Device plugin and DRA-backed extended resource: equal requests and limits.
    """
    if count == 0:
        return Ask()
    if accelerator.form != "dra":
        units = {accelerator.resource: str(count)}
        return Ask(container={"resources": {"requests": units, "limits": dict(units)}})
    exactly = {"deviceClassName": accelerator.device_class, "allocationMode": "ExactCount", "count": count}
    # v1beta1 has no `exactly` level (KEP-4381).
    request = {"name": _REQUEST} | (exactly if api.endswith("/v1beta1") else {"exactly": exactly})
    template = {
        "apiVersion": api,
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": name},
        "spec": {"spec": {"devices": {"requests": [request]}}},
    }
    return Ask(
        objects=[template],
        pod={"resourceClaims": [{"name": name, "resourceClaimTemplateName": name}]},
        container={"resources": {"claims": [{"name": name}]}},
    )


def merge(base: Mapping[str, Any], *more: Mapping[str, Any]) -> Object:
    """A deep merge: maps are joined, lists are appended, anything else is replaced. Arguments stay as they are."""
    out = copy.deepcopy(dict(base))
    for other in more:
        for key, value in other.items():
            old = out.get(key)
            if isinstance(old, dict) and isinstance(value, Mapping):
                out[key] = merge(old, value)
            elif isinstance(old, list) and isinstance(value, list):
                out[key] = old + copy.deepcopy(value)
            else:
                out[key] = copy.deepcopy(value)
    return out


def tolerations(taints: Sequence[Mapping[str, Any]]) -> list[Object]:
    """Exactly these taints as tolerations, and not a blanket Exists: nothing else may move the pod elsewhere."""
    out = []
    for taint in taints:
        same: Object = {"key": taint["key"], "effect": taint["effect"]}
        value = taint.get("value")
        out.append(same | ({"operator": "Equal", "value": value} if value else {"operator": "Exists"}))
    return out


def shared_script(name: str) -> str:
    """The text of a module that scripts of several checks import."""
    return (SHARED / name).read_text(encoding="utf-8")


def script_map(name: str, scripts: Mapping[str, str]) -> Object:
    """A ConfigMap with probe scripts, file name -> text."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(scripts)}


def container(
    name: str,
    image: str,
    *,
    script_configmap: str = "",
    script_key: str = "",
    args: Sequence[str] = (),
    ask: Ask | None = None,
    cpu: str = "50m",
    memory: str = "64Mi",
    env: Mapping[str, str] | None = None,
) -> Object:
    """A container that runs a script of a ConfigMap with python3; without a script, `args` is the command."""
    command = ["python3", f"{SCRIPTS}/{script_key}", *args] if script_key else list(args)
    base: Object = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "resources": {"requests": {"cpu": cpu, "memory": memory}},
    }
    if env:
        base["env"] = [{"name": k, "value": v} for k, v in env.items()]
    if script_configmap:
        base["volumeMounts"] = [{"name": "aiconform-scripts", "mountPath": SCRIPTS, "readOnly": True}]
    return merge(base, ask.container) if ask else base


def pod(
    name: str,
    image: str,
    *,
    script_configmap: str = "",
    script_key: str = "",
    args: Sequence[str] = (),
    node: str = "",
    tolerations: Sequence[Mapping[str, Any]] = (),
    ask: Ask | None = None,
    cpu: str = "50m",
    memory: str = "64Mi",
    env: Mapping[str, str] | None = None,
    container_name: str = "probe",
    more_containers: Sequence[Object] = (),
    spec: Mapping[str, Any] | None = None,
) -> Object:
    """The standard probe pod: one container, never restarted, allowed by Pod Security level baseline.

    `node` is the value of its kubernetes.io/hostname label ("" leaves the choice to the scheduler).
    `spec` is merged into pod.spec last.
    """
    first = container(
        container_name, image, script_configmap=script_configmap, script_key=script_key, args=args, ask=ask, cpu=cpu,
        memory=memory, env=env,
    )  # fmt: skip
    base: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "enableServiceLinks": False,
        "containers": [first, *copy.deepcopy(list(more_containers))],
    }
    if node:
        base["nodeSelector"] = {"kubernetes.io/hostname": node}
    if tolerations:
        base["tolerations"] = [dict(t) for t in tolerations]
    if script_configmap:
        base["volumes"] = [{"name": "aiconform-scripts", "configMap": {"name": script_configmap}}]
    full = merge(base, ask.pod if ask else {}, spec or {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": full}
