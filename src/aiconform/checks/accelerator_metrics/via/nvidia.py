"""NVIDIA: dcgm-exporter (port 9400). A MIG instance is told by its GPU_I_ID beside its parent's UUID."""

from aiconform.checks.accelerator_metrics.families import Family, Values
from aiconform.checks.accelerator_metrics.via import Burner, Known

_WHOLE = {"GPU_I_ID": ""}

MECHANISM = Known(
    product="nvidia",
    proved="burner tried against a stand-in for the driver library only, not yet on a real GPU; names and units tried "
    "on the lab's exporter in this format, MIG's included",
    families=(
        Family(
            name="dcgm",
            utilisation=(
                # Absent or 0 on MIG; old GPUs have no PROF metrics.
                Values(names=("DCGM_FI_DEV_GPU_UTIL",), where=_WHOLE),
                Values(names=("DCGM_FI_PROF_GR_ENGINE_ACTIVE",), scale=100),
            ),
            memory=(Values(names=("DCGM_FI_DEV_FB_USED",), scale=2**20),),
            identity=("UUID", "uuid", "gpu"),
            parts=("GPU_I_ID",),
            also={
                "temperature": "DCGM_FI_DEV_GPU_TEMP",
                "power": "DCGM_FI_DEV_POWER_USAGE",
                "interconnect": r"DCGM_FI_(PROF_(NVLINK|PCIE)|DEV_(NVLINK|PCIE))_\w+",
            },
        ),
    ),
    ports=(9400,),
    burner=Burner(
        script="burn_cuda.py",
        bytes=2 * 2**30,
        settings={"share": 0.5},
        # Without it some runtimes inject no driver library into an image that is not made for it.
        env={"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"},
        cpu="200m",
        memory="512Mi",
    ),
)
