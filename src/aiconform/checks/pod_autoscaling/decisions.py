"""What a HorizontalPodAutoscaler's own status shows of its decisions: whoever has seen enough need not wait. Pure.

Its controller writes currentReplicas, desiredReplicas and the metric's average each time it has computed, if anything
is new; and an event whose count grows each time it could not.
"""

from decimal import Decimal
from typing import Any

from aiconform.checks.pod_autoscaling.quantities import number

HOLDING, APART, WITHOUT = 3, 2, 3
"""How many decisions are enough: at the target; beside another namespace's load; without the metric."""


def average(autoscaler: dict[str, Any]) -> Decimal | None:
    """What it computed with: the load of one replica; None if it has none."""
    for metric in (autoscaler.get("status") or {}).get("currentMetrics") or []:
        for source in metric.values():
            if isinstance(source, dict) and (source.get("current") or {}).get("averageValue") is not None:
                return number(source["current"]["averageValue"])
    return None


def stays(autoscaler: dict[str, Any] | None, count: int) -> bool:
    """Whether it had this many replicas, looked again, and wants as many.

    None of them is its own decision only if it may go to none: else it has just stopped looking.
    """
    status = (autoscaler or {}).get("status") or {}
    own = count > 0 or ((autoscaler or {}).get("spec") or {}).get("minReplicas") == 0
    return own and status.get("currentReplicas", 0) == status.get("desiredReplicas", 0) == count and bool(status)


def keeps(autoscaler: dict[str, Any] | None, count: int, load: Decimal | int | str) -> bool:
    """Whether it computed with exactly this load a replica, and kept the number."""
    return autoscaler is not None and stays(autoscaler, count) and average(autoscaler) == Decimal(load)


def failures(events: list[dict[str, Any]], name: str) -> dict[str, int]:
    """How often the autoscaler of this name could not read its metric, by event: events say so with a count."""
    found = {}
    for event in events:
        about = event.get("involvedObject") or {}
        mine = (about.get("kind"), about.get("name")) == ("HorizontalPodAutoscaler", name)
        if mine and str(event.get("reason", "")).startswith("FailedGet"):
            found[event["metadata"]["name"]] = int(event.get("count") or 0)
    return found


def more(before: dict[str, int], after: dict[str, int]) -> int:
    """The greatest number of times that one of these events has happened since."""
    return max((count - before.get(name, 0) for name, count in after.items()), default=0)
