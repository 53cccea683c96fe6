"""The lab's own accelerators (lab-go/cmd/simaccel): character devices of the kernel, without hardware."""

from collections.abc import Mapping

from aiconform.inventory.accelerators import Adapter, first_label
from aiconform.model import ProbeHints

MODEL = "sim.aiconform.dev/model"


def _model(labels: Mapping[str, str]) -> str:
    return first_label(labels, MODEL)


ADAPTER = Adapter(
    vendor="simulated",
    resources=("sim.aiconform.dev/*",),
    drivers=("accel.sim.aiconform.dev",),
    classes=("sim-accelerator",),
    hints=ProbeHints(
        device_paths=("/dev/simaccel[0-9]*",),
        shared_paths=("/dev/simaccelctl",),
        # No `drivers`: the devices borrow the console's major number, which belongs to everybody.
        hint_env={"SIMACCEL_VISIBLE_DEVICES": "all"},
        identity_env="SIMACCEL_VISIBLE_DEVICES",
    ),
    model=_model,
    model_labels=(MODEL,),
    presence_labels=("sim.aiconform.dev/present",),
)
