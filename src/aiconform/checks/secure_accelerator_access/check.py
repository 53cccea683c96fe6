"""Secure accelerator access.

## What it asks
Only a container that was granted an accelerator can use it, and only the one it was granted. The grant goes
through the platform's own machinery: a device plugin or Dynamic Resource Allocation, and the runtime.

## How it is proved
On one node with free units (the best of three), for each way of asking for an accelerator (claim, extended
resource served by claims, device plugin), with unprivileged pods of an ordinary namespace:

1. A plain pod runs first (the canary), so that the image, the node and the admission rules are known to work.
2. A pod asks for one unit. A probe in its container opens what it finds; a second container of the same pod
   asked for nothing, and is told the device numbers that the first one got.
3. While that pod holds its unit, on the same node: a pod that asked for nothing; another holder; a pod whose
   image asks the runtime by the vendor's own variable, with the default runtime and with each RuntimeClass (six
   at most, the vendor's first; a limit names the others).
   Each of them opens every accelerator node it finds, and makes device nodes by hand for the holder's number
   and its neighbours and opens those. To open /dev/null by a hand-made node must work in the same container.
4. With claims: an admin-access claim in a namespace that was not labelled for it must be refused, and a pod of
   another namespace must not start on the holder's claim.
5. The holders are deleted. As many pods as there were free units (four at most) ask for one unit each, from the
   other namespace: all must run, and each must open a device.

## What a FAIL means
Something was opened that had not been granted, an identity was listed that was not the container's own, or a
unit did not come back. The control beside it worked: same image, same node, same tolerations.

## What it cannot see
Isolation of memory and caches between successive holders; files under /proc and /sys, which are not
namespaced and are not judged; control nodes that every holder shares by design (/dev/kfd, /dev/nvidiactl)
inside a holder. Exclusiveness of time-sliced units is not promised by anyone and not judged. A container with
a kernel of its own (gVisor, Kata) is not judged by device numbers. A grant that gives no device at all is the
driver's business: UNKNOWN here.

## References
KAR-0049; KEP-3063 and KEP-4381 (DRA, resource.k8s.io/v1), KEP-5004 (extended resources served by DRA), KEP-5018
(admin access); the kubelet's device plugin API v1beta1; Pod Security Standards, level baseline.
"""

from aiconform.model import Check, Clause, Deadline, Permission

# Free units from which on a holder of one asks the runtime for more: two others hold three.
HINTING_HOLDER = 4

CLAUSES = (
    Clause(
        id="gives_exactly_the_granted_device",
        sentence="A container that asks for one unit can open that one, and is given and told of no other.",
        control="the same image ran on the same node without a request",
        remedy="Let the device plugin or DRA driver inject the allocated devices only; look for a runtime or a "
        "policy that adds the others.",
    ),
    Clause(
        id="gives_nothing_without_a_request",
        sentence="A pod that asks for no accelerator can open none, while another pod on the node uses one.",
        control="a holder on the same node opened its device at that time",
        remedy="Remove what adds devices or privileges to every pod: a mutating policy, or a runtime default.",
    ),
    Clause(
        id="gives_nothing_to_the_neighbour_container",
        sentence="A container without a request cannot open the device of another container of its pod.",
        control="the other container of the same pod opened its device",
        remedy="Grant devices per container; look for policies that copy requests to every container of a pod.",
    ),
    Clause(
        id="gives_each_holder_its_own",
        sentence="Two holders on one node get different devices, and neither is told of the other's.",
        control="both holders opened a device at the same time",
        remedy="Check that the driver honours the allocated device ids, and that no two drivers offer one device.",
    ),
    Clause(
        id="denies_devices_made_by_hand",
        sentence="A device node that a container makes itself for a device it was not granted cannot be opened.",
        control="a node made by hand for /dev/null could be opened in the same container",
        remedy="Let the runtime's device rules (cgroup) allow the granted device numbers only, with no wildcard.",
    ),
    Clause(
        id="ignores_runtime_hints",
        sentence="An image cannot get an accelerator by asking the runtime for it, past Kubernetes.",
        control="the same pod without the variable ran, and a holder opened its device on that node",
        remedy="Make the runtime ignore the variable for unprivileged containers, and hand devices out by CDI or "
        "volume mounts; remove RuntimeClasses that still honour it.",
    ),
    Clause(
        id="refuses_admin_access",
        sentence="An admin-access claim is refused in a namespace that nobody labelled for it.",
        control="the same claim without admin access was accepted in the same namespace",
        remedy="Do not label namespaces resource.kubernetes.io/admin-access=true automatically; keep that label "
        "to administrators.",
    ),
    Clause(
        id="keeps_claims_in_their_namespace",
        sentence="A pod cannot start on a claim of another namespace.",
        control="the holder ran on that claim in its own namespace, and a pod with a claim of its own ran in the "
        "other one",
        remedy="Remove the controller that copies or shares claims between namespaces.",
    ),
    Clause(
        id="gives_a_released_device_back",
        sentence="When its holder is gone, a unit can be granted again, and the next holder can use it.",
        control="the first holder used it; a pod without a request was deleted at the same time and went away",
        remedy="Look at the driver's unprepare and health code: units must come back when the pod is gone.",
    ),
)

CHECK = Check(
    requirement="secure_accelerator_access",
    title="Secure accelerator access",
    clauses=CLAUSES,
    over="every accelerator",
    permissions=(
        Permission(
            group="",
            resources=("namespaces",),
            verbs=("create", "get", "delete"),
            scope="cluster",
            why="two namespaces of its own, to show that claims do not cross",
        ),
        Permission(
            group="",
            resources=("pods",),
            verbs=("create", "get", "list", "watch", "delete"),
            why="probe pods",
        ),
        Permission(group="", resources=("configmaps",), verbs=("create", "get", "delete"), why="the probe's script"),
        Permission(group="", resources=("pods/log",), verbs=("get",), why="the probes' answers"),
        Permission(
            group="resource.k8s.io",
            resources=("resourceclaims", "resourceclaimtemplates"),
            verbs=("create", "get", "delete"),
            why="requests by claim; one with admin access, which must be refused",
        ),
        Permission(
            group="resource.k8s.io",
            resources=("resourceclaims", "resourceslices", "devicetaintrules"),
            verbs=("list",),
            scope="cluster",
            why="to count the units that are free on the node",
        ),
        Permission(
            group="", resources=("pods",), verbs=("list",), scope="cluster", why="units that other pods ask for"
        ),
        Permission(group="", resources=("nodes",), verbs=("get",), scope="cluster", why="the node's allocatable"),
    ),
    disruption="creates",
    deadlines={
        "canary": Deadline(seconds=180, reason="the probe's image is pulled on a cold node"),
        "accelerator_pod": Deadline(seconds=300, reason="device preparation; claims are retried"),
        "plain_pod": Deadline(seconds=120, reason="the image is there already; slow nodes need some time"),
        "pending_window": Deadline(
            seconds=60, reason="the scheduler tries a waiting pod again after 10 s at most", fast=15
        ),
        "deletion": Deadline(seconds=300, reason="grace periods and the driver's unprepare"),
    },
    minutes=2.5,
    accelerators=(1, 4),
    page=__doc__ or "",
)
