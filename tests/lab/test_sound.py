"""`make demo` as a test: on the sound lab every MUST passes, and nothing secret of others is recorded."""

import os
from collections.abc import Iterator
from pathlib import Path

import canaries
import pytest
from platforms import prove
from trim import keep_if_wanted

from aiconform import checklists
from aiconform.engine import registry
from aiconform.lab import Lab
from aiconform.lab.addons import PROFILES
from aiconform.lab.layout import NODES

pytestmark = pytest.mark.lab
OLDER = "1.35"
NEWEST_ROWS = {r.id for r in checklists.load(checklists.versions()[-1]).requirements}


@pytest.fixture
def full(worker_id: str) -> Iterator[Lab]:
    """The whole lab. AICONFORM_LAB names one that is already up and is left up."""
    name = os.environ.get("AICONFORM_LAB")
    made = Lab(name or f"test-{worker_id}-full")
    made.up(print, nodes=len(NODES))
    made.add(PROFILES["full"], print)
    yield made
    if not name:
        made.down(print)


def test_every_must_passes_and_no_planted_secret_is_recorded(full: Lab, tmp_path: Path) -> None:
    newest = [c for c in registry.names() if c in NEWEST_ROWS]
    older = [c for c in registry.names() if c not in NEWEST_ROWS]
    assert (len(newest), older) == (8, ["dra_support"])
    with canaries.there(full) as marks:
        for checks, more in ((newest, ["--allow", "scales"]), (older, ["--checklist", OLDER])):
            result = prove(full.name, tmp_path / checks[0], checks, *more, timeout=1200)
            outcomes = {check: result.row(check)["outcome"] for check in checks}
            assert outcomes == dict.fromkeys(checks, "PASS"), result.story()
            canaries.assert_absent(marks, result.directory)
            keep_if_wanted(result.directory, "pass-sound", None)
