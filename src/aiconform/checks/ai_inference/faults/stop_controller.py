"""Stops an implementation of Gateway API when a route is changed for the first time, before the change is stored.

A webhook holds the change back until no pod of the controller is left: what was programmed until then stays so, and
however busy the machine is, the controller never sees the change.

Arguments: namespace and name of the controller's Deployment.
"""

import sys
import threading
import time
from typing import Any

from lightkube import Client
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from aiconform.lab import hook

# Seconds: the API server waits for a webhook for half a minute at most.
LIMIT = 28


def stop(client: Client, namespace: str, name: str) -> str:
    """Scales the Deployment to none and waits for its last pod; returns why it could not, or ""."""
    selector = client.get(Deployment, name, namespace=namespace).spec.selector.matchLabels
    client.patch(Deployment.Scale, name, {"spec": {"replicas": 0}}, namespace=namespace)
    end = time.monotonic() + LIMIT
    while list(client.list(Pod, namespace=namespace, labels=selector)):
        if time.monotonic() > end:
            return f"the pods of {name} did not end within {LIMIT} s"
        time.sleep(0.2)
    return ""


def main() -> None:
    client, (namespace, name) = Client(), sys.argv[1:]
    lock = threading.Lock()

    def decide(request: dict[str, Any]) -> str:
        if request["object"]["spec"] == request["oldObject"]["spec"]:
            return ""
        with lock:
            return stop(client, namespace, name)

    hook.serve("stop-controller", decide)
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
