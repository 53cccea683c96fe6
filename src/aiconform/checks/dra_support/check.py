"""Dynamic Resource Allocation.

## What it asks
The cluster serves the APIs of Dynamic Resource Allocation (DRA), so that a workload can ask for devices by their
attributes and capacity, and not only for a number of them; and what is asked for in this way is what it gets.

## How it is proved
1. Discovery must list the four types (DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice) with all
   their verbs: in v1 for checklists from 1.34 on, in v1 or a beta version for 1.33.
2. One object of each type is created, read, listed, watched, changed and deleted. What is stored must hold all that
   was sent, and the API's own defaults.
3. A claim whose selector is no valid CEL must be refused, and so must a claim and a template with admin access in
   a namespace that nobody labelled for it. The same objects without the fault must be accepted.
4. A pod uses a template for a class that no device matches. A claim must be made for it, and the pod must not be
   bound for the whole window. The same pod without a claim is bound meanwhile.

Where a known driver, or one that was named with `--accelerator`, has published a complete pool of devices, it goes
on, with one free device on one node:

5. In the same window, with that device free: a claim for an attribute value that no device has, one for more
   capacity than any device has, and one for one device more than the node has, each with a pod, must all wait.
6. A pod asks, by a template, for one device by the attributes and capacity that the driver publishes. It must run
   on an advertised device that has them, the claim must be reserved for it, and its container must get a device
   node, compared with a plain pod on that node, and be told of no other device instead.
7. A second claim asks for that very device, by an attribute that only this one has. While the first pod lives
   it must stay unallocated for the whole window. When the first pod is deleted, it must be allocated, to that
   device, and its pod must run with it. Where four devices or more are free, one more pod asks meanwhile for
   another device by its own attributes; if something is given to it, it must be that device.

## What a FAIL means
A type or a version is missing; a request that must be refused was accepted; a pod was started without what it had
asked for, or with something else; one device was given to two claims; or a device that was free and advertised was
not given although plain pods ran on that node.

## What it cannot see
Without a driver nothing is allocated: the limit `api-level only` says so, and names drivers that were seen and not
tried. Whether a device that several claims may share is shared fairly. Fallback requests (firstAvailable), match
constraints across devices, partitions that share counters, and devices that are attached to several nodes at a
time. Admin access that is allowed (a labelled namespace) is not tried. If all devices are in use, the answer is
UNKNOWN (too-few-accelerators).

## References
KAR 0051 of the Kubernetes AI Conformance program; KEP-4381 (structured parameters), KEP-5018 (admin access) and
KEP-3063 of Kubernetes; API resource.k8s.io/v1 (on by default from 1.34), v1beta2 and v1beta1 (1.33, if enabled).
"""

from aiconform.model import Check, Clause, Deadline, Permission

TYPES = ("deviceclasses", "resourceclaims", "resourceclaimtemplates", "resourceslices")
VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")
_LATER = "a device of the same class was free on the node, and was given to the next pod that asked for one"

CLAUSES = (
    Clause(
        id="serves_the_api",
        sentence="The four types of resource.k8s.io are served with all their verbs, in the version that is asked for.",
        remedy="Enable the API version in the API server (--runtime-config=resource.k8s.io/v1=true; from Kubernetes "
        "1.34 on it is on unless it was turned off).",
    ),
    Clause(
        id="keeps_what_it_is_given",
        sentence="Objects of the four types are stored whole, with their defaults, and can be changed and watched.",
        remedy="Look for a webhook or admission policy that rewrites these objects, and for a CRD or an aggregated "
        "API in the place of the built-in one.",
    ),
    Clause(
        id="refuses_broken_selectors",
        sentence="A claim whose selector is no valid CEL expression is refused.",
        control="the same claim with a valid selector was accepted in the same namespace",
        remedy="Let the API server validate claims itself; look for a webhook that repairs them, or a CRD that "
        "takes anything.",
    ),
    Clause(
        id="refuses_admin_access",
        sentence="Admin access is refused in a namespace that nobody labelled for it, in claims and in templates.",
        control="the same claim and template without admin access were accepted in the same namespace",
        remedy="Do not label namespaces resource.kubernetes.io/admin-access=true automatically; keep that label to "
        "administrators.",
    ),
    Clause(
        id="makes_claims_from_templates",
        sentence="For a pod that names a template, a claim is made, and the pod's status names it.",
        remedy="Check that the controller resourceclaim-controller runs in kube-controller-manager and what it logs.",
    ),
    Clause(
        id="keeps_pods_waiting_for_their_claim",
        sentence="A pod whose claim no device can satisfy is not bound to a node.",
        control="the same pod without a claim was bound in the same window",
        remedy="Enable the DynamicResources plugin in every profile of the scheduler that handles these pods.",
    ),
    Clause(
        id="leaves_impossible_requests_waiting",
        sentence="A request for an attribute value or a capacity that no device has is not satisfied.",
        control=_LATER,
        remedy="Look for what rewrites or drops the selectors of claims, and for a scheduler or controller that "
        "allocates without evaluating them.",
    ),
    Clause(
        id="leaves_requests_for_too_many_waiting",
        sentence="A request for more devices than the node has is not satisfied, not even in part.",
        control=_LATER,
        remedy="Look for what rewrites the count of claims, and for phantom devices that are advertised twice.",
    ),
    Clause(
        id="allocates_by_attribute",
        sentence="A request by attributes and capacity gets an advertised device that has them.",
        remedy="Compare the claim's allocation with the ResourceSlices: the scheduler must evaluate the selectors of "
        "class and claim. If nothing was allocated, read the pod's PodScheduled message.",
    ),
    Clause(
        id="starts_the_pod_with_its_claim",
        sentence="The pod runs, and its claim is reserved for it.",
        remedy="Look at the kubelet's events for the pod (FailedPrepareDynamicResources) and at the driver's log on "
        "that node: devices that are advertised must be usable.",
    ),
    Clause(
        id="gives_the_container_its_device",
        sentence="The container of that pod gets a device node, of the device that was allocated.",
        control="a plain pod on the same node listed its device nodes",
        remedy="Check the CDI specs that the driver writes for the claim, that the runtime reads that folder, and that "
        "the driver does not advertise devices that do not exist.",
    ),
    Clause(
        id="gives_a_device_to_one_claim_at_a_time",
        sentence="While a pod holds a device, the same device is not given to another claim.",
        control="the second claim was allocated as soon as the first pod had gone",
        remedy="Only the scheduler may write status.allocation: look for other writers (resourceclaims/status in "
        "RBAC), and for a second scheduler that does not share the first one's view.",
    ),
    Clause(
        id="gives_a_released_device_again",
        sentence="When its pod is deleted, the device is given to the next claim, and works there.",
        control="a plain pod on the same node that was deleted at the same time went away",
        remedy="Look at the driver's unprepare code and at resourceclaim-controller: the claim's allocation must end "
        "with its pod.",
    ),
)

PERMISSIONS = (
    Permission(group="", resources=("namespaces",), verbs=("create", "get", "delete"), scope="cluster"),
    Permission(
        group="",
        resources=("pods", "configmaps"),
        verbs=("create", "get", "list", "watch", "delete"),
        why="probe pods and their script",
    ),
    Permission(group="", resources=("pods/log",), verbs=("get",), why="what the probes report"),
    Permission(group="", resources=("events",), verbs=("list",), why="why a pod does not start"),
    Permission(
        group="resource.k8s.io",
        resources=("resourceclaims", "resourceclaimtemplates"),
        verbs=("create", "get", "list", "watch", "patch", "delete"),
        why="the requests themselves, and the types' own verbs",
    ),
    Permission(
        group="resource.k8s.io",
        resources=("deviceclasses", "resourceslices"),
        verbs=("create", "get", "list", "watch", "patch", "delete"),
        scope="cluster",
        why="one object of each type, of a driver that does not exist; and what drivers advertise",
    ),
    Permission(
        group="resource.k8s.io",
        resources=("resourceclaims",),
        verbs=("list",),
        scope="cluster",
        why="which devices are free",
    ),
    Permission(
        group="resource.k8s.io",
        resources=("devicetaintrules",),
        verbs=("list",),
        scope="cluster",
        why="which devices an administrator keeps from being given",
    ),
    Permission(group="", resources=("nodes",), verbs=("get",), scope="cluster", why="which devices reach the node"),
)

DEADLINES = {
    "canary": Deadline(seconds=180, reason="the probe image may have to be pulled on a cold node"),
    "window": Deadline(
        seconds=60,
        reason="the scheduler tries a waiting pod again after 10 s at most; controllers react in seconds",
        fast=20,
    ),
    "claim_made": Deadline(seconds=60, reason="the claim controller reacts in seconds, and retries with backoff"),
    "start": Deadline(seconds=300, reason="device preparation, big nodes, and claims that are retried"),
    "release": Deadline(seconds=120, reason="unprepare, the claim's end, and one scheduler backoff of 10 s"),
    "diagnosis": Deadline(
        seconds=60,
        reason="a simpler request, to tell why the first one was not satisfied; as long as the window",
        fast=20,
    ),
    "gone": Deadline(seconds=300, reason="grace periods and the driver's unprepare"),
    "objects": Deadline(seconds=30, reason="watch events and deletions of small objects, on a busy API server"),
}

CHECK = Check(
    requirement="dra_support",
    title="Dynamic Resource Allocation",
    clauses=CLAUSES,
    over="every accelerator",
    permissions=PERMISSIONS,
    disruption="creates",
    deadlines=DEADLINES,
    minutes=3,
    accelerators=(0, 2),
    page=__doc__ or "",
)
