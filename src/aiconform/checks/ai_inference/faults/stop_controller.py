"""Stops an implementation of Gateway API (scales its Deployment to none) once one of its routes is accepted.

Arguments: namespace and name of the Deployment.
"""

import sys
import time
from typing import Any

from lightkube import Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.apps_v1 import Deployment

GROUP = "gateway.networking.k8s.io"
Gateway = create_namespaced_resource(GROUP, "v1", "Gateway", "gateways")
HTTPRoute = create_namespaced_resource(GROUP, "v1", "HTTPRoute", "httproutes")


def true(conditions: Any, kind: str) -> bool:
    return any(c["type"] == kind and c["status"] == "True" for c in conditions or [])


def programmed(client: Client) -> bool:
    """Whether one Gateway is programmed, and every route that is there was answered."""
    gateways = [
        g for g in client.list(Gateway, namespace="*") if true((g.status or {}).get("conditions"), "Programmed")
    ]
    parents = [(r.status or {}).get("parents") or [] for r in client.list(HTTPRoute, namespace="*")]
    return bool(gateways) and len(parents) >= 4 and all(parents)


def main() -> None:
    client, (namespace, name) = Client(), sys.argv[1:]
    print("ready", flush=True)
    while not programmed(client):
        time.sleep(0.5)
    # What was programmed must have reached the proxy.
    time.sleep(2)
    client.patch(Deployment.Scale, name, {"spec": {"replicas": 0}}, namespace=namespace)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
