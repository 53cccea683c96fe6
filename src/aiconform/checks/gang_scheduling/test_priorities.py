"""Pods of others that a shortage would end."""

from typing import Any

import pytest

from aiconform.checks.gang_scheduling.priorities import endangered
from aiconform.cluster.priorities import names


def pod(priority: int | None = None, cpu: str = "0", gpu: int = 0, phase: str = "Running") -> dict[str, Any]:
    asked = {"cpu": cpu, "example.com/gpu": str(gpu)}
    spec = {"nodeName": "n", "priority": priority, "containers": [{"resources": {"requests": asked}}]}
    return {"metadata": {"name": "p", "namespace": "theirs"}, "spec": spec, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("there", "ended"),
    [
        ([pod(0, gpu=1)], False),
        ([pod(2000001000, gpu=1), pod(None, "8")], False),
        ([pod(-1, gpu=1)], True),
        ([pod(-1, gpu=1, phase="Succeeded")], False),
        ([pod(-10, "300m")], False),
        ([pod(-10, "300m"), pod(-10, "200m")], True),
    ],
)
def test_only_lower_ones_that_hold_what_is_missing(there: list[dict[str, Any]], ended: bool) -> None:
    assert bool(endangered({}, there, "example.com/gpu", 500)) is ended
    assert endangered({"preemptionPolicy": "Never"}, there, "example.com/gpu", 500) == []


def test_a_default_priority_above_theirs_endangers_them_too() -> None:
    found = endangered({"priority": 1000}, [pod(0, gpu=1)] * 5, "example.com/gpu", 500)
    assert names(found) == "theirs/p, theirs/p, theirs/p and 2 more"
