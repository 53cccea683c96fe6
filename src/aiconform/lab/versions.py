"""What each minor version of Kubernetes must be told, so that labs of all of them offer the same.

Gates and API versions are those of the releases named in lab-go's go.mod files: KEP-4671 (gangs), KEP-5004 (extended
resources by DRA), KEP-3962 (mutating admission policies, which faults are made of).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .binaries import NEWEST
from .errors import LabError

# Of every process of the control plane.
_GATES = {
    "1.34": {"DRAExtendedResource": True, "MutatingAdmissionPolicy": True},
    "1.35": {"GenericWorkload": True, "DRAExtendedResource": True, "MutatingAdmissionPolicy": True},
    "1.36": {"GenericWorkload": True, "WorkloadWithJob": True, "DRAExtendedResource": True},
    "1.37": {"GenericWorkload": True, "WorkloadWithJob": True, "DRAExtendedResource": True},
}
# Of one component beside those; up to 1.36 the scheduler has a gate of its own for gangs.
_OWN = {
    ("1.34", "kubelet"): {"DRAExtendedResource": True},
    ("1.35", "kubelet"): {"DRAExtendedResource": True},
    ("1.35", "kube-scheduler"): {"GangScheduling": True},
    ("1.36", "kube-scheduler"): {"GangScheduling": True},
}
_APIS = {
    "1.34": {"admissionregistration.k8s.io/v1beta1": True},
    "1.35": {"admissionregistration.k8s.io/v1beta1": True, "scheduling.k8s.io/v1alpha1": True},
    "1.36": {"scheduling.k8s.io/v1alpha2": True},
    "1.37": {"scheduling.k8s.io/v1beta1": True, "scheduling.k8s.io/v1alpha3": True},
}
# The version of kinds that faults are written in -> the one that an older Kubernetes serves them in.
_OLDER = {
    ("1.34", "admissionregistration.k8s.io/v1"): "admissionregistration.k8s.io/v1beta1",
    ("1.35", "admissionregistration.k8s.io/v1"): "admissionregistration.k8s.io/v1beta1",
}
_MOVED = ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")


def gates(minor: str, component: str) -> dict[str, bool]:
    """The feature gates of a component (kube-apiserver, ..., kubelet)."""
    shared = {} if component == "kubelet" else _GATES[minor]
    return {**shared, **_OWN.get((minor, component), {})}


def apis(minor: str) -> dict[str, bool]:
    """API versions that the API server is told to serve beside its own choice."""
    return dict(_APIS[minor])


def written(settings: Mapping[str, bool]) -> str:
    """Gates or API versions as a flag's value."""
    return ",".join(f"{name}={str(on).lower()}" for name, on in settings.items())


def changed_gates(minor: str, component: str, wanted: Mapping[str, bool]) -> str:
    """The flag's value with some gates turned. Those that the component is not told about here are left out.

    So one fault fits versions whose gates differ. Raises LabError when nothing of it is left.
    """
    sound = gates(minor, component)
    known = {gate: on for gate, on in wanted.items() if gate in sound}
    if not known:
        raise LabError(
            f"the lab's {component} {minor} has none of the gates {', '.join(wanted)}: this fault is for another "
            f"version, such as `lab up --kubernetes {NEWEST}`"
        )
    return written({**sound, **known})


def changed_apis(minor: str, wanted: Mapping[str, bool]) -> str:
    """The flag's value with some API versions turned on or off."""
    return written({**apis(minor), **wanted})


def spoken(minor: str, document: dict[str, Any]) -> dict[str, Any]:
    """The document in an API version that this Kubernetes serves."""
    older = _OLDER.get((minor, document["apiVersion"]))
    return {**document, "apiVersion": older} if older and document["kind"] in _MOVED else document
