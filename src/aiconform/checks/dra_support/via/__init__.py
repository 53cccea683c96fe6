"""What an adapter for one version of resource.k8s.io offers: manifests and readings in that version's shape.

One module per version; each exports MECHANISM. Adapters never call the cluster and never judge.
"""

from typing import Any, Protocol

from aiconform.model import Mechanism

Manifest = dict[str, Any]


class DraApi(Mechanism, Protocol):
    """An adapter. `product` is the API version ("v1"); `api` is apiVersion as in a manifest."""

    product: str

    @property
    def api(self) -> str:
        """ "resource.k8s.io/v1"."""

    def request(
        self, device_class: str, *, count: int | None = 1, cel: str = "", admin: bool = False
    ) -> dict[str, Any]:
        """One entry of spec.devices.requests, named "device". With `count` None the API's defaults decide."""

    def claim(self, name: str, request: dict[str, Any]) -> Manifest:
        """A ResourceClaim with this one request."""

    def template(self, name: str, request: dict[str, Any]) -> Manifest:
        """A ResourceClaimTemplate with this one request."""

    def device_class(self, name: str, cel: str) -> Manifest:
        """A DeviceClass with this one selector."""

    def slice(self, name: str, driver: str, selector: dict[str, str]) -> Manifest:
        """A ResourceSlice with one device, on nodes with these labels (choose labels that no node has)."""

    def device(self, stored: dict[str, Any]) -> dict[str, Any]:
        """attributes, capacity, taints and so on of a device in a stored slice."""

    def asked(self, request: dict[str, Any]) -> dict[str, Any]:
        """The part of a stored request that holds deviceClassName, count, allocationMode and selectors."""
