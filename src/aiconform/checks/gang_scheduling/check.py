"""Gang scheduling: all members of a group start together, or none does.

## What it asks
A platform must let a user install, or already have, at least one gang scheduling solution that works. A
distributed job whose members wait for each other must never hold accelerators with half of its members.

## How it is proved
On one node, with pods that really run and that find each other over TCP:

1. Canary: a plain pod with the probe image starts on the node and reaches another one over TCP.
2. With room for everybody, a gang of N starts. Every member runs at one common instant and reports that it
   reached every other one. N is at most 4 and at most the number of free accelerators.
3. A blocker, a plain pod outside the mechanism, takes accelerators until exactly N-1 are free.
4. Control: N plain pods of the same shape are created. Exactly N-1 of them run. So the room was there, and
   without a gang mechanism a part of the group would have started.
5. A gang of N is created. For the whole window, watched without a gap, no member may be bound to a node or
   start a container; the window is longer than the gang of step 2 took to get its first place. The mechanism must
   show that it has seen the gang.
6. The blocker is deleted. All N members must run, at one common instant, without a part of them being bound
   long before the others.
7. Steps 3 to 5 again, in a shorter window, short of cpu instead of accelerators: a mechanism that counts only
   accelerators fails.
8. With `--allow extended`: two gangs of N are created with their members interleaved while there is room for
   N, and both must finish; and a member of a running gang, made by a Job, is killed: it must come back, or the
   others must go.

With one free accelerator the gang has two unlike members: one asks for the accelerator, the other only for cpu.
A scheduler without gang scheduling starts the second one alone, and so does the control. Without any
accelerator in the cluster everything is done with cpu, and the limit `cpu-only` says so.

What decides is the greatest number of members that were bound at one time, taken from a watch; never a phase,
a condition or an event, because every mechanism shows the same ones while it does the wrong thing.

## What a FAIL means
Some members ran, or held devices, while the others could not; or a gang that had room never started although
plain pods of the same shape did; or members that ran could not reach each other.

## What it cannot see
Gangs that span nodes or topology domains, preemption between gangs, and queueing order. Kueue and other quota
mechanisms are judged at the level of their quota (limit `atomicity: quota`): the check keeps the quota equal
to what is really free. A node on which pods of others have a lower priority than the check's is not made short,
because the scheduler would end them (UNKNOWN, blocked-by). If other users take or free accelerators on the node
meanwhile, the answer is UNKNOWN (capacity-changed). A platform that serves the API but drops the pod's gang field,
or has no solution installed, is UNKNOWN, not FAIL: the requirement is that one can be installed.

## Mechanisms
Each mechanism that is found is tried, and one that works is enough. `--mechanism
gang_scheduling=NAME` insists on one; shapes such as JobSet, and products that have no API by which they could be
found, are tried only so. Mechanisms with a scheduler of their own are first asked to start a pod that is in no
gang: if no scheduler answers to the name, the answer is UNKNOWN (scheduler-silent); NAME:SCHEDULER gives another
one. Where accelerators are served by DRA, a second such pod asks for one: a scheduler that does not know how is
UNKNOWN (unrecognised-accelerator), and may pass with accelerators in another form.

Quota objects, where a mechanism has them, are the check's own, and go with it. They give the gangs no claim on what
other users hold; but KAI before 0.17 may still move preemptible pods of others to other nodes while a gang waits (its
consolidation).

YuniKorn is found by no API: it is tried with `--mechanism gang_scheduling=yunikorn`; where it makes no queue for a new
namespace, yunikorn:root.QUEUE names one. Its placeholder pods hold accelerators while a gang waits; they are no members
and do not count as such. The check asks for the style Hard: a gang that names none is Soft, and starts in part once its
placeholders have waited for their timeout (15 minutes).

Jobs as users send them can be tried, too: `kai-job` and `volcano-job` create a plain Job, and the product must make the
group, with the minimum that an annotation of the Job asks for.

## References
KAR 0053 of the Kubernetes AI Conformance program; KEP-4671 (gang scheduling) and KEP-5710 (workload-aware
preemption) of Kubernetes; API scheduling.k8s.io/v1beta1 PodGroup and pod spec.schedulingGroup as in
Kubernetes 1.37 (feature gate GenericWorkload in the API server and in the scheduler), v1alpha2 as in 1.36 and
v1alpha1 Workload and pod spec.workloadRef as in 1.35 (feature gate GangScheduling in the scheduler besides).
"""

from aiconform.model import Check, Clause, Deadline, Permission

_RAN_PLAIN = "N plain pods of the same shape on the same node at the same time: exactly N-1 of them ran"

CLAUSES = (
    Clause(
        id="starts_the_whole_gang",
        sentence="With room for all of them, every member of a gang starts.",
        remedy="Look at the messages of the waiting members and at the log of the gang scheduler: plain pods of "
        "the same shape did start on this node, so image, taints and devices are in order.",
    ),
    Clause(
        id="runs_all_members_at_once",
        sentence="There is one instant at which every member runs, and none was bound long before the others.",
        remedy="Let the scheduler bind the members of a group together. If they are released one after "
        "another, the first ones hold accelerators while they wait.",
    ),
    Clause(
        id="lets_members_meet",
        sentence="Every member reaches every other member over TCP at the address of its pod.",
        remedy="Check the pod network of the node, and network policies that apply to new namespaces: the "
        "members ran, but TCP between them did not work.",
    ),
    Clause(
        id="starts_none_when_short",
        sentence="No member of a gang is bound or started while there is no accelerator for one of them.",
        control=_RAN_PLAIN,
        remedy="Turn gang scheduling on in the scheduler that handles these pods, and look for webhooks and policies "
        "that change the group's minimum.",
    ),
    Clause(
        id="sees_the_waiting_gang",
        sentence="The mechanism has seen the gang that waits: it reports on it, or starts it when it can.",
        control="the same mechanism started a gang when there was room, and plain pods start now",
        remedy="Check that the gang scheduler runs, that the pods name it, and that it watches this namespace.",
    ),
    Clause(
        id="starts_it_when_room_returns",
        sentence="When the missing accelerators become free, the waiting gang starts, whole.",
        control="the free accelerators were counted after the blocker had gone: there was room for all",
        remedy="Check that the scheduler retries a waiting group when pods are deleted, and how long it backs off.",
    ),
    Clause(
        id="starts_none_when_short_of_cpu",
        sentence="No member of a gang is bound or started while there is no cpu for one of them.",
        control=_RAN_PLAIN + ", with every accelerator free and cpu for N-1",
        remedy="Let the mechanism count every resource that the members ask for, not only the accelerators.",
    ),
    Clause(
        id="finishes_two_competing_gangs",
        sentence="Two gangs whose members were created alternately, with room for one gang, both finish.",
        control="one gang of the same shape started alone, in the same room",
        optional=True,
        when="only with `--allow extended`, because it takes up to ten minutes more",
        remedy="Two half-started gangs wait for each other: let the scheduler admit whole groups only.",
    ),
    Clause(
        id="leaves_no_member_alone",
        sentence="When one member of a running gang is killed, it comes back, or no other member is left running.",
        control="the whole gang ran until the member was killed",
        optional=True,
        when="only with `--allow extended`, because it kills a pod of its own and waits up to five minutes",
        remedy="Let the controller of the workload replace the lost member, or restart or end the whole gang.",
    ),
)

PERMISSIONS = (
    Permission(group="", resources=("namespaces",), verbs=("create", "get", "delete"), scope="cluster"),
    Permission(
        group="",
        resources=("pods",),
        verbs=("create", "get", "list", "watch", "delete"),
        why="canary, blocker, control and members",
    ),
    Permission(group="", resources=("pods/log",), verbs=("get",), why="what the members report"),
    Permission(group="", resources=("configmaps",), verbs=("create", "delete"), why="the probe's scripts"),
    Permission(
        group="",
        resources=("pods",),
        verbs=("list",),
        scope="cluster",
        why="to count what is free on the node: cpu and accelerators that other pods ask for",
    ),
    Permission(group="", resources=("nodes",), verbs=("get", "list"), scope="cluster", why="allocatable, taints"),
    Permission(
        group="resource.k8s.io",
        resources=("resourceslices", "resourceclaims", "devicetaintrules"),
        verbs=("list",),
        scope="cluster",
        why="to count what is free, where accelerators are asked for by DRA",
    ),
    Permission(
        group="resource.k8s.io",
        resources=("resourceclaimtemplates", "resourceclaims"),
        verbs=("create", "get", "list", "watch", "delete"),
        why="accelerators that are asked for by DRA",
    ),
    Permission(
        group="networking.k8s.io",
        resources=("networkpolicies",),
        verbs=("list",),
        why="to tell a policy from a broken network when members cannot meet",
    ),
    Permission(
        group="batch",
        resources=("jobs",),
        verbs=("create", "get", "delete"),
        why="with --allow extended: a gang whose killed member can come back",
    ),
)

DEADLINES = {
    "canary": Deadline(seconds=180, reason="the probe image may have to be pulled on a cold node"),
    "start": Deadline(seconds=300, reason="device preparation, and claims that are retried"),
    "meet": Deadline(seconds=60, reason="a TCP handshake with every member, with retries each second"),
    "spread": Deadline(
        seconds=30, reason="sound mechanisms bind a gang within 0.2 s; a busy API server may need some seconds"
    ),
    "control": Deadline(seconds=120, reason="plain pods with an image that the node already has"),
    "window": Deadline(
        seconds=90, reason="longer than coscheduling's Permit time of 60 s and the scheduler's backoff of 10 s", fast=15
    ),
    "cpu_window": Deadline(
        seconds=30,
        reason="three times the scheduler's backoff: who does not count cpu binds at once, and how long a gang waits "
        "without giving way was seen when it was short of accelerators",
        fast=12,
    ),
    "settle": Deadline(seconds=20, reason="after a first member was bound: the others follow, or they do not"),
    "release": Deadline(
        seconds=420, reason="the native Permit time and the flush of unschedulable pods are 5 minutes each"
    ),
    "gone": Deadline(seconds=300, reason="grace periods, finalizers, and claims that are given back"),
    "pair": Deadline(seconds=600, reason="two gangs, one after the other, each with retries of the scheduler"),
    "alone": Deadline(seconds=300, reason="a controller's longest usual backoff; longer wastes accelerators"),
}

CHECK = Check(
    requirement="gang_scheduling",
    title="Gang scheduling",
    clauses=CLAUSES,
    over="some mechanism",
    permissions=PERMISSIONS,
    disruption="creates",
    deadlines=DEADLINES,
    minutes=5,
    accelerators=(0, 8),
    page=__doc__ or "",
)
