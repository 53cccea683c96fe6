"""Accelerator metrics: utilisation and memory of every device, told as they are.

## What it asks
For every accelerator that a platform supports, at least one metrics solution can be installed that gives per-device
metrics at a machine-readable endpoint: utilisation and memory of each device. Temperature, power and interconnect
should be there where the hardware gives them; names should follow OpenTelemetry's conventions in the end.

## How it is proved
For each accelerator, on one node:

1. Sources are looked for, in this order: an endpoint that the user names; pods of the node that offer metrics (by
   the annotations `prometheus.io/scrape`, `port`, `path`, by a port whose name speaks of metrics, by the usual port
   of a known exporter, or, for pods of a DaemonSet, by any port), read through the API server's proxy; else a
   Prometheus or something that speaks as it does, asked through its Service.
2. Three scrapes before anything is asked for: as many devices as the node has, each with a sample of its utilisation
   and of its memory.
3. A plain pod runs first (the canary). Then a pod is granted one device, says which one it is, and does nothing: the
   idle time, in which the values must not depend on who holds what.
4. It allocates memory and computes. Utilisation must rise by 30 points, memory by what was allocated (a fifth more or
   less), within the deadline `react`. The pod reports how much it really computed: what it did not do is not
   looked for.
5. What moved must be the device that the pod was granted, by its identity, and no device that nobody used.
6. The pod is deleted: utilisation and memory must go back.

What an exporter calls its metrics is data: NVIDIA's dcgm-exporter (MIG instances by its profiling metric), AMD's
with any prefix, Google's TPU device plugin, AWS Neuron, Intel Gaudi and XPU Manager, Huawei's npu-exporter, and
OpenTelemetry. `--mechanism accelerator_metrics=VENDOR` insists on the names of one vendor; with an endpoint behind it,
`VENDOR:pods/NAMESPACE/NAME:PORT/metrics` or `VENDOR:services/NAMESPACE/NAME:PORT/metrics`, on that (a path that ends
in `/api/v1/query` is a store).

## What a FAIL means
An exporter that speaks a known language left out a device or one of its values, or did not follow a load that was
really there, or gave it to another device, or did not see it end. If several sources are there, one that works is
enough.

## What it cannot see
Whether values between nothing and full load are exact. Metrics under names that are not known: UNKNOWN
(unrecognised-accelerator), with the names that moved. A load can be put on simulated accelerators and on NVIDIA's; the
NVIDIA part has been tried against a stand-in for the driver library only, **not yet on a real GPU**. For
other vendors the first two clauses are judged, the others are UNKNOWN (probe-missing). On shared devices (time slices)
the device as a whole is judged, and a value that does not move is UNKNOWN, since others may use it. Stores that need
credentials of their own, or lie outside the cluster, cannot be asked. That series end when their exporter ends is not
tried: its DaemonSet brings it back within seconds; what keeps old values alive is found by the load and the release.

## References
KAR-0059; Prometheus exposition format 0.0.4 and OpenMetrics 1.0; OpenTelemetry semantic conventions for hardware
(GPU metrics, status development); the exporters' own lists of metrics.
"""

from aiconform.model import Check, Clause, Deadline, Permission

CLAUSES = (
    Clause(
        id="serves_readable_metrics",
        sentence="What an exporter of accelerators serves is in the format that it should be in.",
        remedy="Look at the line that is named: values are plain numbers, label values stand in quotes.",
    ),
    Clause(
        id="covers_every_device",
        sentence="Every device of the node is told of by itself, with its utilisation and its memory.",
        control="the node advertises this many devices",
        remedy="Let the exporter see all devices (its own requests, device filters, MIG settings) and enable the "
        "metrics of utilisation and memory, as samples and not only as HELP lines.",
    ),
    Clause(
        id="shows_utilisation",
        sentence="Utilisation rises when a pod computes on a device, and not already when it holds one.",
        control="the pod that held the device reported how much it computed",
        remedy="Check that the exporter reads the device and not the allocation, and that its backend (driver library, "
        "host engine) still answers.",
    ),
    Clause(
        id="shows_memory",
        sentence="Used memory rises by what a pod allocates on a device.",
        control="the pod reported how much it had allocated, and held the device before it did",
        remedy="Check the unit of the memory metric, and that it tells used memory, not the allocation or the total.",
    ),
    Clause(
        id="names_the_right_device",
        sentence="What moves is the device that was used, under its own identity, and no other one.",
        control="the pod knew by itself which device it had been granted",
        remedy="Check how the exporter orders and names devices (index, UUID, PCI address), and that it sums up none.",
    ),
    Clause(
        id="shows_the_release",
        sentence="When its holder is gone, a device's utilisation and memory go back.",
        control="both had been seen to move before, and the holder was seen to be gone",
        remedy="Look for caches in the exporter or the collector that keep old values alive.",
    ),
)

CHECK = Check(
    requirement="accelerator_metrics",
    title="Accelerator metrics",
    clauses=CLAUSES,
    over="every accelerator",
    permissions=(
        Permission(
            group="",
            resources=("pods",),
            verbs=("list",),
            scope="cluster",
            why="exporters on the node, and units that other pods ask for",
        ),
        Permission(group="", resources=("pods/proxy",), verbs=("get",), scope="cluster", why="to read exporters"),
        Permission(group="", resources=("services",), verbs=("list",), scope="cluster", why="stores of metrics"),
        Permission(group="", resources=("services/proxy",), verbs=("get",), scope="cluster", why="to ask stores"),
        Permission(
            group="",
            resources=("namespaces",),
            verbs=("create", "get", "delete"),
            scope="cluster",
            why="one of its own",
        ),
        Permission(
            group="",
            resources=("pods",),
            verbs=("create", "get", "list", "watch", "delete"),
            why="the pod that uses a device",
        ),
        Permission(group="", resources=("configmaps",), verbs=("create", "get", "delete"), why="the load's script"),
        Permission(group="", resources=("pods/log",), verbs=("get",), why="what the load reports"),
        Permission(
            group="resource.k8s.io",
            resources=("resourceclaimtemplates",),
            verbs=("create", "get", "delete"),
            why="to ask for a device by claim",
        ),
        Permission(
            group="resource.k8s.io",
            resources=("resourceclaims", "resourceslices", "devicetaintrules"),
            verbs=("list",),
            scope="cluster",
            why="to count the units that are free on the node",
        ),
        Permission(group="", resources=("nodes",), verbs=("get",), scope="cluster", why="the node's allocatable"),
    ),
    disruption="creates",
    deadlines={
        "canary": Deadline(seconds=180, reason="the probe's image is pulled on a cold node"),
        "accelerator_pod": Deadline(seconds=300, reason="device preparation; claims are retried"),
        "idle": Deadline(
            seconds=60, fast=12, reason="exporters sample every 30 s or so: two samples of an idle device"
        ),
        "react": Deadline(seconds=120, reason="an exporter's 30 s, a collector's 30 to 60 s"),
        "release": Deadline(seconds=120, reason="the same"),
        "lookback": Deadline(
            seconds=330, reason="a store may lag behind, and shows a series 5 min after its last sample"
        ),
        "deletion": Deadline(seconds=300, reason="grace periods and the driver's unprepare"),
        "answer": Deadline(seconds=10, reason="a port that answers nothing must not hold the others up"),
    },
    minutes=2.5,
    accelerators=(1, 1),
    page=__doc__ or "",
)
