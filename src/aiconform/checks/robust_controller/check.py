"""Robust controller: an AI operator runs, refuses wrong resources, and does what sound ones ask for.

## What it asks
At least one complex AI operator with kinds of its own can be installed and works: its pods run, its webhooks act, and
its resources are reconciled.

## How it is proved
Every operator that is found gets an attempt of its own; one that works is enough. The check installs nothing. What it
does to an operator is data (`manifests/<operator>.yaml`): a sound resource, wrong ones, what must come of it.

1. A plain pod with the probe image runs in the namespace of the run.
2. The operator's own pods (behind its webhooks' Services, or with the labels that the product gives them) are watched
   for two minutes. One must be Ready all the time, and none may be started again. What disturbs them may be an upgrade:
   then they are looked at a second time.
3. A wrong resource is created. A webhook of the operator must deny it; refusals by schema, rights, quotas and time-outs
   are told apart. The same resource put right must be accepted (as a dry run).
4. If no webhook of the operator was seen to deny something, one of the check's own takes its place: a server in a pod,
   registered for one label in the run's namespace. It must deny one object and allow another; a second pod shows that
   the server can be reached at all. Operators without webhooks pass with the limit that says so.
5. A sound resource is created. What the operator makes for it must name it as its owner, its pods must run, and its
   status must say so, for the present generation.
6. A twin whose pods fit on no node must never say that it is ready. Where the kind can end, one whose pods end at once
   must say that it is finished.
7. One of the things that it made is deleted: it must come again, or the resource must say that it failed.
8. The resource is changed (suspended and resumed, or made larger): its pods must follow.
9. The resource is deleted: it and all that was made for it must go.

An operator that no adapter knows can be described in a file: `--operator FILE`, in the words of `manifests/*.yaml`
(model/operator.py explains them). `aiconform rbac` does not know its kinds: add the rights to create, list, watch,
patch and delete them.

## What a FAIL means
The operator is installed, a plain pod runs, and something of the above did not happen in ample time. If only kinds are
served and nothing acts on them, the operator is not installed: UNKNOWN (mechanism-silent). So it is where an operator
that adopts kinds of others (Kueue) leaves them alone here. A webhook is the operator's own if its configuration is for
no kinds of other products: operators that adopt RayClusters or JobSets register webhooks for those, too.

## What it cannot see
Whether the operator's workload itself (Ray, PyTorch, a model server) works: pods of the probe image stand in for it. If
the operator's pods are not found, because the platform runs it outside of the cluster, its behaviour alone decides, and
a limit says so. `failurePolicy: Ignore` is a limit and no FAIL: what counts is that the wrong resource is refused.
What happens when the operator's leader is lost is not tried, since that would end a pod that is not the run's own.
The webhook canary makes its key itself: it never leaves its pod, and the run needs no right to Secrets.

## References
KAR 0063 of the Kubernetes AI Conformance program; Kubernetes: dynamic admission control, owners and dependents,
custom resources.
"""

from aiconform.model import Check, Clause, Deadline, Permission

CLAUSES = (
    Clause(
        id="keeps_the_operator_running",
        sentence="A pod of the operator is Ready all the time, and none is started again, for two minutes.",
        optional=True,
        when="the operator's pods are found; a platform may run it outside of the cluster",
        remedy="Look at the pod's last state and log: memory limits, lost leases and missing rights end operators.",
    ),
    Clause(
        id="refuses_wrong_resources",
        sentence="A resource that is wrong is refused by the operator's webhook, or reported where it has none.",
        control="the same resource, put right, was accepted",
        remedy="Check that the webhook's Service has endpoints, that its certificate is the one of caBundle, and that "
        "failurePolicy is Fail.",
    ),
    Clause(
        id="reaches_webhooks",
        sentence="The API server calls admission webhooks that run in the cluster.",
        control="another pod could call the same server",
        remedy="Open the way from the control plane to pods (firewall, security group, routes, konnectivity), and do "
        "not disable ValidatingAdmissionWebhook.",
    ),
    Clause(
        id="makes_what_resources_stand_for",
        sentence="A sound resource makes the operator create what it stands for, and its pods run.",
        control="a plain pod with the same image ran in the same namespace",
        remedy="Read the operator's log: it may lack rights, wait for its lease, or watch other namespaces only.",
    ),
    Clause(
        id="owns_what_it_makes",
        sentence="What is made for a resource names it as its owner.",
        remedy="Set the owner reference on every object that is made, so that it goes with its resource.",
    ),
    Clause(
        id="reports_the_true_state",
        sentence="The resource says that it is ready when its pods run, and only then.",
        control="the same resource with pods that can run did say so",
        remedy="Let the status come from the pods, for the generation that was seen.",
    ),
    Clause(
        id="repairs_what_is_taken_away",
        sentence="What is taken away from a resource is made again, or the resource says that it failed.",
        remedy="Let the operator watch what it makes, and not only its own kind.",
    ),
    Clause(
        id="follows_changes",
        sentence="A change of the resource is followed by its pods.",
        remedy="Let the operator compare what there is with the spec at every event.",
    ),
    Clause(
        id="removes_what_it_made",
        sentence="With a resource goes all that was made for it.",
        remedy="Look for finalizers that nobody takes away, and for children without an owner.",
    ),
)  # fmt: skip

PERMISSIONS = (
    Permission(group="", resources=("namespaces",), verbs=("create", "get", "delete"), scope="cluster"),
    Permission(
        group="",
        resources=("pods",),
        verbs=("list", "watch"),
        scope="cluster",
        why="the operator's own pods, by their labels",
    ),
    Permission(
        group="apps", resources=("deployments",), verbs=("list",), scope="cluster", why="whether it is installed"
    ),
    Permission(
        group="", resources=("services",), verbs=("get",), scope="cluster", why="which pods are behind a webhook"
    ),
    Permission(
        group="admissionregistration.k8s.io",
        resources=("validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
        verbs=("list",),
        scope="cluster",
        why="which webhooks the operator has registered",
    ),
    Permission(
        group="admissionregistration.k8s.io",
        resources=("validatingwebhookconfigurations",),
        verbs=("create", "delete"),
        scope="cluster",
        why="the webhook canary, for one label in the run's own namespace",
    ),
    Permission(group="", resources=("pods",), verbs=("create", "list", "watch", "delete"), why="canaries"),
    Permission(group="", resources=("pods/log",), verbs=("get",), why="what the webhook canary says"),
    Permission(group="", resources=("services",), verbs=("create",), why="the webhook canary"),
    Permission(
        group="", resources=("configmaps",), verbs=("create",), why="its scripts, and what it denies and allows"
    ),
    Permission(group="", resources=("events",), verbs=("list", "watch"), why="what controllers say of our objects"),
)

DEADLINES = {
    "canary": Deadline(seconds=180, reason="the probe image may have to be pulled on a cold node"),
    "own": Deadline(seconds=120, fast=30, reason="a pod that crashes is started again within two minutes, at most"),
    "webhook": Deadline(seconds=90, reason="a webhook whose pod is just replaced, on another node, answers again"),
    "reported": Deadline(seconds=60, reason="events come within seconds"),
    "made": Deadline(seconds=120, reason="an operator with a long queue takes its time"),
    "run": Deadline(seconds=300, reason="pods may wait for a node, and for the image on it"),
    "state": Deadline(seconds=120, reason="status follows the pods within seconds"),
    "truth": Deadline(seconds=20, fast=8, reason="as the sound twin was ready by then, twice over"),
    "finish": Deadline(seconds=300, reason="its pods may wait for the image on another node"),
    "repair": Deadline(seconds=120, reason="operators look at what they made when it changes"),
    "update": Deadline(seconds=180, reason="pods are ended, with their grace period, and started"),
    "deleted": Deadline(seconds=300, reason="finalizers, grace periods and garbage collection"),
    "calling": Deadline(seconds=60, reason="API servers take up a new webhook within seconds, all of them"),
}

CHECK = Check(
    requirement="robust_controller",
    title="A complex AI operator works",
    clauses=CLAUSES,
    over="some mechanism",
    permissions=PERMISSIONS,
    disruption="creates",
    deadlines=DEADLINES,
    minutes=3,
    page=__doc__ or "",
)
