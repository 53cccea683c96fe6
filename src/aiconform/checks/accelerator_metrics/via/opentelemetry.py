"""Semantic conventions of OpenTelemetry for GPUs (status: development), for accelerators of any vendor.

Prometheus spells them with underscores and appends the unit; newer stores keep the dots.
"""

from aiconform.checks.accelerator_metrics.families import Family, Values
from aiconform.checks.accelerator_metrics.via import Known

MECHANISM = Known(
    product="opentelemetry",
    proved="names as Prometheus spells them, and units, tried on the lab's exporter in this format; names with dots by "
    "tests of the reader only",
    families=(
        Family(
            name="opentelemetry",
            utilisation=(
                # Encoders and decoders are tasks of their own, which no burner uses.
                Values(names=(r"hw[._]gpu[._]utilization(_ratio)?",), scale=100, where={r"hw_gpu_task": "(?!en|de).*"}),
            ),
            memory=(Values(names=(r"hw[._]gpu[._]memory[._]usage(_bytes)?",)),),
            identity=("hw_id", "hw.id", "id"),
            also={
                "temperature": r"hw[._](gpu[._])?temperature\w*",
                "power": r"hw[._](gpu[._])?power\w*",
                "interconnect": r"hw[._]gpu[._]io\w*",
            },
        ),
    ),
)
