"""Google Cloud TPU: device plugin; a slice's host hands out its chips together."""

from collections.abc import Mapping

from aiconform.inventory.accelerators import Adapter, first_label
from aiconform.model import ProbeHints


def _model(labels: Mapping[str, str]) -> str:
    return first_label(labels, "cloud.google.com/gke-tpu-accelerator")


ADAPTER = Adapter(
    vendor="tpu",
    resources=("google.com/tpu",),
    drivers=("tpu.google.com",),  # †
    classes=("tpu.google.com",),  # †
    hints=ProbeHints(
        # Older generations have a driver of their own, newer ones go through VFIO groups †.
        device_paths=("/dev/accel[0-9]*", "/dev/vfio/[0-9]*"),
        shared_paths=("/dev/vfio/vfio",),
        drivers=("accel", "vfio"),  # †
    ),
    model=_model,
    model_labels=("cloud.google.com/gke-tpu-accelerator",),
)
