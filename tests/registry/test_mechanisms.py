"""Which names a text is taken to name."""

import time

import pytest

from aiconform.checklists import load, versions
from aiconform.platforms.mechanisms import known, mentions, table

GANG, SCALE = "gang_scheduling", "cluster_autoscaling"


@pytest.mark.parametrize(
    ("requirement", "text", "names"),
    [
        (GANG, "Kueue v0.10.2 installed and running", ("kueue",)),
        (GANG, "https://docs.example.com/tutorials/kueue-intro", ("kueue",)),
        (GANG, "tests/TestGangScheduling_ViaKueue/output.md", ("kueue",)),
        (GANG, "KAI Scheduler and Volcano", ("volcano", "kai")),
        (GANG, "the kaiju and the unkueued", ()),
        (GANG, "LeaderWorkerSet, leader-worker-sets, LWS", ("lws",)),
        (GANG, "plans and allows it", ()),
        (SCALE, "a cluster_autoscaler and node-pools", ("cluster-autoscaler", "node-pool")),
        (SCALE, "NAP, not a nap", ("karpenter",)),
        ("ai_inference", "AI Gateways like K-Gateway", ("kgateway",)),
        ("ai_inference", "Traefik Gateway controller", ("traefik",)),
        ("pod_autoscaling", "pods metric DCGM_FI_DEV_GPU_UTIL above target", ("dcgm",)),
        ("no_such_requirement", "Kueue", ()),
    ],
)
def test_names(requirement: str, text: str, names: tuple[str, ...]) -> None:
    assert mentions(requirement, text).named == names


@pytest.mark.parametrize(
    ("text", "named", "denied"),
    [
        ("does not have a cluster autoscaler like karpenter.", (), ("cluster-autoscaler", "karpenter")),
        ("does not bundle a cluster-autoscaler, but works with Karpenter", ("karpenter",), ("cluster-autoscaler",)),
        ("The Cluster Autoscaler is not applicable here", (), ("cluster-autoscaler",)),
        ("conditional on the platform providing a cluster autoscaler", (), ("cluster-autoscaler",)),
        ("not only Karpenter, all of it", ("karpenter",), ()),
        ("There is no limit. Karpenter adds nodes", ("karpenter",), ()),
        ("no karpenter; later Karpenter was added", ("karpenter",), ()),
        ("notable: karpenter", ("karpenter",), ()),
    ],
)
def test_what_is_only_said_not_to_be_there_is_not_named(
    text: str, named: tuple[str, ...], denied: tuple[str, ...]
) -> None:
    found = mentions(SCALE, text)
    assert (found.named, found.denied) == (named, denied)


def test_the_table_knows_every_requirement_of_every_checklist_and_nothing_else() -> None:
    ids = {r.id for v in versions() for r in load(v).requirements}
    assert set(table()) == ids | {"accelerators"}
    assert all(known(r) for r in ids)


def test_a_long_text_takes_no_long_time() -> None:
    start = time.perf_counter()
    for requirement in table():
        mentions(requirement, "not a kueue/ - _ no node pool " * 4000)
    assert time.perf_counter() - start < 20
