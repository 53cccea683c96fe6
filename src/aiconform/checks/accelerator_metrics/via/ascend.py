"""Huawei Ascend: npu-exporter (port 8082). The 910 family has HBM, others plain memory †."""

from aiconform.checks.accelerator_metrics.families import Family, Values
from aiconform.checks.accelerator_metrics.via import NO_BURNER, Known

MECHANISM = Known(
    product="ascend",
    proved=NO_BURNER,
    families=(
        Family(
            name="npu-exporter",
            utilisation=(Values(names=("npu_chip_info_utilization", "npu_chip_info_overall_utilization")),),
            memory=(
                Values(names=("npu_chip_info_hbm_used_memory",), scale=2**20),
                Values(names=("npu_chip_info_used_memory",), scale=2**20),
            ),
            identity=("vdie_id", "id"),
            also={
                "temperature": "npu_chip_info_temperature",
                "power": "npu_chip_info_power",
                "interconnect": r"npu_chip_info_(bandwidth|link)_\w+",
            },
        ),
    ),
    ports=(8082,),
)
