"""What the survey lists by name: served or not, refused, broken; and that old inventories still load."""

import asyncio
import json
from typing import Any, cast

import pytest

from aiconform.cluster.api import Answer, Cluster
from aiconform.cluster.errors import ClusterError, Refused
from aiconform.inventory import offers
from aiconform.inventory.products import table
from aiconform.inventory.survey import PERMISSIONS
from aiconform.model import ApiResource, Inventory, Offer, decode, encode

CLASS = {
    "metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "disk.example",
    "parameters": {"password": "not to be kept"},
    "reclaimPolicy": "Delete",
}


class Answering:
    """As much of a cluster as is asked: lists by plural (or an error), and bodies by URL."""

    def __init__(self, lists: dict[str, Any], urls: dict[str, Any] | None = None) -> None:
        self.lists, self.urls = lists, urls or {}
        self.asked: list[str] = []

    async def list(self, api: str, plural: str) -> list[dict[str, Any]]:
        self.asked.append(f"{plural} {api}")
        found = self.lists[plural]
        if isinstance(found, Exception):
            raise found
        return cast(list[dict[str, Any]], found)

    async def request(self, method: str, url: str) -> Answer:
        self.asked.append(url)
        found = self.urls.get(url)
        return Answer(200, found, "", {}) if found is not None else Answer(404, None, "", {})


def apis(*names: str) -> tuple[ApiResource, ...]:
    """ "storage.k8s.io/v1/storageclasses"."""
    split = [n.split("/") for n in names]
    return tuple(ApiResource(group=g, version=v, plural=p, kind="", namespaced=False) for g, v, p in split)


def look(cluster: Answering, *served: str) -> offers.Found:
    return asyncio.run(offers.look(cast(Cluster, cluster), apis(*served)))


def test_what_is_served_is_listed_and_what_is_not_is_known_to_be_none() -> None:
    cluster = Answering({"storageclasses": [CLASS]})
    found = look(cluster, "storage.k8s.io/v1/storageclasses")
    (offer,) = found.offers
    assert offer == Offer(
        resource="storageclasses.storage.k8s.io",
        name="fast",
        default=True,
        facts={"provisioner": "disk.example", "reclaim": "Delete", "parameters": offer.facts["parameters"]},
    )
    assert "not to be kept" not in json.dumps(offer.facts)
    assert len(found.listed) == len(table()["offers"]) + len(offers.METRICS) and not found.unread
    # Nothing is asked of what is not served, but for the metrics, which discovery may hide.
    assert sorted(cluster.asked) == [*(f"/apis/{g}" for g in offers.METRICS), "storageclasses storage.k8s.io/v1"]


@pytest.mark.parametrize(
    ("error", "refused"),
    [(Refused("list", "storageclasses", "forbidden"), True), (ClusterError("down", "unexpected"), False)],
)
def test_what_cannot_be_read_is_a_gap_and_not_emptiness(error: Exception, refused: bool) -> None:
    found = look(Answering({"storageclasses": error}), "storage.k8s.io/v1/storageclasses")
    (gap,) = found.unread
    assert (gap.what, gap.refused) == ("storageclasses.storage.k8s.io", refused) and gap.why
    assert "storageclasses.storage.k8s.io" not in found.listed


def test_metrics_are_named_by_their_api() -> None:
    names = {"resources": [{"name": "pods/queue_length"}]}
    cluster = Answering({}, {"/apis/custom.metrics.k8s.io/v1beta2": names})
    found = look(cluster, "custom.metrics.k8s.io/v1beta2/pods")
    assert [o.name for o in found.offers if o.resource == "metrics.custom.metrics.k8s.io"] == ["pods/queue_length"]
    # An adapter without any series is there all the same.
    empty = {"/apis/external.metrics.k8s.io": {"preferredVersion": {"version": "v1beta1"}}}
    cluster = Answering({}, {**empty, "/apis/external.metrics.k8s.io/v1beta1": {"resources": []}})
    found = look(cluster)
    assert [o.resource for o in found.offers] == ["apis.external.metrics.k8s.io"]
    assert "metrics.external.metrics.k8s.io" in found.listed


def test_an_adapter_that_does_not_answer_is_a_gap() -> None:
    found = look(Answering({}), "custom.metrics.k8s.io/v1beta2/pods")
    assert [g.what for g in found.unread] == ["metrics.custom.metrics.k8s.io"]
    assert not found.offers


def test_every_list_is_declared_as_a_permission() -> None:
    declared = {(p.group, r) for p in PERMISSIONS for r in p.resources if "list" in p.verbs}
    assert {tuple(row["api"].split("/")) for row in table()["offers"]} <= declared


def test_an_inventory_of_an_older_version_loads_and_claims_to_know_nothing_more() -> None:
    old = {
        "server_version": "v1.36.0",
        "platform": "old",
        "apis": [],
        "nodes": [],
        "accelerators": [{"id": "a", "vendor": "x", "form": "dra", "nodes": {}, "recognised": True}],
    }
    inventory = decode(json.dumps(old), Inventory)
    assert inventory.listed == () and inventory.offers == () and inventory.accelerators[0].varying == {}
    assert decode(encode(inventory), Inventory) == inventory
