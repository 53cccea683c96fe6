"""Intel GPUs: XPU Manager 1.x †. Version 2 speaks as OpenTelemetry does."""

from aiconform.checks.accelerator_metrics.families import Family, Values
from aiconform.checks.accelerator_metrics.via import NO_BURNER, Known

MECHANISM = Known(
    product="intel",
    proved=NO_BURNER,
    families=(
        Family(
            name="xpu-manager",
            # In percent by its source, of each engine: the busiest one counts.
            utilisation=(Values(names=("xpum_engine_group_ratio", "xpum_engine_ratio")),),
            memory=(Values(names=("xpum_memory_used_bytes",), add=True),),  # told by tile
            identity=("uuid", "pci_bdf", "dev_file"),
            also={
                "temperature": "xpum_temperature_celsius",
                "power": "xpum_power_watts",
                "interconnect": r"xpum_(pcie|fabric)_\w+",
            },
        ),
    ),
    ports=(29999, 9966),
)
