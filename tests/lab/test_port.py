"""A workload that runs by one way of asking for accelerators is ported to the other, and runs there, with a device."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from platforms import aiconform

from aiconform.inventory.accelerators.simulated import MODEL
from aiconform.lab import Lab
from aiconform.lab import state as states
from aiconform.lab.images import PROBE_IMAGE
from aiconform.lab.layout import RESOURCE

pytestmark = pytest.mark.lab

PLUGIN_NODE, MODEL_NAME = "lab-node-2", "sim-a100"
# It says which devices it was given: a file each, made by whoever granted them.
WORKLOAD = f"""\
# Two accelerators of one model.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ported
  labels: {{app: ported}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: ported}}}}
  template:
    metadata: {{labels: {{app: ported}}}}
    spec:
      terminationGracePeriodSeconds: 0
      nodeSelector:
        {MODEL}: SIM-A100   # as the node's label writes it
      containers:
      - name: main
        image: {PROBE_IMAGE}
        imagePullPolicy: IfNotPresent
        command: [python3, -uc]
        args: ["import os, time; print(*sorted(os.listdir('/run/simaccel/devices'))); time.sleep(3600)"]
        resources:
          limits:
            {RESOURCE}: 2
            memory: 64Mi  # enough
"""
Kubectl = Callable[..., str]


@pytest.fixture
def kubectl(sound_lab: Lab) -> Iterator[Kubectl]:
    """The lab's own kubectl, on its nodes the label of the model; everything is removed afterwards."""
    state = states.load(sound_lab.folder)
    assert state is not None
    program = [state.binaries["kubectl"], f"--kubeconfig={sound_lab.running_kubeconfig()}"]

    def call(*words: str, text: str = "") -> str:
        done = subprocess.run([*program, *words], input=text, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    call("label", "node", PLUGIN_NODE, f"{MODEL}=SIM-A100", "--overwrite")
    yield call
    call("label", "node", PLUGIN_NODE, f"{MODEL}-")
    call("delete", "deployment", "ported", "--ignore-not-found", "--wait")
    call("delete", "resourceclaimtemplate", "--all", "-n", "default", "--wait")


def surveyed(lab: Lab, fault: str, vendor_form: str, path: Path) -> Path:
    """The lab broken so that one form of accelerators is left, and its inventory as a file."""
    lab.break_(fault, print)
    for _ in range(60):
        done = aiconform("survey", "--lab", lab.name, "-o", "json")
        assert done.returncode == 0, done.stderr
        forms = {a["form"] for a in json.loads(done.stdout)["accelerators"]}
        if vendor_form in forms and (vendor_form == "device-plugin") == (forms == {"device-plugin"}):
            path.write_text(done.stdout)
            return path
        time.sleep(1)
    raise AssertionError(f"{fault}: the survey still finds {forms}")


def the_pod(kubectl: Kubectl) -> dict[str, Any]:
    pods = json.loads(kubectl("get", "pods", "-l", "app=ported", "-o", "json"))["items"]
    living = [p for p in pods if "deletionTimestamp" not in p["metadata"]]
    return dict(living[0]) if living else {}


def devices(kubectl: Kubectl) -> list[str]:
    """What the running pod holds: waits until it says so."""
    for _ in range(120):
        pod = the_pod(kubectl)
        if pod.get("status", {}).get("phase") == "Running":
            said = kubectl("logs", pod["metadata"]["name"]).split()
            if said:
                return said
        time.sleep(0.5)
    raise AssertionError(f"it never ran: {pod.get('status')}")


def unschedulable(kubectl: Kubectl) -> str:
    """The scheduler's refusal: waits until it says so."""
    for _ in range(120):
        conditions = the_pod(kubectl).get("status", {}).get("conditions", [])
        said = [c["message"] for c in conditions if c["type"] == "PodScheduled" and c["status"] == "False"]
        if said:
            return str(said[0])
        time.sleep(0.5)
    raise AssertionError("the scheduler never refused it")


def ported(folder: Path, source: Path, target: Path, out: Path) -> str:
    done = aiconform("port", folder, "--from", source, "--to", target, "--write", out)
    assert done.returncode == 0, done.stdout + done.stderr
    return (out / "work.yaml").read_text()


def test_from_device_plugin_to_claims_and_back(sound_lab: Lab, kubectl: Kubectl, tmp_path: Path) -> None:
    plugin = surveyed(sound_lab, "device-plugin-only", "device-plugin", tmp_path / "plugin.json")
    folder = tmp_path / "original"
    folder.mkdir()
    (folder / "work.yaml").write_text(WORKLOAD)
    kubectl("apply", "-f", "-", text=WORKLOAD)
    assert len(set(devices(kubectl))) == 2
    kubectl("delete", "deployment", "ported", "--wait")

    claims = surveyed(sound_lab, "claims-only", "dra", tmp_path / "claims.json")
    # The control: as it is, it cannot run here.
    kubectl("apply", "-f", "-", text=WORKLOAD)
    assert "didn't match" in unschedulable(kubectl) or "Insufficient" in unschedulable(kubectl)
    kubectl("delete", "deployment", "ported", "--wait")

    there = ported(folder, plugin, claims, tmp_path / "there")
    assert "# enough" in there and "# Two accelerators of one model." in there and RESOURCE not in there
    kubectl("apply", "-f", "-", text=there)
    held = devices(kubectl)
    assert len(set(held)) == 2
    given = json.loads(kubectl("get", "resourceclaims", "-o", "json"))["items"]
    results = [r for c in given for r in c["status"]["allocation"]["devices"]["results"]]
    assert len(results) == 2 and the_pod(kubectl)["spec"]["nodeName"] != PLUGIN_NODE
    kubectl("delete", "deployment", "ported", "--wait")

    sound_lab.mend(print)
    surveyed(sound_lab, "device-plugin-only", "device-plugin", tmp_path / "again.json")
    back = ported(tmp_path / "there", claims, plugin, tmp_path / "back")
    kubectl("apply", "-f", "-", text=back)
    assert len(set(devices(kubectl))) == 2
    assert the_pod(kubectl)["spec"]["nodeName"] == PLUGIN_NODE
    before, after = (list(yaml.safe_load_all(t)) for t in (WORKLOAD, back))
    assert before == after, "there and back again is not the same workload"
