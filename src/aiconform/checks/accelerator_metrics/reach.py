"""One place that may tell of accelerators: how it is written down, and one answer of it that is not recorded."""

import asyncio
from typing import Any

from aiconform.checks.accelerator_metrics.scene import Scene
from aiconform.cluster.api import Answer, path
from aiconform.cluster.reasons import refusal_code
from aiconform.cluster.transport import PATIENCE

Object = dict[str, Any]


def target(kind: str, namespace: str, where: str, why: str, *, rank: int = 0, **more: Any) -> Object:
    """Something that may be read. `target` is what `Sandbox.http` takes, `subject` how its answers are recorded."""
    plural, _, rest = where.partition("/")
    base = {
        "kind": kind, "name": f"{plural}/{namespace}/{rest}", "namespace": namespace, "target": where,
        "subject": f"GET {where}", "params": {}, "where": {}, "why": why, "rank": rank, "families": [],
    }  # fmt: skip
    return base | more


async def ask(scene: Scene, t: Object) -> Answer | None:
    """One answer, not recorded; None if there is none in time."""
    plural, _, rest = t["target"].partition("/")
    name, _, file = rest.partition("/")
    url = path("v1", plural, t["namespace"], name, f"proxy/{file}")
    try:
        async with asyncio.timeout(scene.box.seconds("answer")):
            return await scene.box.cluster.request(
                "GET", url, params=t["params"] or None, accept="*/*", quiet=True, extensions={PATIENCE: 0}
            )
    except TimeoutError:
        return None


def denied(answer: Answer) -> str:
    """rbac-denied if the API server did not let the call through; "" if it did, whatever came back."""
    theirs = isinstance(answer.body, dict) and answer.body.get("kind") == "Status"
    return "rbac-denied" if theirs and refusal_code(answer.status, answer.message) == "rbac-denied" else ""
