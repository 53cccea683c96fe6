"""AMD: device-metrics-exporter (port 5000). The prefix of its names can be configured (amd_gpu_...)."""

from aiconform.checks.accelerator_metrics.families import Family, Values
from aiconform.checks.accelerator_metrics.via import NO_BURNER, Known

MECHANISM = Known(
    product="amd",
    proved=f"{NO_BURNER}; names, units and prefix tried on the lab's exporter in this format",
    families=(
        Family(
            name="amd-device-metrics",
            utilisation=(Values(names=(r"(\w+_)?gpu_gfx_activity",)),),
            memory=(Values(names=(r"(\w+_)?gpu_used_vram",), scale=2**20),),
            identity=("serial_number", "gpu_uuid", "gpu_id"),  # †
            parts=("gpu_partition_id",),  # †
            also={
                "temperature": r"(\w+_)?gpu_(junction|edge|memory)_temperature",
                "power": r"(\w+_)?gpu_(average_package_power|package_power|power_usage)",
                "interconnect": r"(\w+_)?(gpu_xgmi_\w+|pcie_bandwidth|pcie_bidirectional_bandwidth)",
            },
        ),
    ),
    ports=(5000,),
)
