"""Families: names, units and labels of exporters, and what is read out of them."""

from typing import Any

import pytest

from aiconform.checks.accelerator_metrics.families import Family, Reading, likely, readings, recognised
from aiconform.checks.accelerator_metrics.via import vendors
from aiconform.judging.metrics import parse

FAMILIES = {f.name: f for v in vendors() for f in v.families}
MIB = 2**20


def read(family: str, text: str) -> dict[str, tuple[float | None, float | None]]:
    found = readings(parse(text).samples, FAMILIES[family])
    return {device: (r.utilisation, r.memory) for device, r in found.items()}


@pytest.mark.parametrize(
    ("family", "text", "expected"),
    [
        (
            "dcgm",
            'DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1"} 40\nDCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu="0",UUID="GPU-1"} 0.5\n'
            'DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-1"} 2\n',
            {"GPU-1": (50.0, 2.0 * MIB)},
        ),
        # On MIG the plain utilisation says nothing, and each instance is a device.
        (
            "dcgm",
            'DCGM_FI_DEV_GPU_UTIL{UUID="GPU-1",GPU_I_ID="3"} 99\n'
            'DCGM_FI_PROF_GR_ENGINE_ACTIVE{UUID="GPU-1",GPU_I_ID="3"} 0.25\n'
            'DCGM_FI_DEV_FB_USED{UUID="GPU-1",GPU_I_ID="3"} 1\nDCGM_FI_DEV_FB_USED{UUID="GPU-1",GPU_I_ID="4"} 1\n',
            {"GPU-1/3": (25.0, 1.0 * MIB), "GPU-1/4": (None, 1.0 * MIB)},
        ),
        (
            "amd-device-metrics",
            'acme_gpu_gfx_activity{gpu_id="0"} 7\nacme_gpu_used_vram{gpu_id="0"} 3\n',
            {"0": (7.0, 3.0 * MIB)},
        ),
        (
            "opentelemetry",
            'hw_gpu_utilization_ratio{hw_id="a",hw_gpu_task="general"} 0.5\n'
            'hw_gpu_utilization_ratio{hw_id="a",hw_gpu_task="encoder"} 0.9\nhw_gpu_memory_usage_bytes{hw_id="a"} 5\n',
            {"a": (50.0, 5.0)},
        ),
        (
            "opentelemetry",
            '{"hw.gpu.utilization","hw.id"="a"} 0.5\n{"hw.gpu.memory.usage","hw.id"="a"} 5\n',
            {"a": (50.0, 5.0)},
        ),
        (
            "neuron-monitor",
            'neuroncore_utilization_ratio{neuroncore="0"} 0.5\nneuroncore_memory_usage_tensors{neuroncore="0"} 5\n'
            'neuroncore_memory_usage_constants{neuroncore="0"} 6\n',
            {"0": (50.0, 11.0)},
        ),
        ("habanalabs", 'habanalabs_utilization{UUID="u"} 5\nhabanalabs_memory_used_bytes{UUID="u"} 9\n', {"u": (5, 9)}),
        (
            "npu-exporter",
            'npu_chip_info_utilization{id="0",vdie_id="V"} 5\nnpu_chip_info_hbm_used_memory{id="0",vdie_id="V"} 1\n',
            {"V": (5.0, 1.0 * MIB)},
        ),
        (
            "tpu-device-plugin",
            'duty_cycle{accelerator_id="t-0"} 5\nmemory_used{accelerator_id="t-0"} 9\n',
            {"t-0": (5, 9)},
        ),
        (
            "xpu-manager",
            'xpum_engine_ratio{uuid="x",type="compute"} 5\nxpum_engine_ratio{uuid="x",type="media"} 8\n'
            'xpum_memory_used_bytes{uuid="x",sub_dev="0"} 9\nxpum_memory_used_bytes{uuid="x",sub_dev="1"} 1\n',
            {"x": (8.0, 10.0)},
        ),
        # No identity at all, and a value that is no number.
        ("dcgm", "DCGM_FI_DEV_GPU_UTIL 4\n", {"": (4.0, None)}),
        ("dcgm", 'DCGM_FI_DEV_GPU_UTIL{UUID="GPU-1"} NaN\n', {}),
    ],
)
def test_what_exporters_say(family: str, text: str, expected: dict[str, Any]) -> None:
    assert read(family, text) == expected
    if expected:
        assert recognised(text, FAMILIES.values())


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda f: f.name)
def test_no_family_takes_another_ones_metrics(family: Family) -> None:
    for other in FAMILIES.values():
        mine = [n for v in (*family.utilisation, *family.memory) for n in v.names if n.isidentifier()]
        assert other is family or not any(other.named(n) for n in mine)


def test_a_text_is_recognised_even_if_it_cannot_be_parsed() -> None:
    known = FAMILIES.values()
    assert recognised("# TYPE DCGM_FI_DEV_GPU_UTIL gauge\n", known) == ("dcgm",)
    assert recognised('DCGM_FI_DEV_GPU_UTIL{UUID="a"} 4%\n', known) == ("dcgm",)
    assert recognised("# the docs of DCGM_FI_DEV_GPU_UTIL\nup 1\n", known) == ()
    assert recognised("<html>DCGM_FI_DEV_GPU_UTIL</html>", known) == ()
    assert likely("acme_accel_utilisation 4\n") and not likely("process_resident_memory_bytes 4\nup 1\n")


@pytest.mark.parametrize(
    ("labels", "holder"),
    [
        ({"namespace": "a", "pod": "p"}, ("a", "p")),
        # A collector put the exporter's own beside those that the exporter told.
        ({"namespace": "gpu", "pod": "exporter", "exported_namespace": "a", "exported_pod": "p"}, ("a", "p")),
        ({"pod": ""}, ("", "")),
        ({"pod_name": "p", "pod_namespace": "a"}, ("a", "p")),
    ],
)
def test_the_holder_is_read_from_labels(labels: dict[str, str], holder: tuple[str, str]) -> None:
    assert Reading(1.0, 1.0, labels).holder() == holder
