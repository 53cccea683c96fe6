"""Google Cloud TPU: the device plugin's own metrics. Those of the runtime appear under load only †."""

from aiconform.checks.accelerator_metrics.families import Family, Values
from aiconform.checks.accelerator_metrics.via import NO_BURNER, Known

MECHANISM = Known(
    product="tpu",
    proved=NO_BURNER,
    families=(
        Family(
            name="tpu-device-plugin",
            utilisation=(Values(names=("duty_cycle", "tensorcore_utilization")),),
            memory=(Values(names=("memory_used",)),),
            identity=("accelerator_id",),
            only_under_load=True,
        ),
    ),
    ports=(2112,),
)
