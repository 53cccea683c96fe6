"""By ResourceClaim (Dynamic Resource Allocation, resource.k8s.io/v1)."""

from typing import Any

from aiconform.cluster.asking import Ask, ask
from aiconform.model import Accelerator, Detection, Inventory

API = "resource.k8s.io/v1"


class _Dra:
    product = "dra"

    def detect(self, inventory: Inventory) -> Detection:
        served = inventory.serves("resource.k8s.io", "v1", "resourceclaims")
        drivers = sorted({a.driver for a in inventory.accelerators if a.form == "dra"})
        said = f"drivers: {', '.join(drivers)}" if drivers else "no driver publishes devices"
        return Detection(usable=served and bool(drivers), because=said if served else f"{API} is not served")

    def first(self, accelerator: Accelerator, name: str) -> Ask:
        """A claim of its own right, not one made from a template, so that its name is known beforehand."""
        return Ask(
            objects=[_claim(accelerator, name)],
            pod={"resourceClaims": [{"name": name, "resourceClaimName": name}]},
            container={"resources": {"claims": [{"name": name}]}},
        )

    def fresh(self, accelerator: Accelerator, name: str) -> Ask:
        return ask(accelerator, 1, name)

    def borrowed(self, name: str) -> Ask | None:
        return Ask(
            pod={"resourceClaims": [{"name": name, "resourceClaimName": name}]},
            container={"resources": {"claims": [{"name": name}]}},
        )

    def admin(self, accelerator: Accelerator, name: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        plain, asked = _claim(accelerator, f"{name}-plain"), _claim(accelerator, f"{name}-admin")
        # KEP-5018: only in namespaces labelled resource.kubernetes.io/admin-access=true.
        asked["spec"]["devices"]["requests"][0]["exactly"]["adminAccess"] = True
        return plain, asked


def _claim(accelerator: Accelerator, name: str) -> dict[str, Any]:
    exactly = {"deviceClassName": accelerator.device_class, "allocationMode": "ExactCount", "count": 1}
    return {
        "apiVersion": API,
        "kind": "ResourceClaim",
        "metadata": {"name": name},
        "spec": {"devices": {"requests": [{"name": "accelerator", "exactly": exactly}]}},
    }


MECHANISM = _Dra()
