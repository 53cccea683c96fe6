"""Why something did not happen, read from what Kubernetes says. Pure functions."""

import re
from typing import Any

_IMAGE = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
     "RegistryUnavailable"}
)  # fmt: skip
# "0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't match ..."; a resource with a
# domain is a device. Claims: "cannot allocate all claims", "waiting for resource claim ...".
_NO_DEVICE = re.compile(r"Insufficient [a-z0-9.-]+\.[a-z]+/|cannot allocate all claims|resourceclaim", re.IGNORECASE)
# RBAC's own words (staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go).
_RBAC = re.compile(r'cannot \S+ resource "|cannot \S+ path "')


def refusal_code(status: int, message: str) -> str:
    """The code for a refused write: rbac-denied, admission-denied, not-served or refused."""
    if status == 403 and _RBAC.search(message):
        return "rbac-denied"
    if status == 403 or re.search(
        r"denied (the )?request|admission webhook|exceeded quota|violates PodSecurity", message
    ):
        return "admission-denied"
    return "not-served" if status == 404 else "refused"


def statuses(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """The status of every container, init containers first."""
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def why_not_running(pod: dict[str, Any]) -> str:
    """What the pod's status says about why it does not run: the most telling parts, "; " between them."""
    said = []
    for c in statuses(pod):
        state = c.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason") and waiting["reason"] not in ("PodInitializing", "ContainerCreating"):
            said.append(f"{c['name']}: {waiting['reason']} {waiting.get('message', '')}".strip())
        elif ended.get("exitCode"):
            text = f"{ended.get('reason', '')} {ended.get('message', '')}".strip()
            said.append(f"{c['name']} ended with exit code {ended['exitCode']} {text}".strip())
    status = pod.get("status") or {}
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            said.append(f"{condition.get('reason', '')}: {condition.get('message', '')}".strip(": "))
    if status.get("reason"):
        said.append(f"{status['reason']}: {status.get('message', '')}".strip(": "))
    if not said:
        bound = (pod.get("spec") or {}).get("nodeName")
        said.append(f"it is {status.get('phase', 'Pending')} {'on ' + bound if bound else 'without a node'}")
    return "; ".join(said)


def code_for(pod: dict[str, Any]) -> str:
    """One of image-unavailable, admission-denied, too-few-accelerators, deadline."""
    for c in statuses(pod):
        if ((c.get("state") or {}).get("waiting") or {}).get("reason") in _IMAGE:
            return "image-unavailable"
    why = why_not_running(pod)
    if re.search(r"exceeded quota|violates PodSecurity|denied the request", why):
        return "admission-denied"
    if "Unschedulable" in why and _NO_DEVICE.search(why):
        return "too-few-accelerators"
    return "deadline"
