"""Random workloads between random clusters: what was ported once needs no edit more, and no edit goes unsaid."""

from typing import Any

import pytest
import yaml
from clusters import H100, by_claim, by_plugin, cluster, dra, node, offer, plugin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moving import after, move, objects

from aiconform.model import Inventory, Status
from aiconform.porting.errors import PortError

pytestmark = pytest.mark.slow

CLASSES = "storageclasses.storage.k8s.io"
SAME = {"provisioner": "p", "parameters": "q", "binding": "Immediate", "reclaim": "Delete"}
RESOURCES = ["nvidia.com/gpu", "nvidia.com/gpu.shared", "nvidia.com/mig-1g.10gb", "amd.com/gpu", "rdma/hca", "cpu"]


def mixed() -> Inventory:
    """Two vendors, whole devices, shares and partitions, by every way of asking."""
    red = [{"key": "team", "value": "red", "effect": "NoSchedule"}]
    nodes = [
        node("dra-1", {"nvidia.com/gpu.product": H100}, red),
        node("amd-1", allocatable={"amd.com/gpu": "8", "rdma/hca": "4"}),
        node("gpu-2", {"nvidia.com/gpu.product": "NVIDIA-A10"}, allocatable={"nvidia.com/gpu.shared": "40"}),
    ]
    mig = dra("mig.nvidia.com", attributes={"type": "mig"}, varying={"profile": ("1g.10gb", "2g.20gb")})
    shared = plugin("nvidia.com/gpu.shared", {"gpu-2": 40}, shared=True, model="NVIDIA-A10")
    amd = plugin("amd.com/gpu", {"amd-1": 8}, vendor="amd", model="MI300X")
    return cluster(nodes, [dra(), mig, shared, amd], [offer(CLASSES, "gold", **SAME)])


INVENTORIES = [by_plugin(offers=[offer(CLASSES, "fast", **SAME)]), by_claim(), mixed(), cluster([node("n")])]
AMOUNTS = st.dictionaries(st.sampled_from(RESOURCES), st.integers(1, 9), max_size=3)
CONTAINERS = st.builds(
    lambda name, limits, both: {
        "name": name,
        "image": "i",
        **({"resources": {"limits": limits, **({"requests": dict(limits)} if both else {})}} if limits else {}),
    },
    st.sampled_from(["a", "b"]),
    AMOUNTS,
    st.booleans(),
)
SPECS = st.builds(
    lambda containers, init, labels, tolerations: {
        "containers": containers,
        **({"initContainers": init} if init else {}),
        **({"nodeSelector": labels} if labels else {}),
        **({"tolerations": tolerations} if tolerations else {}),
    },
    st.lists(CONTAINERS, min_size=1, max_size=2),
    st.lists(CONTAINERS, max_size=1),
    st.dictionaries(
        st.sampled_from(["nvidia.com/gpu.product", "nvidia.com/gpu.present", "zone"]),
        st.sampled_from([H100, "true", "a"]),
        max_size=2,
    ),
    st.lists(st.sampled_from([{"key": "nvidia.com/gpu", "operator": "Exists"}]), max_size=1),
)


def workload(kind: str, spec: dict[str, Any], name: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "team"} if name == "w1" else {"name": name}
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": kind, "metadata": meta, "spec": spec}
    api = {"Job": "batch/v1", "Deployment": "apps/v1"}[kind]
    return {"apiVersion": api, "kind": kind, "metadata": meta, "spec": {"template": {"spec": spec}}}


CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "d"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "1Gi"}},
    },
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(["Pod", "Job", "Deployment"]), SPECS), min_size=1, max_size=3),
    st.sampled_from(INVENTORIES),
    st.sampled_from(INVENTORIES),
    st.sampled_from([True, False, None]),
    st.booleans(),
)
def test_once_is_enough_and_nothing_is_silent(
    made: list[tuple[str, dict[str, Any]]], source: Inventory, target: Inventory, flow: bool | None, as_list: bool
) -> None:
    docs = [workload(kind, spec, f"w{n}") for n, (kind, spec) in enumerate(made)] + [CLAIM]
    kept: list[Any] = [{"apiVersion": "v1", "kind": "List", "items": docs}] if as_list else docs
    # The dumper writes what is there twice as an anchor, which may rightly be refused.
    text = yaml.safe_dump_all(kept, default_flow_style=flow, sort_keys=False)
    try:
        once = move(text, target, source)
    except PortError as error:
        assert "&id" in text and "anchor" in str(error)
        return
    edits = [e for r in once.report.rows for e in r.edits]
    assert bool(edits) == (after(once) != text) == bool(once.report.diff)
    assert all(r.status is Status.RENAMED for r in once.report.rows if r.edits)
    again = move(after(once), target, source)
    assert after(again) == after(once), again.report.rows
    assert not any(r.edits for r in again.report.rows)
    # Nothing that was found is lost, and what was missing stays missing. The result is no workload of the source's any
    # more, which may excuse what it asks for now (a taint that its pods bear as well): without it there is no excuse.
    if once.report.status is Status.MISSING:
        again = move(after(once), target, None)
        assert again.report.status is Status.MISSING, again.report.rows
    else:
        assert again.report.status is not Status.MISSING, again.report.rows
    for found in objects(once):
        assert found["apiVersion"] and found["kind"]
