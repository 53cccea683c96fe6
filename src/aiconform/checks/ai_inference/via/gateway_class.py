"""Any implementation, through its GatewayClass (gateway.networking.k8s.io/v1)."""

from typing import Any

from aiconform.checks.ai_inference.via import Manifest, Rule
from aiconform.model import Detection, Inventory

GROUP = "gateway.networking.k8s.io"
API = f"{GROUP}/v1"
_KINDS = ("gatewayclasses", "gateways", "httproutes")
# Controllers of classes that take no HTTP listener of an ordinary Gateway.
_MESH_ONLY = {
    "istio.io/mesh-controller": "a waypoint of a mesh",
    "istio.io/unmanaged-gateway": "a gateway of another cluster",
    "kgateway.dev/kgateway-waypoint": "a waypoint of a mesh",
    "networking.gke.io/gateway-mesh": "a mesh",
}
# Classes that span clusters need a fleet beside this cluster (GKE: names that end so).
_SEVERAL_CLUSTERS = "-mc"


class _GatewayClass:
    product = "gateway-class"
    named_in_cluster = True
    tried = "every accepted class"
    proved = "Envoy Gateway v1.8.0 with Envoy 1.40 (lab, CI), and a small gateway of the lab's own"

    def detect(self, inventory: Inventory) -> Detection:
        missing = [k for k in _KINDS if not inventory.serves(GROUP, "v1", k)]
        said = f"{API} is served" if not missing else f"{', '.join(missing)} of {API} are not served"
        return Detection(usable=not missing, because=said, facts={"grants": self._grants(inventory)})

    def _grants(self, inventory: Inventory) -> str:
        """The served version of ReferenceGrant: v1 came with Gateway API 1.5."""
        served = inventory.versions(GROUP, "referencegrants")
        return "v1" if "v1" in served else next(iter(served), "")

    def spared(self, name: str, controller: str) -> str:
        if controller in _MESH_ONLY:
            return _MESH_ONLY[controller]
        if controller.startswith("networking.gke.io/") and name.endswith(_SEVERAL_CLUSTERS):
            return "for several clusters"
        return ""

    def gateway(self, name: str, gateway_class: str, port: int) -> Manifest:
        listener = {
            "name": "http",
            "port": port,
            "protocol": "HTTP",
            "allowedRoutes": {"namespaces": {"from": "Same"}},
        }
        spec = {"gatewayClassName": gateway_class, "listeners": [listener]}
        return {"apiVersion": API, "kind": "Gateway", "metadata": {"name": name}, "spec": spec}

    def route(self, name: str, gateway: str, host: str, rules: tuple[Rule, ...]) -> Manifest:
        spec = {"parentRefs": [{"name": gateway}], "hostnames": [host], "rules": self.rules(rules)}
        return {"apiVersion": API, "kind": "HTTPRoute", "metadata": {"name": name}, "spec": spec}

    def rules(self, rules: tuple[Rule, ...]) -> list[Manifest]:
        return [_rule(r) for r in rules]

    def grant(self, name: str, route_namespace: str, service: str, version: str) -> Manifest:
        spec = {
            "from": [{"group": GROUP, "kind": "HTTPRoute", "namespace": route_namespace}],
            "to": [{"group": "", "kind": "Service", "name": service}],
        }
        return {"apiVersion": f"{GROUP}/{version}", "kind": "ReferenceGrant", "metadata": {"name": name}, "spec": spec}


def _rule(rule: Rule) -> Manifest:
    match: dict[str, Any] = {"path": {"type": "PathPrefix", "value": "/"}}
    if rule.headers:
        match["headers"] = [{"type": "Exact", "name": k, "value": v} for k, v in rule.headers.items()]
    where = {"namespace": rule.namespace} if rule.namespace else {}
    backends = [{"name": name, "port": 80, "weight": weight, **where} for name, weight in rule.backends]
    return {"matches": [match], "backendRefs": backends}


MECHANISM = _GatewayClass()
