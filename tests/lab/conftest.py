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


# What takes longest, the longest first: parts of the names of tests.
LONGEST = (
    "[gangs-wrong-in-many-ways]",
    "test_a_restart_in_the_middle",
    "[one-node-and-false-answers]",
    "[another-pods-metric-for-the-autoscaler-and-little-external]",
    "[operator-takes-labelled-monitors]",
    "[nothing-of-a-route-holds]",
    "[leader-worker-set]",
    "test_an_image_that_cannot_be_pulled",
)


# When those that are not wanted have been taken out.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that nobody waits for it at the end.

    pytest-xdist begins with a run of neighbours in the list for each worker. The first gets what needs the whole lab,
    the others some of the longest, and all their part of the rest in its order (neighbours share fixtures, and the
    addons of their lab), filled up with quick ones.
    """

    def rank(item: pytest.Item) -> int:
        return next((i for i, part in enumerate(LONGEST) if part in item.nodeid), len(LONGEST))

    whole = [item for item in items if item.path.name == "test_sound.py"]
    others = [item for item in items if item.path.name != "test_sound.py"]
    longest = sorted((item for item in others if rank(item) < len(LONGEST)), key=rank)
    rest = [item for item in others if rank(item) == len(LONGEST)]
    on_the_lab = [item for item in rest if item.get_closest_marker("lab")]
    quick = [item for item in rest if not item.get_closest_marker("lab")]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    first = [whole, *(longest[n :: workers - 1] for n in range(workers - 1))] if workers > 1 else [[*whole, *longest]]
    total = len(items)
    items[:] = []
    for worker in range(workers):
        mine = _part(on_the_lab, worker, workers)
        size = (total - len(items)) // (workers - worker)
        filling = max(size - len(first[worker]) - len(mine), 0)
        items += [*first[worker], *quick[:filling], *mine]
        quick = quick[filling:]


def _part(items: list[pytest.Item], worker: int, workers: int) -> list[pytest.Item]:
    """The worker's share of neighbours."""
    return items[worker * len(items) // workers : (worker + 1) * len(items) // workers]
