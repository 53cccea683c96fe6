"""One place that may tell of accelerators: how it is written down, and one answer of it that is not recorded."""

import asyncio
from typing import Any

from aiconform.checks.accelerator_metrics.scene import Scene, insist
from aiconform.cluster.api import Answer, path
from aiconform.cluster.errors import ApiLost
from aiconform.cluster.reasons import refusal_code
from aiconform.cluster.transport import PATIENCE

Object = dict[str, Any]
# Seconds between two calls of which the first one was lost.
_PAUSE = 0.2


def target(kind: str, namespace: str, where: str, why: str, *, rank: int = 0, **more: Any) -> Object:
    """Something that may be read. `target` is what `Sandbox.http` takes, `subject` how its answers are recorded."""
    plural, _, rest = where.partition("/")
    base = {
        "kind": kind, "name": f"{plural}/{namespace}/{rest}", "namespace": namespace, "target": where,
        "subject": f"GET {where}", "params": {}, "where": {}, "why": why, "rank": rank, "families": [],
    }  # fmt: skip
    return base | more


async def ask(scene: Scene, t: Object) -> Answer | None:
    """One answer, not recorded; None if there is none in time. ApiLost if every call of that time was lost."""
    plural, _, rest = t["target"].partition("/")
    name, _, file = rest.partition("/")
    url = path("v1", plural, t["namespace"], name, f"proxy/{file}")
    more = {PATIENCE: insist(scene.box)}
    lost: ApiLost | None = None
    try:
        async with asyncio.timeout(scene.box.seconds("answer")):
            while True:
                try:
                    return await scene.box.cluster.request(
                        "GET", url, params=t["params"] or None, accept="*/*", quiet=True, extensions=more
                    )
                except ApiLost as error:
                    lost = error
                    await asyncio.sleep(_PAUSE)
    except TimeoutError:
        if lost is not None:
            raise lost from None
        return None


def denied(answer: Answer) -> str:
    """rbac-denied if the API server did not let the call through; "" if it did, whatever came back."""
    theirs = isinstance(answer.body, dict) and answer.body.get("kind") == "Status"
    return "rbac-denied" if theirs and refusal_code(answer.status, answer.message) == "rbac-denied" else ""
