"""AWS Neuron (Trainium, Inferentia): device plugin and DRA driver †."""

from collections.abc import Mapping

from aiconform.inventory.accelerators import Adapter, first_label
from aiconform.model import ProbeHints


def _shared(resource: str, _labels: Mapping[str, str]) -> bool:
    # Cores of one chip are handed out separately, but the device node is the chip's.
    return resource.endswith("/neuroncore")


def _model(labels: Mapping[str, str]) -> str:
    return first_label(labels, "node.kubernetes.io/instance-type")


ADAPTER = Adapter(
    vendor="neuron",
    resources=("aws.amazon.com/neuron", "aws.amazon.com/neuroncore", "aws.amazon.com/neurondevice"),
    drivers=("neuron.aws.com",),  # †
    classes=("neuron.aws.com",),  # †
    hints=ProbeHints(
        device_paths=("/dev/neuron[0-9]*",),
        drivers=("neuron",),  # †
        hint_env={"AWS_NEURON_VISIBLE_DEVICES": "all"},  # read by oci-neuron-hook †
        identity_env="AWS_NEURON_VISIBLE_DEVICES",  # †
        version_files=("/sys/module/neuron/version",),  # †
    ),
    shared=_shared,
    model=_model,
)
