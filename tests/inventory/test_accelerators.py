"""The vendors' adapters: who is recognised by what."""

import re

import pytest

from aiconform.inventory.accelerators import adapters, recognise


@pytest.mark.parametrize(
    ("resource", "driver", "vendor"),
    [
        ("nvidia.com/gpu", "", "nvidia"),
        ("nvidia.com/mig-1g.10gb", "", "nvidia"),
        ("", "gpu.nvidia.com", "nvidia"),
        ("deviceclass.resource.kubernetes.io/gpu.nvidia.com", "", "nvidia"),
        ("amd.com/gpu", "", "amd"),
        ("habana.ai/gaudi", "", "gaudi"),
        ("google.com/tpu", "", "tpu"),
        ("aws.amazon.com/neuroncore", "", "neuron"),
        ("huawei.com/Ascend910", "", "ascend"),
        ("gpu.intel.com/xe", "", "intel"),
        ("sim.aiconform.dev/accelerator-dra", "", "simulated"),
        ("", "accel.sim.aiconform.dev", "simulated"),
    ],
)
def test_recognises(resource: str, driver: str, vendor: str) -> None:
    found = recognise(resource, driver)
    assert found is not None
    assert found.vendor == vendor


@pytest.mark.parametrize(
    "resource",
    ["cpu", "example.com/gpu", "", "nvidia.com/hostdev", "deviceclass.resource.kubernetes.io/mine"],
)
def test_does_not_guess(resource: str) -> None:
    assert recognise(resource) is None
    assert recognise(driver="dra.net") is None


def test_each_adapter_can_be_probed() -> None:
    assert len({a.vendor for a in adapters()}) == len(adapters()) >= 8
    for adapter in adapters():
        assert re.fullmatch(r"[a-z0-9-]+", adapter.vendor)
        assert adapter.resources or adapter.drivers
        assert all(p.startswith("/dev/") for p in adapter.hints.device_paths)
        assert adapter.hints.device_paths


def test_shares_are_told_from_devices() -> None:
    nvidia = recognise("nvidia.com/gpu")
    assert nvidia is not None
    assert nvidia.shared("nvidia.com/gpu.shared", {})
    assert nvidia.shared("nvidia.com/gpu", {"nvidia.com/gpu.replicas": "4"})
    assert nvidia.shared("nvidia.com/gpu", {"nvidia.com/gpu.sharing-strategy": "mps"})
    assert not nvidia.shared("nvidia.com/gpu", {"nvidia.com/gpu.replicas": "1"})
    assert nvidia.model({"nvidia.com/gpu.product": "NVIDIA-H200-SHARED"}) == "NVIDIA-H200"


@pytest.mark.parametrize(
    ("resource", "part"),
    [("nvidia.com/mig-2g.10gb", "2g.10gb"), ("nvidia.com/mig-2g.10gb.shared", "2g.10gb"), ("nvidia.com/gpu", "")],
)
def test_a_share_of_a_partition_is_of_that_partition(resource: str, part: str) -> None:
    nvidia = recognise(resource)
    assert nvidia is not None and nvidia.part(resource, {}, "") == part
