"""Huawei Ascend NPUs: device plugin and a runtime of its own that reads a variable †."""

from collections.abc import Mapping

from aiconform.inventory.accelerators import Adapter, first_label
from aiconform.model import ProbeHints


def _model(labels: Mapping[str, str]) -> str:
    return first_label(labels, "node.kubernetes.io/npu.chip.name")  # †


ADAPTER = Adapter(
    vendor="ascend",
    # Virtual NPUs (templates) have names such as huawei.com/Ascend310P-4c †.
    resources=("huawei.com/Ascend*", "huawei.com/npu"),
    drivers=(),
    hints=ProbeHints(
        device_paths=("/dev/davinci[0-9]*", "/dev/vdavinci[0-9]*"),  # †
        shared_paths=("/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc"),  # †
        drivers=("devdrv-cdev", "davinci"),  # †
        # The runtime wants numbers, not "all" †; the first one is enough to show a bypass.
        hint_env={"ASCEND_VISIBLE_DEVICES": "0"},
        identity_env="ASCEND_VISIBLE_DEVICES",  # †
    ),
    model=_model,
    model_labels=("node.kubernetes.io/npu.chip.name",),  # †
)
