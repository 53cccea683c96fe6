"""A lab for each test worker, brought up once and taken down at the end."""

import os
from collections.abc import Iterator

import pytest

from aiconform.lab import Lab


@pytest.fixture(scope="session")
def lab(worker_id: str) -> Iterator[Lab]:
    """A running, sound lab. AICONFORM_LAB names one that is already up and is left up."""
    name = os.environ.get("AICONFORM_LAB")
    made = Lab(name or f"test-{worker_id}")
    made.up(print)
    made.mend(print)
    yield made
    if not name:
        made.down(print)


@pytest.fixture
def sound_lab(lab: Lab) -> Iterator[Lab]:
    """The lab, and whatever a test breaks in it is mended afterwards."""
    yield lab
    lab.mend(print)


# Seconds with five labs on two cores, by parts of the names of tests; the first that fits counts.
SECONDS = {
    "test_every_must_passes": 440,
    "[gangs-wrong-in-many-ways]": 180,
    "[operators-side-by-side]": 140,
    "[envoy-gateway-takes-credentials]": 125,
    "[another-pods-metric-for-the-autoscaler-and-little-external]": 110,
    "test_restarts_in_the_middle": 120,
    "[half-the-pods-metric-and-never-less-external]": 110,
    "[first-pods-metric-stays-and-nothing-starts-from-none]": 105,
    "[nothing-of-a-route-holds]": 105,
    "[one-node-and-false-answers]": 100,
    "[operator-wrong-in-many-ways]": 100,
    "test_a_bad_network_never_makes_a_wrong_verdict[pod_autoscaling": 100,
    "test_a_bad_network_never_makes_a_wrong_verdict[dra_support": 100,
    "test_a_bad_network_never_makes_a_wrong_verdict[gang_scheduling": 95,
    "[leader-worker-set]": 95,
    "[operator-takes-labelled-monitors]": 90,
    "[operator-stopped]": 85,
    "[jobset-over-kueue]": 80,
    "test_two_runs_side_by_side": 50,
    "test_the_next_run_removes": 50,
    "test_two_labs": 40,
    "and_gone_on_with": 50,
    "test_a_bad_network_never_makes_a_wrong_verdict[ai_service_metrics": 80,
    "[kueue-quota-above-capacity]": 78,
    "[pool-with-limits]": 78,
    "[removes-nodes-in-use]": 73,
    "[selector-ignored]": 70,
    "[envoy-gateway-without-load-balancer]": 67,
    "[replicas-by-claim]": 67,
    "[operators-stopped]": 67,
    "[claims-only]": 65,
    "[grants-runtime-and-policies-go-wrong]": 64,
    "test_what_died_is_started_again": 60,
    "test_from_device_plugin_to_claims_and_back": 60,
    "test_a_bad_network_never_makes_a_wrong_verdict": 55,
    "test_an_image_that_cannot_be_pulled": 50,
    "test_runs_killed_at_random_moments": 55,
    "[coscheduling-without-its-plugin]": 55,
    "[adds-for-anything-and-never-removes]": 60,
    "[absent-pods-metric-is-zero-and-external-is-doubled]": 55,
    "[startup-taint-stays]": 45,
    "[never-advertises]": 42,
    "[privileged-by-default]": 40,
    "[no-templates-in-v1]": 39,
    "[released-device-is-broken]": 39,
    "[requests-sent-to-ghosts]": 38,
    "[gang-pods-never-start]": 37,
    "[controller-stopped]": 36,
    "[first-device-for-everyone]": 33,
    "test_a_platform_is_judged_right": 52,
    "test_every_clause_is_failed_by_a_fault": 0,
    "test_every_check_is_tried_under_its_role": 0,
    "": 15,
}


# When those that are not wanted have been taken out.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deals the tests to the workers so that all end at about the same time.

    pytest-xdist begins with a run of neighbours in the list for each worker, of equal numbers. The first gets what
    needs the whole lab. The others get neighbours in the files, too (they share fixtures, and the addons of their
    lab): what takes longest before what takes less, which others take over from its end.
    """
    whole = [item for item in items if item.path.name == "test_sound.py"]
    on_a_lab = [item for item in items if item.get_closest_marker("lab") and _seconds(item) and item not in whole]
    spare = [item for item in items if item not in whole and item not in on_a_lab]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    hands = _dealt(on_a_lab, workers, [sum(map(_seconds, whole)), *[0] * (workers - 1)])
    hands[0] = [*whole, *hands[0]]
    # Each worker gets as many as the next: what takes least goes from longer hands to shorter ones.
    sizes = [(len(items) + worker) // workers for worker in range(workers)]
    for hand, size in zip(hands, sizes, strict=True):
        spare += hand[size:]
        del hand[size:]
    for hand, size in zip(hands, sizes, strict=True):
        missing = size - len(hand)
        hand += spare[:missing]
        del spare[:missing]
    items[:] = [item for hand in hands for item in hand]


def _seconds(item: pytest.Item) -> int:
    return next(seconds for part, seconds in SECONDS.items() if part in item.nodeid)


def _dealt(items: list[pytest.Item], workers: int, busy: list[int]) -> list[list[pytest.Item]]:
    """Neighbours for each worker, so that all are busy for as long, from `busy` on; each hand longest first."""
    fair = (sum(map(_seconds, items)) + sum(busy)) / workers
    hands: list[list[pytest.Item]] = [[] for _ in range(workers)]
    worker = 0
    for item in items:
        while worker < workers - 1 and busy[worker] + _seconds(item) / 2 > fair:
            worker += 1
        hands[worker].append(item)
        busy[worker] += _seconds(item)
    return [sorted(hand, key=_seconds, reverse=True) for hand in hands]
