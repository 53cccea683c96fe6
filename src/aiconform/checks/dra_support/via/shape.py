"""The shapes of resource.k8s.io: v1 and v1beta2 are alike; v1beta1 lacks two levels of nesting (KEP-4381)."""

from dataclasses import dataclass
from typing import Any

from aiconform.checks.dra_support.via import Manifest
from aiconform.model import Detection, Inventory

GROUP = "resource.k8s.io"
_REQUEST = "device"


@dataclass(frozen=True)
class Shape:
    """One version. `flat`: a request has no `exactly` level, and a slice's device has a `basic` one."""

    product: str
    flat: bool = False

    @property
    def api(self) -> str:
        return f"{GROUP}/{self.product}"

    def detect(self, inventory: Inventory) -> Detection:
        """Usable if the version serves claims."""
        served = inventory.serves(GROUP, self.product, "resourceclaims")
        because = f"the API server {'serves' if served else 'does not serve'} resourceclaims of {self.api}"
        return Detection(usable=served, because=because, version=inventory.server_version)

    def request(
        self, device_class: str, *, count: int | None = 1, cel: str = "", admin: bool = False
    ) -> dict[str, Any]:
        asked: dict[str, Any] = {"deviceClassName": device_class}
        if count is not None:
            asked |= {"allocationMode": "ExactCount", "count": count}
        if cel:
            asked["selectors"] = [{"cel": {"expression": cel}}]
        if admin:
            asked["adminAccess"] = True
        return {"name": _REQUEST} | (asked if self.flat else {"exactly": asked})

    def claim(self, name: str, request: dict[str, Any]) -> Manifest:
        return self._object("ResourceClaim", name, {"devices": {"requests": [request]}})

    def template(self, name: str, request: dict[str, Any]) -> Manifest:
        return self._object("ResourceClaimTemplate", name, {"spec": {"devices": {"requests": [request]}}})

    def device_class(self, name: str, cel: str) -> Manifest:
        return self._object("DeviceClass", name, {"selectors": [{"cel": {"expression": cel}}]})

    def slice(self, name: str, driver: str, selector: dict[str, str]) -> Manifest:
        body = {"attributes": {"kind": {"string": "none"}}, "capacity": {"memory": {"value": "1Gi"}}}
        rules = [{"key": k, "operator": "In", "values": [v]} for k, v in selector.items()]
        spec = {
            "driver": driver,
            "pool": {"name": name, "generation": 1, "resourceSliceCount": 1},
            "nodeSelector": {"nodeSelectorTerms": [{"matchExpressions": rules}]},
            "devices": [{"name": "none", **({"basic": body} if self.flat else body)}],
        }
        return self._object("ResourceSlice", name, spec)

    def device(self, stored: dict[str, Any]) -> dict[str, Any]:
        return dict(stored.get("basic") or {}) if self.flat else stored

    def asked(self, request: dict[str, Any]) -> dict[str, Any]:
        return request if self.flat else dict(request.get("exactly") or {})

    def _object(self, kind: str, name: str, spec: dict[str, Any]) -> Manifest:
        return {"apiVersion": self.api, "kind": kind, "metadata": {"name": name}, "spec": spec}
