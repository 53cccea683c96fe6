"""Intel GPUs (i915, xe): device plugin † and DRA driver †.

The plugin can advertise one card several times (shared-dev-num); neither the resource nor a label says so †.
"""

from collections.abc import Mapping

from aiconform.inventory.accelerators import Adapter, first_label
from aiconform.model import ProbeHints


def _model(labels: Mapping[str, str]) -> str:
    return first_label(labels, "gpu.intel.com/product")


ADAPTER = Adapter(
    vendor="intel",
    resources=("gpu.intel.com/i915", "gpu.intel.com/xe"),  # †
    drivers=("gpu.intel.com",),  # †
    classes=("gpu.intel.com",),  # †
    hints=ProbeHints(
        device_paths=("/dev/dri/renderD[0-9]*", "/dev/dri/card[0-9]*"),
        drivers=("drm",),
        version_files=("/sys/module/xe/version", "/sys/module/i915/version"),  # †
    ),
    model=_model,
    model_labels=("gpu.intel.com/product",),
)
