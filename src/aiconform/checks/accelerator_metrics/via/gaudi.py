"""Intel Gaudi: the Prometheus metric exporter (port 41611) †."""

from aiconform.checks.accelerator_metrics.families import Family, Values
from aiconform.checks.accelerator_metrics.via import NO_BURNER, Known

MECHANISM = Known(
    product="gaudi",
    proved=NO_BURNER,
    families=(
        Family(
            name="habanalabs",
            utilisation=(Values(names=("habanalabs_utilization",)),),
            memory=(Values(names=("habanalabs_memory_used_bytes",)),),
            identity=("UUID", "uuid", "device"),
            also={
                "temperature": r"habanalabs_temperature_\w+",
                "power": "habanalabs_power_mW",
                "interconnect": r"habanalabs_(pcie_\w+|nic_port_status)",
            },
        ),
    ),
    ports=(41611,),
)
