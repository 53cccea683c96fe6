"""AWS Neuron: neuron-monitor. Utilisation and memory are told by core, memory in several parts †."""

from aiconform.checks.accelerator_metrics.families import Family, Values
from aiconform.checks.accelerator_metrics.via import NO_BURNER, Known

MECHANISM = Known(
    product="neuron",
    proved=NO_BURNER,
    families=(
        Family(
            name="neuron-monitor",
            utilisation=(Values(names=("neuroncore_utilization_ratio",), scale=100),),
            memory=(Values(names=(r"neuroncore_memory_usage_\w+",), add=True),),
            identity=("neuroncore",),
            only_under_load=True,
        ),
    ),
    ports=(8000,),
)
