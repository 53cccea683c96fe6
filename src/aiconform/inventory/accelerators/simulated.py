"""The lab's own accelerators (lab-go/cmd/simaccel): character devices of the kernel, without hardware."""

from aiconform.inventory.accelerators import Adapter
from aiconform.model import ProbeHints

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
)
