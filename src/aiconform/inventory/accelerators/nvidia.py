"""NVIDIA: whole GPUs, MIG instances, time-sliced and MPS replicas; device plugin and DRA driver."""

import re
from collections.abc import Mapping
from typing import Any

from aiconform.inventory.accelerators import Adapter, first_label
from aiconform.model import ProbeHints


def _shared(resource: str, labels: Mapping[str, str]) -> bool:
    """Replicas of one device: the renamed resource, or the labels of GPU feature discovery.

    Each resource has a label for its replicas; the strategy, which older versions do not tell, is the node's.
    """
    strategy = labels.get("nvidia.com/gpu.sharing-strategy", "none")
    replicas = labels.get(f"{resource}.replicas", "1")
    many = replicas.isdigit() and int(replicas) > 1
    return resource.endswith(".shared") or strategy not in ("", "none") or many


def _model(labels: Mapping[str, str]) -> str:
    # The feature discovery appends -SHARED to the product of a time-sliced device.
    return first_label(labels, "nvidia.com/gpu.product").removesuffix("-SHARED")


_MIG_RESOURCE, _MIG_MODEL = "nvidia.com/mig-", re.compile(r"-MIG-([0-9a-z.+]+)")


def _part(resource: str, attributes: Mapping[str, Any], model: str) -> str:
    """The MIG profile ("1g.10gb"): in the resource's name, in the device's attributes, or behind the product's name."""
    if resource.startswith(_MIG_RESOURCE):
        # A resource name has no place for the plus sign of "1g.10gb+me".
        return resource.removeprefix(_MIG_RESOURCE).removesuffix(".shared").replace(".me", "+me")
    if attributes.get("type", "gpu") != "gpu":
        return str(attributes.get("profile") or attributes["type"])
    found = _MIG_MODEL.search(model)
    return found[1] if found else ""


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
    model_labels=("nvidia.com/gpu.product",),
    presence_labels=("nvidia.com/gpu.present", "feature.node.kubernetes.io/pci-10de.present"),
    part=_part,
    part_attribute="profile",
)
