"""Measures how a survey grows with the cluster, beside a raw paged list of the same resources in the same run.

Makes a lab of its own, fills it with simulated nodes (each with a ResourceSlice of eight devices and ten pods), and
measures at each size. Writes `scale` into results.json (seconds, MiB), docs/images/survey.svg and docs/guide/scale.md.
Needs matplotlib for the plot.

    python bench/scale.py              200, 650 and 2,000 nodes
    python bench/scale.py --plot       only draws the figures that are there
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import yaml

from aiconform.cluster.connect import open_transport
from aiconform.cluster.kubeconfig import find
from aiconform.lab import Lab

HERE = Path(__file__).parent
NAME = "bench-scale"
SIZES = (200, 650, 2000)
PODS = 10
DRIVER = "gpu.scale.example.com"
# What a survey of this lab lists; the raw list reads the same.
LISTS = (
    "/api/v1/nodes",
    "/apis/resource.k8s.io/v1/resourceslices",
    "/apis/resource.k8s.io/v1/deviceclasses",
    "/apis/node.k8s.io/v1/runtimeclasses",
)


def node(number: int) -> dict[str, Any]:
    """A node object about as large as real ones are (6 kB)."""
    name = f"simulated-{number:05}"
    labels = {f"topology.example.com/level-{n}": f"value-{n}-{number % 50}" for n in range(20)}
    images = [{"names": [f"registry.example.com/team/image-{n}@sha256:{n:064x}"], "sizeBytes": n} for n in range(30)]
    conditions = [
        {"type": kind, "status": "True" if kind == "Ready" else "False", "reason": "Simulated", "message": "simulated"}
        for kind in ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
    ]
    amounts = {"cpu": "96", "memory": "1Ti", "pods": "110", "scale.example.com/gpu": "8"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {**labels, "kubernetes.io/hostname": name}},
        "spec": {"taints": [{"key": "simulated", "effect": "NoSchedule"}]},
        "status": {"capacity": amounts, "allocatable": amounts, "conditions": conditions, "images": images},
    }


def resource_slice(number: int) -> dict[str, Any]:
    """Eight devices of one node."""
    name = f"simulated-{number:05}"
    attributes = {"model": {"string": "Simulated 80"}, "driverVersion": {"version": "1.2.3"}}
    capacity = {"memory": {"value": "80Gi"}}
    devices = [
        {"name": f"gpu-{n}", "attributes": {**attributes, "uuid": {"string": f"{name}-{n}"}}, "capacity": capacity}
        for n in range(8)
    ]
    pool = {"name": name, "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": DRIVER, "nodeName": name, "pool": pool, "devices": devices}
    return {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": name}, "spec": spec}


def pod(number: int, which: int) -> dict[str, Any]:
    """A pod that is bound and never run."""
    container = {"name": "main", "image": "example.com/none:1", "resources": {"requests": {"cpu": "1"}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"pod-{number:05}-{which}", "namespace": "default", "labels": {"app": "simulated"}},
        "spec": {
            "nodeName": f"simulated-{number:05}",
            "containers": [container],
            "tolerations": [{"operator": "Exists"}],
        },
    }


async def fill(kubeconfig: Path, numbers: range) -> None:
    """Makes nodes, slices and pods, sixteen calls at a time."""
    target = find(str(kubeconfig), None)
    transport = await open_transport(target)
    gate = asyncio.Semaphore(16)
    async with httpx2.AsyncClient(transport=transport, base_url=target.server, timeout=60) as http:

        async def make(path: str, body: dict[str, Any]) -> None:
            async with gate:
                answer = await http.post(path, json=body)
                if answer.status_code not in (201, 409):
                    raise SystemExit(f"{path}: {answer.status_code} {answer.text[:300]}")

        await asyncio.gather(*(make("/api/v1/nodes", node(n)) for n in numbers))
        await asyncio.gather(*(make("/apis/resource.k8s.io/v1/resourceslices", resource_slice(n)) for n in numbers))
        pods = "/api/v1/namespaces/default/pods"
        await asyncio.gather(*(make(pods, pod(n, which)) for n in numbers for which in range(PODS)))


_SURVEY = """
import asyncio, json, resource, sys, time
from aiconform.cluster.connect import connect
from aiconform.inventory.survey import survey
async def main():
    cluster = await connect(sys.argv[1], None, suite_version="bench")
    start = time.perf_counter()
    found = await survey(cluster)
    seconds = time.perf_counter() - start
    await cluster.close()
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "rss_mib": rss, "nodes": len(found.nodes)}))
asyncio.run(main())
"""

_RAW = """
import asyncio, json, re, sys, time
import httpx2
from aiconform.cluster.connect import open_transport
from aiconform.cluster.kubeconfig import find
async def main():
    target = find(sys.argv[1], None)
    size = pages = 0
    async with httpx2.AsyncClient(transport=await open_transport(target), base_url=target.server, timeout=60) as http:
        await http.get("/version")
        start = time.perf_counter()
        for path in sys.argv[2:]:
            token = ""
            while True:
                answer = await http.get(path, params={"limit": 500, **({"continue": token} if token else {})})
                json.loads(answer.content)
                size, pages = size + len(answer.content), pages + 1
                found = re.search(rb'"continue":"([^"]+)"', answer.content[:2000])
                if not found:
                    break
                token = found[1].decode()
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "mib": size / 2**20, "pages": pages}))
asyncio.run(main())
"""


def measured(kubeconfig: Path, nodes: int, times: int = 5) -> dict[str, Any]:
    """One row of the table: medians of runs that take turns."""
    surveys, raws = [], []
    for _ in range(times):
        raws.append(_script(_RAW, str(kubeconfig), *LISTS))
        surveys.append(_script(_SURVEY, str(kubeconfig)))
    raw_s = statistics.median(r["seconds"] for r in raws)
    survey_s = statistics.median(s["seconds"] for s in surveys)
    return {
        "nodes": nodes,
        "pods": nodes * PODS,
        "listed_mib": round(raws[0]["mib"], 1),
        "raw_s": round(raw_s, 2),
        "survey_s": round(survey_s, 2),
        "over_raw": round(survey_s / raw_s, 2),
        "rss_mib": round(max(s["rss_mib"] for s in surveys)),
        "load": round(os.getloadavg()[0], 1),
    }


def _script(text: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", text, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def plot(rows: list[dict[str, Any]], target: Path) -> None:
    """Seconds and MiB over the number of nodes, as SVG."""
    from matplotlib import pyplot

    pyplot.rcParams["svg.hashsalt"] = "aiconform"
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(8, 3))
    nodes = [r["nodes"] for r in rows]
    left.plot(nodes, [r["raw_s"] for r in rows], "o--", label="raw paged list")
    left.plot(nodes, [r["survey_s"] for r in rows], "o-", label="survey")
    left.set(xlabel="nodes", ylabel="seconds", ylim=(0, None))
    left.legend()
    right.plot(nodes, [r["rss_mib"] for r in rows], "o-")
    right.set(xlabel="nodes", ylabel="peak memory of the survey, MiB", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


_PAGE = """# What a survey and a run cost the cluster

## A survey of a large cluster

Measured by `python bench/scale.py` on a lab with simulated nodes: each has a ResourceSlice of
eight devices and ten pods. The raw list reads the same objects page by page (500 a page) and decodes them, in the same
run on the same machine, by turns; seconds are medians of five. A survey also asks what the API server serves and what
the cluster offers by name (classes, queues, metrics), which takes the same time at each size. Pods are never listed.
The load is the machine's mean over a minute, with two processors: above 4 or so others used it, and ratios vary, too.

![Seconds and memory of a survey over the number of nodes](../images/survey.svg)

| nodes | pods | listed, MiB | raw list, s | survey, s | survey over raw list | peak memory, MiB | load |
|---|---|---|---|---|---|---|---|
{rows}

## The requests of a run

Of each attempt of a run of every MUST on the full lab, as the run itself counted them
(`python bench/api_requests.py RUN` does that for any run): requests, the opening of watches among them, and the bodies
of all but watches.

| attempt | requests | KiB |
|---|---|---|
{calls}
"""


def page(rows: list[dict[str, Any]], calls: dict[str, Any]) -> str:
    """The figures as a page of the docs."""
    asked = [f"| `{name}` | {c['requests']} | {c['kib']} |" for name, c in sorted(calls.items())]
    names = ("nodes", "pods", "listed_mib", "raw_s", "survey_s", "over_raw", "rss_mib", "load")
    lines = ["| " + " | ".join(str(r[n]) for n in names) + " |" for r in rows]
    return _PAGE.format(rows="\n".join(lines), calls="\n".join(asked))


def main() -> None:
    """Fills a lab step by step and measures at each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", action="store_true", help="only draw what was measured before")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    arguments = parser.parse_args()
    path = HERE / "results.json"
    results: dict[str, Any] = json.loads(path.read_text())
    if not arguments.plot:
        results["scale"] = grow(arguments.sizes)
        path.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")
    plot(results["scale"], HERE.parent / "docs" / "images" / "survey.svg")
    (HERE.parent / "docs" / "guide" / "scale.md").write_text(page(results["scale"], results["run"]["calls"]))
    print(yaml.safe_dump(results["scale"], sort_keys=False))


def grow(sizes: list[int]) -> list[dict[str, Any]]:
    """The rows, one for each size."""
    lab, rows, there = Lab(NAME), [], 0
    try:
        lab.up(print)
        # Nobody runs these nodes: what would find that out and remove their pods is off.
        lab.restart("kube-controller-manager", {"controllers": "serviceaccount-controller"})
        for size in sizes:
            start = time.monotonic()
            asyncio.run(fill(lab.kubeconfig, range(there, size)))
            print(f"{size} nodes and {size * PODS} pods after {time.monotonic() - start:.0f} s", file=sys.stderr)
            there = size
            rows.append(measured(lab.kubeconfig, size))
            print(rows[-1], file=sys.stderr)
    finally:
        lab.down(print)
    return rows


if __name__ == "__main__":
    main()
