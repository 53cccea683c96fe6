"""AMD Instinct: device plugin and DRA driver. Every holder gets /dev/kfd, which is shared by design."""

from collections.abc import Mapping
from typing import Any

from aiconform.inventory.accelerators import Adapter, first_label
from aiconform.model import ProbeHints


def _model(labels: Mapping[str, str]) -> str:
    return first_label(labels, "amd.com/gpu.product-name", "amd.com/gpu.family")


def _part(resource: str, attributes: Mapping[str, Any], _model: str) -> str:
    """The compute and memory partition ("cpx_nps4"); spx is the whole device."""
    name = resource.rpartition("/")[2]
    found = name if "_nps" in name else str(attributes.get("partitionProfile", ""))
    return "" if found.startswith("spx") else found


ADAPTER = Adapter(
    vendor="amd",
    # Partitions have resources of their own, named after the partition: amd.com/cpx_nps4 †.
    resources=("amd.com/gpu", "amd.com/*_nps[0-9]*"),
    drivers=("gpu.amd.com",),
    classes=("gpu.amd.com",),
    hints=ProbeHints(
        device_paths=("/dev/dri/renderD[0-9]*", "/dev/dri/card[0-9]*"),
        shared_paths=("/dev/kfd",),
        drivers=("drm", "kfd"),
        # Honoured by the AMD container toolkit's runtime †.
        hint_env={"AMD_VISIBLE_DEVICES": "all"},
        version_files=("/sys/module/amdgpu/version",),
    ),
    model=_model,
    model_labels=("amd.com/gpu.product-name",),
    presence_labels=("feature.node.kubernetes.io/amd-gpu",),
    part=_part,
    part_attribute="partitionProfile",
)
