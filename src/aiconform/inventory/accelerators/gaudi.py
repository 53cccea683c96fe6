"""Intel Gaudi: device plugin, DRA driver †, and a runtime of its own that reads a variable †."""

from aiconform.inventory.accelerators import Adapter
from aiconform.model import ProbeHints

ADAPTER = Adapter(
    vendor="gaudi",
    resources=("habana.ai/gaudi",),
    drivers=("gaudi.intel.com",),  # †
    classes=("gaudi.intel.com",),  # †
    hints=ProbeHints(
        # The first two since kernel 6.2 (the accel subsystem), the last two before it †.
        device_paths=(
            "/dev/accel/accel[0-9]*",
            "/dev/accel/accel_controlD[0-9]*",
            "/dev/hl[0-9]*",
            "/dev/hl_controlD[0-9]*",
        ),
        drivers=("accel", "habanalabs"),  # †
        hint_env={"HABANA_VISIBLE_DEVICES": "all"},  # †
        identity_env="HABANA_VISIBLE_DEVICES",  # †
        version_files=("/sys/module/habanalabs/version",),  # †
    ),
)
