"""Pod autoscaling: replicas with accelerators follow a metric of their own load.

## What it asks
The HorizontalPodAutoscaler works for pods that use accelerators, and it can scale on custom metrics that mean something
to AI workloads, not only on cpu and memory.

## How it is proved
A Deployment of one replica asks for one accelerator. Its probe exports a metric, `aiconform_load`, whose value the
suite sets, by HTTP through the API server's pod proxy. The values are random, so that no constant fits them.

1. A plain pod with the probe image runs first (the canary). The first replica runs and opens its accelerator.
2. The metric is registered as the platform does it: by a PodMonitor, VMPodScrape or PodMonitoring where these are
   served, else, and if nothing is seen by then, by the annotations prometheus.io/scrape and prometheus.io/port.
3. Before there is any autoscaler, the metrics API must show exactly the value that was set, and then another one.
4. An autoscaler comes: 1 to 5 replicas, target 50 a replica, no stabilisation. At a load of 50 it must hold still.
5. A Deployment of the same name and labels in another namespace exports 1000: nothing may move.
6. The load rises to between 86 and 97: two replicas, neither more nor fewer, and the new one has an accelerator.
7. The metric goes away: two replicas, as before; the autoscaler must say that it has no metric.
8. The metric comes back, and the load rises to between 135 and 147: three replicas, not five.
9. The load falls to 9: one replica.
10. Where one pod exports the whole load and the API allows it, the least number of replicas becomes 0. The load goes to
    0: no replica. It rises to between 21 and 44: one replica, which runs with an accelerator. With a single free
    accelerator this is the new replica that runs.

While nothing may move (4, 5, 7), and once a number is reached, the suite looks for some time. It ends early where
the autoscaler itself shows that it has decided often enough: its status names the number and the average that it
computed with, so the load is 50, 49 and 50 again; without a metric the count of its events grows.

Each mechanism that is found is tried; one that works is enough. With a metric of pods every replica has a value of its
own (only one of them changes at a time), so that a sum, a maximum or the first pod's value is not taken for the
average. With an external metric, a metric of an object, or KEDA, one pod without an accelerator exports the whole load.

KEDA needs the address of a Prometheus. It is looked for among the Services; `--mechanism pod_autoscaling=keda:URL`
names it. `--mechanism pod_autoscaling=object-metric` tries a metric of an object.

Where custom.metrics.k8s.io is not registered, `--mechanism pod_autoscaling=own-adapter` lets the suite bring it: a
server in a pod asks the replicas themselves, and is v1beta2.custom.metrics.k8s.io while the attempt lasts.
What is registered already is never replaced. The registration is the first thing that goes at the end, since without
its server no namespace of the cluster could end; a killed run leaves both to `aiconform clean` or the next run.

## What a FAIL means
The metrics API showed something that the pod had not exported; or it showed the right value and the replicas did not
become what the HorizontalPodAutoscaler's formula says; or they moved when nothing had changed; or a new replica ran
without an accelerator of its own. The same autoscaler was seen to work in the other steps.

## What it cannot see
Whether metrics of the accelerators themselves (utilisation, memory) can be scaled on: that is the business of the same
pipeline, and of accelerator_metrics. Scaling to and from zero by a metric of the replicas themselves: it goes with the
last one. Where a HorizontalPodAutoscaler may not go to zero, that is not asked for. With the suite's own metrics API,
whether the platform has one for its users: that is among the limits. A metric that is never seen is
UNKNOWN(metric-not-visible), because a platform need not scrape what it was not told of in its own way. With one free
accelerator the numbers are judged, but no second replica can run: UNKNOWN(too-few-accelerators), unless one started
from zero. What the platform does with an autoscaler that its policies have changed is UNKNOWN(admission-denied).

## References
KAR 0057 of the Kubernetes AI Conformance program; HorizontalPodAutoscaler autoscaling/v2 (algorithm, tolerance,
behaviour); custom.metrics.k8s.io and external.metrics.k8s.io; KEDA ScaledObject keda.sh/v1alpha1, Prometheus scaler.
"""

from aiconform.model import Check, Clause, Deadline, Permission

CLAUSES = (
    Clause(
        id="shows_the_exact_value",
        sentence="The metrics API that autoscalers read shows exactly the value that a pod exports.",
        control="the pod's own answer, read through the API server, had the value at that time",
        remedy="Look at the adapter's rules: one series per pod, no constant, no unit change, no second scrape of the "
        "same pod that is added to the first.",
    ),
    Clause(
        id="follows_a_change",
        sentence="When the exported value changes, the metrics API shows the new one.",
        control="the value before was shown exactly",
        remedy="Look for caches and delays between the collector and the metrics API.",
    ),
    Clause(
        id="holds_at_the_target",
        sentence="At exactly the target value the number of replicas does not change.",
        control="the autoscaler computed with the metric by then, and added a replica when the load rose",
        remedy="Look for something else that scales, and for values that the autoscaler gets and others do not.",
    ),
    Clause(
        id="keeps_namespaces_apart",
        sentence="The load of a workload of the same name in another namespace does not move this one.",
        control="the metrics API showed the other workload's load, and the same autoscaler moved on its own",
        remedy="Let the adapter select series by the namespace of the request.",
    ),
    Clause(
        id="scales_up_by_the_formula",
        sentence="A load of nearly twice the target makes two replicas of one, and no more.",
        remedy="Check that the HorizontalPodAutoscaler controller runs, that its account may read the metrics API and "
        "change the scale of Deployments, and what its conditions say.",
    ),
    Clause(
        id="gives_new_replicas_accelerators",
        sentence="A replica that the autoscaler adds runs, with an accelerator of its own.",
        control="the first replica, of the same template, opened its accelerator",
        remedy="Look at the pod's events and at the device plugin or DRA driver: each replica must get a unit of its "
        "own; look for policies that change pods made by controllers.",
    ),
    Clause(
        id="holds_when_the_metric_is_gone",
        sentence="Without the metric the number of replicas stays, and the autoscaler says that it has none.",
        control="the same autoscaler had added a replica before, and scaled again when the metric was back",
        remedy="Do not let the adapter answer 0, or an old value, for a metric that nobody exports.",
    ),
    Clause(
        id="scales_to_a_number_between",
        sentence="A load of nearly three times the target makes three replicas, and not as many as are allowed.",
        remedy="Let the adapter give each pod's own value (or the total for external metrics): the autoscaler computes "
        "the average itself.",
    ),
    Clause(
        id="scales_down",
        sentence="When the load falls, one replica stays.",
        remedy="Look for a floor, a policy that refuses fewer replicas, or a metric that never falls.",
    ),
    Clause(
        id="scales_to_none",
        sentence="Without any load no replica stays, where the autoscaler may go to none.",
        optional=True,
        when="where one pod exports the whole load, and the API takes a least number of 0 (KEDA; HPAScaleToZero)",
        remedy="Look at the events of the autoscaler: what takes the last replica away may be another controller, "
        "with rights of its own, than what counts the others.",
    ),
    Clause(
        id="starts_from_none",
        sentence="When there is a load again, one replica comes, and runs with an accelerator.",
        optional=True,
        when="where scales_to_none was shown",
        remedy="Look at what activates the workload (KEDA's operator, the HorizontalPodAutoscaler controller), at its "
        "rights, and at the pod's events.",
    ),
)

PERMISSIONS = (
    Permission(
        group="",
        resources=("namespaces",),
        verbs=("create",),
        scope="cluster",
        why="two, to show that they are apart; one for the suite's own metrics API",
    ),
    Permission(
        group="",
        resources=("pods",),
        verbs=("create", "list", "watch"),
        why="the replicas; a pod that exports the whole load",
    ),
    Permission(group="", resources=("pods/log",), verbs=("get",), why="what the probe says of the device"),
    Permission(group="", resources=("pods/proxy",), verbs=("create", "get"), why="setting and reading the load"),
    Permission(group="", resources=("configmaps",), verbs=("create",), why="the probe's script"),
    Permission(group="", resources=("events",), verbs=("list", "watch"), why="what the autoscaler says"),
    Permission(
        group="apps", resources=("deployments",), verbs=("create", "list", "watch", "patch"), why="what is scaled"
    ),
    Permission(
        group="autoscaling",
        resources=("horizontalpodautoscalers",),
        verbs=("list", "watch"),
        why="what the autoscaler decides, and why",
    ),
    Permission(
        group="resource.k8s.io",
        resources=("resourceclaimtemplates",),
        verbs=("create",),
        why="accelerators that are asked for by DRA",
    ),
    Permission(
        group="resource.k8s.io",
        resources=("resourceclaims", "resourceslices", "devicetaintrules"),
        verbs=("list",),
        scope="cluster",
        why="what is free, where accelerators are asked for by DRA",
    ),
    Permission(group="", resources=("pods",), verbs=("list",), scope="cluster", why="units that other pods ask for"),
    Permission(group="", resources=("nodes",), verbs=("get",), scope="cluster", why="the node's allocatable"),
    Permission(
        group="monitoring.coreos.com",
        resources=("prometheuses",),
        verbs=("list",),
        scope="cluster",
        why="which labels a PodMonitor must have to be seen",
    ),
    Permission(
        group="monitoring.coreos.com",
        resources=("podmonitors",),
        verbs=("create", "delete"),
        why="registering the probe, where the Prometheus operator is",
    ),
    Permission(
        group="operator.victoriametrics.com",
        resources=("vmagents",),
        verbs=("list",),
        scope="cluster",
        why="which labels a VMPodScrape must have to be seen",
    ),
    Permission(
        group="operator.victoriametrics.com",
        resources=("vmpodscrapes",),
        verbs=("create", "delete"),
        why="registering the probe, where VictoriaMetrics' operator is",
    ),
    Permission(
        group="monitoring.googleapis.com",
        resources=("podmonitorings",),
        verbs=("create", "delete"),
        why="registering the probe, where Managed Prometheus is",
    ),
)

DEADLINES = {
    "canary": Deadline(seconds=180, reason="the probe image may have to be pulled on a cold node"),
    "start": Deadline(seconds=300, reason="device preparation, and claims that are retried"),
    "visible": Deadline(
        seconds=480, reason="an operator's reloader may look every 3 min; two scrapes; the adapter lists metrics anew"
    ),
    "follow": Deadline(seconds=300, reason="scrape 30 s and query delay; managed pipelines take a minute or two"),
    "hold": Deadline(seconds=60, fast=15, reason="four times the autoscaler's default period of 15 s"),
    "apart": Deadline(seconds=45, fast=15, reason="three periods, after the other namespace's load is shown"),
    "decide": Deadline(seconds=180, reason="the period of 15 s, and caches of the autoscaler's own client"),
    "settle": Deadline(seconds=20, reason="one more period: the number that was reached must stay"),
    "stale": Deadline(seconds=360, reason="a series may be answered for five minutes after its last sample"),
    "missing": Deadline(seconds=60, fast=20, reason="four periods, after the metric is seen to be gone"),
    "down": Deadline(seconds=300, reason="no stabilisation is asked for; removing pods takes their grace periods"),
    "empty": Deadline(
        seconds=180, reason="as down; KEDA waits for its cooldown period, here 10 s, after its last poll"
    ),
}

CHECK = Check(
    requirement="pod_autoscaling",
    title="Autoscaling of pods with accelerators by custom metrics",
    clauses=CLAUSES,
    over="some mechanism",
    permissions=PERMISSIONS,
    disruption="creates",
    deadlines=DEADLINES,
    minutes=5,
    accelerators=(1, 3),
    page=__doc__ or "",
)
