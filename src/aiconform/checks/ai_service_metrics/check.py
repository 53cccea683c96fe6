"""Collection of metrics from AI services.

## What it asks
The platform's monitoring must discover and collect metrics from workloads that expose them in a standard format
(Prometheus text format or OpenMetrics).

## How it is proved
By a workload of its own, which says what a model server says: a counter of requests, a histogram of latencies, a
gauge of waiting requests, and a random number that it made itself (the nonce). What the store has is compared with
what the pod itself shows.

1. The collector is found by the kinds of its product (see the adapters), and what it demands of a target is read
   out of its own objects: label selectors, namespace selectors, matchExpressions. If there are none, pods are
   annotated with `prometheus.io/scrape`; whether such annotations count is looked up in the configuration that the
   store shows.
2. Two pods start, at first unregistered, and a third one that never will be. Each shows its metrics through the API
   server's proxy (canary). The store must not have them yet.
3. They are registered, in two groups, as the collector demands. Their series must come.
4. One pod is sent requests until it has served exactly 137, then 178. The store must show the same: the counter,
   every bucket of the histogram, its sum and count, the gauge, the nonce.
5. A second pod joins the registered group, on another node if there is one, and a third one whose port is closed.
   The second must be found without being told; where the store has `up`, the closed one must be 0 there.
6. The first group's registration is taken back while its pods go on. Their series must go stale. The other group,
   which is still registered, must not. Where the store has the series of the pod that nobody registered, the platform
   scrapes unasked: then the pods themselves are deleted instead.

The store is asked by the Service that the collector's objects name, or by Services that look like the Prometheus
API, all of them by GET through the API server's proxy. Where there is none, name it: `--metrics-url URL`, and if it
wants one a bearer token in a file, `--metrics-token-file FILE`. The URL is recorded, the token is not. It may be
any server of the Prometheus HTTP API: Thanos, Mimir, VictoriaMetrics, a cloud's. If your platform goes by annotations,
say so beside a URL: `--mechanism ai_service_metrics=annotations`.

Several collectors of one product: the first one that takes every namespace is tried; `--mechanism
ai_service_metrics=PRODUCT:NAMESPACE/NAME` names another.

## What a FAIL means
The pods showed their metrics, were registered as the collector's own configuration demands, the store answered and
had other series, and three scrapes were waited for; but theirs did not come, came with other values, under another
pod's name, or stayed for good.

## What it cannot see
Metrics that are pushed (OTLP, remote write) are not tested. Nor is the length of storage, and how many series the
platform bears. If the collector demands something that the suite may not do (it takes only namespaces of certain
names, or its own one; its account may not read new namespaces), if network policies stand in the new namespace, or
if it says that it found the pod and could not reach it, the answer is UNKNOWN. A store that needs another login
than a bearer token (such as AWS SigV4) cannot be asked directly: put a proxy before it. Prometheus resources with
several shards, or that listen on localhost, must be asked by a URL. Where a collector's own objects do not name a store
that can be asked (Google's; OpenTelemetry or an agent of VictoriaMetrics that writes through a proxy or elsewhere),
series that do not come into the stores that were found are UNKNOWN, until the store is named by `--metrics-url`. Of a
store that answers with samples that are older than six minutes it cannot be told whether it forgets: UNKNOWN. Where an
annotated job takes certain namespaces or labels only, or a store without such a job takes samples from others (remote
write), nothing says that annotations count: UNKNOWN, too. Whether pods may claim other pods' labels (`honor_labels`) is
told as a limit: the requirement does not speak of it. An operator's own flags are not read: where it is told to watch
certain namespaces only, and its collector's account may read all of them, its monitors are not taken up, and that is a
FAIL here.

## References
KAR 0061 of the Kubernetes AI Conformance program; Prometheus HTTP API v1 and exposition formats 0.0.4; Prometheus
Operator API monitoring.coreos.com/v1.
"""

from aiconform.model import Check, Clause, Deadline, Permission

CLAUSES = (
    Clause(
        id="scrapes_a_registered_pod",
        sentence="A pod that exposes metrics, and is registered as the collector demands, is scraped: its series come.",
        control="before it was registered the store had none of them, and the pod showed them when asked directly",
        remedy="Look at the collector's targets page for the pod, at its selectors, and at its log for permissions.",
    ),
    Clause(
        id="stores_what_the_pod_shows",
        sentence="The store has every metric of the pod (counter, histogram, gauge) with exactly the pod's values.",
        control="the pod showed its metrics directly at the same time, and they did not change any more",
        remedy="Look for relabelling that drops or renames metrics, for sample limits, and for downsampling.",
    ),
    Clause(
        id="follows_the_counter",
        sentence="When the pod has served more requests, the store's counter grows by exactly that number.",
        control="the pod's own counter had grown",
        remedy="Look whether the query address leads to a replica that does not get new samples.",
    ),
    Clause(
        id="tells_pods_apart",
        sentence="The series carry the name of the pod and of the namespace that they come from.",
        control="the pod does not write these labels itself",
        remedy="Let relabelling set namespace and pod from the discovered target, and from nowhere else.",
    ),
    Clause(
        id="finds_a_new_pod_by_itself",
        sentence="A second pod that joins a registered group is scraped without being told.",
        control="a pod of the same group that was there before is scraped, and the new one showed its metrics directly",
        remedy="Let the collector discover its targets from the Kubernetes API; look whether its watches are alive.",
    ),
    Clause(
        id="shows_a_broken_target",
        sentence="A registered pod whose port is closed is shown as down (`up` is 0), and is not passed over.",
        control="`up` is 1 for the pod beside it that answers",
        remedy="Look whether targets are dropped after failures, and whether `up` is rewritten.",
    ),
    Clause(
        id="forgets_an_unregistered_pod",
        sentence="When the registration is taken back, the pod's series go stale.",
        control="the pod still showed its metrics, and the series of a group that was still registered stayed fresh",
        remedy="Look whether the collector reloads its configuration, and whether static targets are kept beside it.",
    ),
)  # fmt: skip

PERMISSIONS = (
    Permission(group="", resources=("namespaces",), verbs=("create", "get", "delete"), scope="cluster"),
    Permission(group="", resources=("pods",), verbs=("create", "list", "watch", "delete"), why="what is scraped"),
    Permission(group="", resources=("pods/proxy",), verbs=("get",), why="what the pods themselves show"),
    Permission(group="", resources=("configmaps",), verbs=("create",), why="the probe's script"),
    Permission(
        group="",
        resources=("services/proxy",),
        verbs=("get",),
        scope="cluster",
        why="asks the store (not needed with --metrics-url)",
    ),
    Permission(
        group="networking.k8s.io",
        resources=("networkpolicies",),
        verbs=("list",),
        why="what may keep the collector out of a new namespace",
    ),
)

DEADLINES = {
    "canary": Deadline(seconds=180, reason="the probe image may have to be pulled on a cold node"),
    "before": Deadline(seconds=10, fast=3, reason="an unregistered pod is looked for this long, as a control"),
    "visible": Deadline(
        seconds=420, reason="the kubelet syncs an operator's Secret, its reloader looks every 3 min, and two scrapes"
    ),
    "grown": Deadline(seconds=180, reason="two scrapes, and the delay of a remote store"),
    "second": Deadline(seconds=300, reason="discovery of a new pod, and two scrapes"),
    "broken": Deadline(seconds=120, reason="as the second pod, which it came together with"),
    "stale": Deadline(
        seconds=600, reason="as for visible; then stores look back 5 min where they get no staleness marker"
    ),
}

CHECK = Check(
    requirement="ai_service_metrics",
    title="Collection of metrics from AI services",
    clauses=CLAUSES,
    over="some mechanism",
    permissions=PERMISSIONS,
    disruption="creates",
    deadlines=DEADLINES,
    minutes=4,
    page=__doc__ or "",
)
