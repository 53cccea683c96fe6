"""What a stage takes away when it has ended, and what it leaves to others."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from aiconform.checks.gang_scheduling.crew import Crew
from aiconform.checks.gang_scheduling.via import Manifest, mechanisms
from aiconform.cluster.labels import ROLE, STEP

(YUNIKORN,) = (m for m in mechanisms() if m.product == "yunikorn")


def pod(name: str, step: str = "", role: str = "", **annotations: str) -> Manifest:
    labels = {STEP: step, ROLE: role} if step else {}
    return {"metadata": {"name": name, "labels": labels, "annotations": annotations}, "spec": {}}


class Box:
    """Pods of one namespace; what is deleted is gone at once."""

    def __init__(self, *there: Manifest) -> None:
        self.there = list(there)
        self.run, self.namespace, self.attempt = "r", "ns", SimpleNamespace(facts={})

    def view(self, *_: str) -> list[Manifest]:
        return list(self.there)

    def pods(self, *, step: str) -> list[Manifest]:
        return [p for p in self.there if p["metadata"]["labels"].get(STEP) == step]

    async def delete(self, obj: Manifest, **_: Any) -> None:
        self.there = [p for p in self.there if p["metadata"]["name"] != obj["metadata"]["name"]]

    async def until(self, test: Callable[[], bool], _deadline: str) -> bool:
        assert test(), "it would wait to the deadline"
        return True


@pytest.mark.parametrize(
    ("step", "left"),
    [("blocker", ["s-0", "tg-1"]), ("control", ["blocker", "s-0", "tg-1"]), ("short", ["blocker"])],
)
def test_what_holds_places_goes_with_its_gang_only(step: str, left: list[str]) -> None:
    mark = {"internal.yunikorn.apache.org/placeholder": "true"}
    box: Any = Box(pod("blocker", "blocker", "blocker"), pod("s-0", "short", "member"), pod("tg-1", **mark))
    crew = Crew(box=box, mechanism=YUNIKORN, accelerator=None, node={"name": "n", "hostname": "n", "taints": []})
    asyncio.run(crew.clear(step, *box.pods(step=step)))
    assert [p["metadata"]["name"] for p in box.there] == left
