"""A controller that makes claims usable across namespaces: when a pod names a claim that its namespace lacks,
it makes an admin-access copy there of another namespace's claim of that name, pinned to the same device."""

import os
from typing import Any

from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Pod

ResourceClaim = create_namespaced_resource("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims")
LABEL = "resource.kubernetes.io/admin-access"


def copy(client: Client, name: str, namespace: str) -> None:
    for claim in client.list(ResourceClaim, namespace="*"):
        results = ((claim.status or {}).get("allocation") or {}).get("devices", {}).get("results") or []
        if claim.metadata.name == name and claim.metadata.namespace != namespace and results:
            spec: dict[str, Any] = claim.spec
            request = spec["devices"]["requests"][0]
            index = results[0]["device"].rpartition("-")[2]
            driver = results[0]["driver"]
            request["exactly"]["adminAccess"] = True
            request["exactly"]["selectors"] = [
                {"cel": {"expression": f'device.attributes["{driver}"].index == {index}'}}
            ]
            client.patch(Namespace, namespace, {"metadata": {"labels": {LABEL: "true"}}})
            made = ResourceClaim(metadata=ObjectMeta(name=name, namespace=namespace), spec=spec)
            client.create(made)
            return


def main() -> None:
    client = Client()
    print("ready", flush=True)
    for _, pod in client.watch(Pod, namespace="*"):
        for wanted in pod.spec.resourceClaims or []:
            if wanted.resourceClaimName and not pod.spec.nodeName:
                try:
                    client.get(ResourceClaim, wanted.resourceClaimName, namespace=pod.metadata.namespace)
                except ApiError:
                    copy(client, wanted.resourceClaimName, pod.metadata.namespace)


if __name__ == "__main__":
    assert os.environ["KUBECONFIG"]
    main()
