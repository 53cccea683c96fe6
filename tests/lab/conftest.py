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


# What takes longest, the longest first: a file, or a part of a test's name.
LONGEST = (
    "test_sound.py",
    "[gangs-wrong-in-many-ways]",
    "test_a_restart_in_the_middle",
    "[one-node-and-false-answers]",
    "[the-last-replica-stays]",
    "[operator-takes-labelled-monitors]",
    "[leader-worker-set]",
    "test_an_image_that_cannot_be_pulled",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that nobody waits for it at the end.

    pytest-xdist begins with a run of neighbours in the list for each worker. Each gets some of the longest, of the
    quick ones, and of the rest in their order: neighbours share fixtures, and the addons of their lab.
    """

    def rank(item: pytest.Item) -> int:
        return next((i for i, part in enumerate(LONGEST) if part in item.nodeid), len(LONGEST))

    longest = sorted((item for item in items if rank(item) < len(LONGEST)), key=rank)
    rest = [item for item in items if rank(item) == len(LONGEST)]
    on_the_lab = [item for item in rest if item.get_closest_marker("lab")]
    quick = [item for item in rest if not item.get_closest_marker("lab")]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = [
        item
        for worker in range(workers)
        for item in (*longest[worker::workers], *_part(quick, worker, workers), *_part(on_the_lab, worker, workers))
    ]


def _part(items: list[pytest.Item], worker: int, workers: int) -> list[pytest.Item]:
    """The worker's share of neighbours."""
    return items[worker * len(items) // workers : (worker + 1) * len(items) // workers]
