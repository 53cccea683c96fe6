"""Cluster autoscaling: nodes with accelerators come when pods wait for them, and go when they are idle.

## What it asks
If a platform has a cluster autoscaler or something like it, pods that wait for accelerators of some type must
make it add nodes of that type, and such nodes must go again when nobody uses them.

## How it is proved
It costs one more machine with an accelerator, for half an hour or more on a real cloud. Therefore nothing is
tried without `--allow scales`. The check knows no product: it watches nodes by their uid. Adapters only read what
a product says about waits, limits and blockers.

1. A plain pod with the probe image runs on a node that is there. For a while no node may come or go.
2. Every free unit of the accelerator is taken by pods of the check, on the nodes that are there.
3. A pod (of a Deployment, without a hostname) asks for one more unit. The scheduler must say that it waits for
   the accelerator. Then a node with a new uid must come, become Ready and advertise the accelerator, and the pod
   must run on it; where the node runs code, the pod opens the device.
4. While that pod runs, another one asks for 999 units. As long as the first node had taken to come, and
   half as long again, and for a minute at least, no node may be added for it. In the same time no node that is in
   use may be removed; the pods carry the annotations that forbid their disruption. If a node did come, all of it is
   done a second time.
5. The pod is deleted. The added node, by its uid, must go; within half an hour, or within twice the delay that
   the product itself states.

A platform without an autoscaler: `--mechanism cluster_autoscaling=none` is the operator's statement of that. The
requirement is then NOT_APPLICABLE, provided that discovery finds nothing that speaks against it.

The accelerator is the one named by `--accelerator`, else one that nodes advertise now. A resource that no node
has yet (scale from zero) must be named: `--accelerator vendor.example/resource`. `--node-selector` narrows the test
to one group of nodes, so that fewer units must be held.

## What a FAIL means
No node came, or nodes without the accelerator, or one on which the pod could not run; or nodes came for a pod that
no machine can hold; or a node went while it was used; or the idle one stayed although nothing kept it.

## What it cannot see
Whether another type of accelerator scales as well, how prices or zones are chosen, and how large the group may
become. If the autoscaler says that a quota, a limit or a stock-out stops it, the answer is UNKNOWN (blocked-by). So
it is if pods of others hold the accelerator with a lower priority than the check's, because the scheduler would end
them for it; and if something else keeps the node: foreign pods (also those that come and go), a budget of zero, an
annotation. If it adds nothing and nobody said, by `--accelerator`, that this accelerator scales, the answer is
UNKNOWN (mechanism-silent); if nothing speaks for an autoscaler at all, UNKNOWN (mechanism-not-found). Simulated nodes
(KWOK) run no code: for accelerators of a known vendor the answer is then UNKNOWN (simulated-node), for simulated and
unknown ones the limit `simulated nodes` says so. That a node is kept while it is used is shown for the time of
step 4 only.

## References
KAR 0055 of the Kubernetes AI Conformance program; Cluster Autoscaler FAQ (scale-down times and events);
Karpenter API karpenter.sh/v1 (NodePool, NodeClaim); annotation cluster-autoscaler.kubernetes.io/safe-to-evict.
"""

from aiconform.model import Check, Clause, Deadline, Permission

CLAUSES = (
    Clause(
        id="adds_a_node_when_accelerators_run_out",
        sentence="A pod that waits for an accelerator that no node has free makes the platform add a node.",
        remedy="Check that the autoscaler runs, that a group or pool of it offers this accelerator, and what it "
        "writes in events on the waiting pod; a group of size zero must tell the autoscaler what its machines have.",
    ),
    Clause(
        id="adds_nodes_with_the_accelerator",
        sentence="The node that is added has the accelerator that the pod waits for, and advertises it.",
        remedy="Check that the group's machine type has the accelerator, and that driver and device plugin (or DRA "
        "driver) are installed on new nodes without help.",
    ),
    Clause(
        id="runs_the_waiting_pod_on_it",
        sentence="The waiting pod runs on the added node, and has its accelerator there.",
        remedy="Look at the pod's events and at the node's taints: startup taints must be taken away by whoever "
        "they wait for.",
    ),
    Clause(
        id="adds_none_for_an_impossible_pod",
        sentence="A pod that no machine can hold does not make the platform add nodes.",
        control="a pod that one machine can hold made it add a node, in less time than was watched here",
        remedy="Let the autoscaler simulate whether a pod fits on a new node before it adds one.",
    ),
    Clause(
        id="keeps_nodes_in_use",
        sentence="A node whose accelerators are used, by pods that forbid their disruption, is not removed.",
        control="the same node was removed when its pods had gone",
        remedy="Let scale-down look at running pods, and honour the annotations that forbid disruption.",
    ),
    Clause(
        id="removes_the_node_when_idle",
        sentence="The added node is removed when its pods have gone.",
        remedy="Look for what keeps the node (pods, budgets, annotations, finalizers), and at the log of the "
        "autoscaler for failed deletions.",
    ),
)  # fmt: skip

PERMISSIONS = (
    Permission(group="", resources=("namespaces",), verbs=("create", "get", "delete"), scope="cluster"),
    Permission(
        group="",
        resources=("nodes",),
        verbs=("get", "list", "watch"),
        scope="cluster",
        why="which nodes come and go, what they advertise, their taints",
    ),
    Permission(
        group="",
        resources=("pods",),
        verbs=("list", "watch"),
        scope="cluster",
        why="what is free, who else waits, and who keeps the added node busy",
    ),
    Permission(
        group="",
        resources=("pods",),
        verbs=("create", "list", "watch", "delete"),
        why="canary, fillers, and one that fits nowhere",
    ),
    Permission(group="", resources=("pods/log",), verbs=("get",), why="what the probe says of the device"),
    Permission(group="", resources=("configmaps",), verbs=("create", "delete"), why="the probe's script"),
    Permission(group="apps", resources=("deployments",), verbs=("create", "delete"), why="the pod that waits"),
    Permission(group="", resources=("events",), verbs=("list", "watch"), why="what the autoscaler says about our pods"),
    Permission(
        group="resource.k8s.io",
        resources=("resourceslices",),
        verbs=("list", "watch"),
        scope="cluster",
        why="what nodes advertise, where accelerators are asked for by DRA",
    ),
    Permission(
        group="resource.k8s.io",
        resources=("resourceclaims", "devicetaintrules"),
        verbs=("list",),
        scope="cluster",
        why="what is free, where accelerators are asked for by DRA",
    ),
    Permission(
        group="resource.k8s.io",
        resources=("resourceclaimtemplates",),
        verbs=("create", "delete"),
        why="accelerators that are asked for by DRA",
    ),
)

DEADLINES = {
    "canary": Deadline(seconds=180, reason="the probe image may have to be pulled on a cold node"),
    "settled": Deadline(seconds=120, reason="the nodes must not change by themselves before the test begins", fast=5),
    "start": Deadline(seconds=300, reason="device preparation, and claims that are retried"),
    "waiting": Deadline(seconds=60, reason="the scheduler says within seconds why a pod waits"),
    "added": Deadline(seconds=1200, reason="Cluster Autoscaler gives a machine 15 minutes; driver install takes 5"),
    "guess": Deadline(seconds=300, reason="where nothing speaks for an autoscaler, a shorter look must do"),
    "advertised": Deadline(seconds=600, reason="drivers and device plugins are installed after the node is Ready"),
    "impossible": Deadline(
        seconds=60,
        reason="at least a minute; in fact as long as a node took to come for a pod that fits, and half as long again",
        fast=15,
    ),
    "removed": Deadline(
        seconds=1800, reason="Cluster Autoscaler waits 10 minutes after an addition and 10 minutes of idleness"
    ),
    "gone": Deadline(seconds=300, reason="grace periods and finalizers of pods"),
}

CHECK = Check(
    requirement="cluster_autoscaling",
    title="Cluster autoscaling of accelerator nodes",
    clauses=CLAUSES,
    over="some mechanism",
    permissions=PERMISSIONS,
    disruption="scales",
    deadlines=DEADLINES,
    minutes=45,
    accelerators=(1, 16),
    page=__doc__ or "",
)
