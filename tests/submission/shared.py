"""The programme's own files, which are no part of this repository: where they are, or a skip that says so."""

import os
from pathlib import Path

import pytest


def folder(name: str) -> Path:
    """`checklists` or `registry`, in AICONFORM_SHARED or in a folder `shared` beside the checkout."""
    given = os.environ.get("AICONFORM_SHARED")
    places = [Path(given)] if given else [p / "shared" for p in Path(__file__).parents]
    found = next((p / name for p in places if (p / name).is_dir()), None)
    if found is None:
        pytest.skip(f"the programme's {name} are not here (set AICONFORM_SHARED to a folder that holds them)")
    return found
