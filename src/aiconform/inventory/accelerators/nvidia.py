"""NVIDIA: whole GPUs, MIG instances, time-sliced and MPS replicas; device plugin and DRA driver."""

from collections.abc import Mapping

from aiconform.inventory.accelerators import Adapter, first_label
from aiconform.model import ProbeHints


def _shared(resource: str, labels: Mapping[str, str]) -> bool:
    """Replicas of one device: the renamed resource, or the labels of GPU feature discovery."""
    strategy = labels.get("nvidia.com/gpu.sharing-strategy", "none")
    replicas = labels.get("nvidia.com/gpu.replicas", "1")
    many = replicas.isdigit() and int(replicas) > 1
    return resource.endswith(".shared") or strategy not in ("", "none") or many


def _model(labels: Mapping[str, str]) -> str:
    # The feature discovery appends -SHARED to the product of a time-sliced device.
    return first_label(labels, "nvidia.com/gpu.product").removesuffix("-SHARED")


ADAPTER = Adapter(
    vendor="nvidia",
    resources=("nvidia.com/gpu", "nvidia.com/gpu.shared", "nvidia.com/mig-*"),
    drivers=("gpu.nvidia.com",),
    classes=("gpu.nvidia.com", "mig.nvidia.com", "vfio.gpu.nvidia.com"),
    hints=ProbeHints(
        # A MIG instance is reached through its parent's node plus its capability nodes.
        device_paths=("/dev/nvidia[0-9]*", "/dev/nvidia-caps/nvidia-cap[0-9]*"),
        shared_paths=(
            "/dev/nvidiactl",
            "/dev/nvidia-uvm",
            "/dev/nvidia-uvm-tools",
            "/dev/nvidia-modeset",
            "/dev/nvidia-nvswitchctl",
            "/dev/nvidia-caps-imex-channels/channel[0-9]*",
        ),
        # "nvidia-frontend" until driver 550, "nvidia" and "nvidiactl" after it †.
        drivers=("nvidia-frontend", "nvidia", "nvidiactl", "nvidia-uvm", "nvidia-caps", "nvidia-nvswitch"),
        hint_env={"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "all"},
        identity_env="NVIDIA_VISIBLE_DEVICES",
        identity_command=("nvidia-smi", "-L"),
        version_files=("/proc/driver/nvidia/version", "/sys/module/nvidia/version"),
    ),
    shared=_shared,
    model=_model,
)
