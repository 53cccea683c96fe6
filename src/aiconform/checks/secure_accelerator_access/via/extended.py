"""By extended resource: from a device plugin, or served by DRA through a DeviceClass (KEP-5004)."""

from typing import Any

from aiconform.cluster.asking import Ask, ask
from aiconform.model import Accelerator, Detection, Inventory


class _Extended:
    product = "extended"

    def detect(self, inventory: Inventory) -> Detection:
        names = sorted({a.resource for a in inventory.accelerators if a.form != "dra"})
        said = f"resources: {', '.join(names)}" if names else "no node advertises an accelerator as a resource"
        return Detection(usable=bool(names), because=said)

    def first(self, accelerator: Accelerator, name: str) -> Ask:
        return ask(accelerator, 1, name)

    def fresh(self, accelerator: Accelerator, name: str) -> Ask:
        return ask(accelerator, 1, name)

    def borrowed(self, name: str) -> Ask | None:  # noqa: ARG002 - there is no object whose name could be used
        return None

    def admin(
        self,
        accelerator: Accelerator,  # noqa: ARG002
        name: str,  # noqa: ARG002
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        return None


MECHANISM = _Extended()
