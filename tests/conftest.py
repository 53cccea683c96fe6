"""Helpers that sit beside the tests are imported by their bare names."""

import sys
from pathlib import Path

for folder in ("judging", "lab"):
    sys.path.insert(0, str(Path(__file__).parent / folder))
