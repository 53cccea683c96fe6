"""Takes a controller away in the middle, twice; it comes back each time.

Argument: `manager` (the lab's kube-controller-manager, with the controller of HorizontalPodAutoscalers) or `keda`
(the pod of KEDA's operator). The first time is when there is an autoscaler. Prints "ready" at the start.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from lightkube import Client
from lightkube.resources.autoscaling_v2 import HorizontalPodAutoscaler
from lightkube.resources.core_v1 import Pod

TIMES, PAUSE = 2, 4
LAB = Path(os.environ["KUBECONFIG"]).parent.name


def lab(*words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[4])}
    command = [sys.executable, "-m", "aiconform", "lab", *words, "--name", LAB]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout


def restart_manager(_: Client) -> None:
    found = json.loads(lab("status", "-o", "json"))["components"]
    os.kill(next(c["pid"] for c in found if c["name"] == "kube-controller-manager"), signal.SIGKILL)
    lab("up")


def restart_keda(client: Client) -> None:
    for pod in list(client.list(Pod, namespace="keda", labels={"app": "keda-operator"})):
        client.delete(Pod, pod.metadata.name, namespace="keda", grace_period=0)


def main() -> None:
    client, restart = Client(), {"manager": restart_manager, "keda": restart_keda}[sys.argv[1]]
    print("ready", flush=True)
    while not list(client.list(HorizontalPodAutoscaler, namespace="*")):
        time.sleep(0.5)
    for _ in range(TIMES):
        time.sleep(PAUSE)
        restart(client)
        print(time.strftime("%H:%M:%S"), "restarted", flush=True)
    while True:
        time.sleep(60)


main()
