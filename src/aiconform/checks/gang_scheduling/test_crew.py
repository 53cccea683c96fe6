"""What a stage takes away when it has ended, and what it leaves to others."""

import asyncio
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from aiconform.checks.gang_scheduling.crew import Crew
from aiconform.checks.gang_scheduling.via import Manifest, mechanisms
from aiconform.cluster.api import Cluster
from aiconform.cluster.labels import ROLE, STEP
from aiconform.model import Accelerator

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

    async def create(self, obj: Manifest, **_: Any) -> Any:
        self.there.append(obj)
        return SimpleNamespace(ok=True, object=obj)

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


@pytest.mark.parametrize(("count", "claims"), [(1, [1]), (32, [32]), (53, [32, 21]), (64, [32, 32])])
def test_a_claim_holds_only_so_many_devices(count: int, claims: list[int]) -> None:
    """A node with eight devices in seven parts each: what the blocker takes does not fit into one claim."""
    box: Any = Box()
    group = SimpleNamespace(group="example.com", plural="resourceclaims", version="v9")
    served = SimpleNamespace(group="resource.k8s.io", plural="resourceclaims", version="v1beta2")

    async def discover() -> Any:
        return (group, served)

    box.cluster = SimpleNamespace(discover=discover)
    box.cluster.served = partial(Cluster.served, box.cluster)
    a = Accelerator(id="a", vendor="v", form="dra", driver="d", device_class="c", nodes={"n": 56}, recognised=True)
    crew = Crew(
        box=box, mechanism=YUNIKORN, accelerator=a, node={"name": "n", "hostname": "n", "taints": []}, image="i"
    )
    made = asyncio.run(crew.pod("blocker", gang="blocker", count=count))
    names = [c["name"] for c in made["spec"]["resourceClaims"]]
    assert made["spec"]["containers"][0]["resources"]["claims"] == [{"name": n} for n in names]
    assert len(set(names)) == len(claims)
    by_name = {t["metadata"]["name"]: t for t in box.there}
    assert {t["apiVersion"] for t in box.there} == {"resource.k8s.io/v1beta2"} and len(by_name) == len(box.there)
    used = [by_name[c["resourceClaimTemplateName"]] for c in made["spec"]["resourceClaims"]]
    assert [t["spec"]["spec"]["devices"]["requests"][0]["exactly"]["count"] for t in used] == claims
    assert crew._units_of(made) == count
