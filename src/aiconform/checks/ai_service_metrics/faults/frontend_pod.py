"""Puts frontend.py into a pod behind the Service observability/prometheus. Runs beside the lab.

Arguments: the frontend's modes. In a pod, because the API server's proxy leads to pods only. Prints "ready" when it
answers.
"""

import signal
import sys
import time
from pathlib import Path

from lightkube import ApiError, Client, codecs
from lightkube.resources.apps_v1 import Deployment

NAMESPACE, NAME = "observability", "frontend"
client = Client()
script = Path(__file__).with_name("frontend.py").read_text()
labels = {"app": NAME}
container = {
    "name": NAME,
    "image": "aiconform.dev/probe:1",
    "imagePullPolicy": "Never",
    "command": ["python3", "/scripts/frontend.py", *sys.argv[1:]],
    "volumeMounts": [{"name": "scripts", "mountPath": "/scripts"}],
    "readinessProbe": {"tcpSocket": {"port": 9090}, "periodSeconds": 1},
}
pod = {
    "terminationGracePeriodSeconds": 0,
    "nodeSelector": {"aiconform.dev/lab-node": "real"},
    "containers": [container],
    "volumes": [{"name": "scripts", "configMap": {"name": NAME}}],
}
template = {"metadata": {"labels": labels}, "spec": pod}
meta = {"name": NAME, "namespace": NAMESPACE}
for manifest in (
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"frontend.py": script}},
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    },
):
    client.apply(codecs.from_dict(manifest), field_manager=NAME, force=True)
while True:
    try:
        status = client.get(Deployment, NAME, namespace=NAMESPACE).status
        if status is not None and status.availableReplicas:
            break
    except ApiError as error:
        print(error, flush=True)
    time.sleep(0.5)
print("ready", flush=True)
while True:
    signal.pause()
