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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that nobody waits for it at the end."""
    longest = ("test_sound.py", "test_unshakeable.py")
    items.sort(key=lambda item: longest.index(item.path.name) if item.path.name in longest else len(longest))
