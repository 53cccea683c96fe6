"""A real addon in a real lab: it comes, is repaired, is stopped by a fault, and comes back with `mend`."""

import os
import signal
from pathlib import Path

import pytest

from aiconform.lab import Lab
from aiconform.lab import state as states
from aiconform.lab.up import client

pytestmark = pytest.mark.lab
_STOPPED = """
kind: fault
title: The autoscaler does not run.
check: cluster_autoscaling
lab:
  - addon: {name: karpenter, stop: true}
"""
_RENAMED = """
kind: variant
title: Prometheus has another name.
check: ai_service_metrics
lab:
  - addon: {name: prometheus, args: {service: scraper}}
"""


def alive(lab: Lab) -> dict[str, int | None]:
    return {c.name: c.pid for c in lab.status().components if c.name in ("kwok", "addon/karpenter")}


def test_an_addon_lives_with_its_lab(sound_lab: Lab, tmp_path: Path) -> None:
    sound_lab.add(["karpenter"], print)
    first = alive(sound_lab)
    assert first["kwok"] and first["addon/karpenter"]
    sound_lab.add(["karpenter"], print)
    assert alive(sound_lab) == first

    os.kill(first["addon/karpenter"], signal.SIGKILL)
    sound_lab.up(print)
    second = alive(sound_lab)
    assert second["kwok"] == first["kwok"]
    assert second["addon/karpenter"] not in (None, first["addon/karpenter"])

    fault = tmp_path / "stopped.yaml"
    fault.write_text(_STOPPED)
    sound_lab.break_(str(fault), print)
    assert "addon/karpenter" not in alive(sound_lab)
    assert sound_lab.status().state == "up"
    sound_lab.mend(print)
    assert alive(sound_lab)["addon/karpenter"]


def test_the_metrics_apis_outlive_a_change_of_prometheus(sound_lab: Lab, tmp_path: Path) -> None:
    """Without them the API server lists its kinds incompletely, and no namespace ends."""
    sound_lab.add(["metrics-api"], print)
    fault = tmp_path / "renamed.yaml"
    fault.write_text(_RENAMED)
    for change in (lambda: sound_lab.break_(str(fault), print), lambda: sound_lab.mend(print)):
        change()
        state = states.load(sound_lab.folder)
        assert state is not None
        with client(sound_lab.folder, state) as kube:
            kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ends"}})
            kube.delete("/api/v1/namespaces/ends")
            query = {"fieldSelector": "metadata.name=ends"}
            kube.wait("/api/v1/namespaces", lambda items: not items, 60, "the end of a namespace", **query)
