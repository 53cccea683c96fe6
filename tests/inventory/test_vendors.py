"""What the survey makes of clusters as the vendors document them: vendors/*.yaml, each with what is expected.

A file holds nodes (labels, taints, allocatable), ResourceSlice specs, DeviceClasses, and the accelerators that must
come out, no more and no fewer.
"""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from aiconform.cluster.api import Answer, Cluster
from aiconform.inventory.find_accelerators import may_match
from aiconform.inventory.slices import Device
from aiconform.inventory.survey import survey
from aiconform.model import Accelerator, ApiResource, Inventory

Objects = list[dict[str, Any]]
FILES = sorted((Path(__file__).parent / "vendors").glob("*.yaml"))


class Documented:
    """As much of a cluster as the survey asks for, out of one file."""

    server_version = "v1.36.0"
    context = "documented"

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said

    async def discover(self) -> tuple[ApiResource, ...]:
        plurals = ("resourceslices", "deviceclasses")
        return tuple(
            ApiResource(group="resource.k8s.io", version="v1", plural=p, kind="", namespaced=False) for p in plurals
        )

    async def request(self, method: str, url: str) -> Answer:
        return Answer(404, None, "", {})

    async def list(self, api: str, plural: str, **_: Any) -> Objects:
        return cast(Objects, getattr(self, f"_{plural}")())

    def _nodes(self) -> Objects:
        return [
            {
                "metadata": {
                    "name": n["name"],
                    "uid": n["name"],
                    "labels": {"kubernetes.io/hostname": n["name"], **n.get("labels", {})},
                },
                "spec": {"taints": n.get("taints", []), "providerID": n.get("provider", "")},
                "status": {
                    "allocatable": n["allocatable"],
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "nodeInfo": {"kubeletVersion": "v1.36.0"},
                },
            }
            for n in self.said["nodes"]
        ]

    def _resourceslices(self) -> Objects:
        return [{"metadata": {"name": str(i)}, "spec": s} for i, s in enumerate(self.said.get("slices", []))]

    def _deviceclasses(self) -> Objects:
        named = {"extendedResourceName"}
        return [
            {
                "metadata": {"name": c["name"]},
                "spec": {"selectors": [{"cel": {"expression": c["cel"]}}]} | {k: c[k] for k in named & set(c)},
            }
            for c in self.said.get("classes", [])
        ]

    def _runtimeclasses(self) -> Objects:
        return []


def surveyed(path: Path) -> tuple[dict[str, Any], Inventory]:
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    return said, asyncio.run(survey(cast(Cluster, Documented(said))))


def brief(a: Accelerator) -> dict[str, Any]:
    """An accelerator as the files write it: what is usual is left out."""
    full = {
        "id": a.id,
        "vendor": a.vendor,
        "form": a.form,
        "resource": a.resource,
        "driver": a.driver,
        "device_class": a.device_class,
        "model": a.model,
        "nodes": a.nodes,
    }
    out = {k: v for k, v in full.items() if v}
    return out | ({"shared": True} if a.shared else {}) | ({} if a.recognised else {"recognised": False})


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_documented_cluster_is_understood(path: Path) -> None:
    said, inventory = surveyed(path)
    wanted = sorted(said["expect"], key=lambda a: str(a["id"]))
    assert [brief(a) for a in inventory.accelerators] == wanted
    assert [g.what for g in inventory.gaps] == said.get("gaps", [])
    for a in inventory.accelerators:
        assert (a.hints is not None) == a.recognised, "a probe needs hints, and guesses none"
        assert (a.form == "device-plugin") == (a.selector == ""), "what is free of a class is counted by its selectors"


def test_every_vendor_with_an_adapter_is_documented_here() -> None:
    found = {a["vendor"] for path in FILES for a in yaml.safe_load(path.read_text(encoding="utf-8"))["expect"]}
    assert {"nvidia", "amd", "intel", "tpu", "neuron", "gaudi", "ascend", "unknown"} <= found


DEVICE = Device(
    driver="gpu.nvidia.com", pool="p", name="d", nodes=("n",), capacity={}, tainted=False, shareable=False,
    attributes={"type": "mig", "index": 3, "healthy": True, "other.io/zone": "a"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "may"),
    [
        ("device.driver == 'gpu.nvidia.com'", True),
        ('device.driver == "gpu.amd.com"', False),
        ("device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'mig'", True),
        ("device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'gpu'", False),
        ("device.attributes['gpu.nvidia.com'].index == 3 && device.attributes['gpu.nvidia.com'].healthy == true", True),
        ("device.attributes['gpu.nvidia.com'].index == 4", False),
        ("device.attributes['other.io'].zone == 'b'", False),
        ("device.attributes['gpu.nvidia.com'].type == 'gpu' || device.driver == 'gpu.nvidia.com'", True),
        ("device.capacity['gpu.nvidia.com'].memory.compareTo(quantity('10Gi')) >= 0", True),
        ("", True),
    ],
)
def test_a_selector_leaves_out_only_what_it_surely_does(expression: str, may: bool) -> None:
    assert may_match(expression, DEVICE) is may
