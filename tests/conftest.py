"""Helpers that sit beside the tests are imported by their bare names."""

import gc
import sys
from pathlib import Path

for folder in ("judging", "lab"):
    sys.path.insert(0, str(Path(__file__).parent / folder))


def pytest_collection_finish() -> None:
    """What collecting has made stays to the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
