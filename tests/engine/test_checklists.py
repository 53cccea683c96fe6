"""The data files agree with the official checklists (read only by this test), and load strictly."""

import hashlib
from pathlib import Path

import pytest
import yaml

from aiconform.checklists import UnknownChecklist, for_server, load, versions

OFFICIAL = Path(__file__).parents[3] / "shared" / "checklists"


def test_versions_and_the_one_for_a_server() -> None:
    assert versions() == ("v1.33", "v1.34", "v1.35", "v1.36", "v1.37")
    assert for_server(35).version == "v1.35"
    assert for_server(99).version == "v1.37"
    assert [len(load(v).requirements) for v in versions()] == [9, 9, 12, 14, 15]


def test_an_unknown_version_names_the_known_ones() -> None:
    with pytest.raises(UnknownChecklist, match=r"1\.33, 1\.34"):
        load("2.0")


@pytest.mark.skipif(not OFFICIAL.exists(), reason="the official checklists are not beside this checkout")
@pytest.mark.parametrize("version", versions())
def test_ids_levels_sections_and_digest_are_the_official_ones(version: str) -> None:
    path = OFFICIAL / f"AIConformance-{version[1:]}.yaml"
    official = yaml.safe_load(path.read_text())
    rows = [(s, r["id"], r["level"]) for s, rs in official["spec"].items() for r in rs]
    ours = load(version)
    assert [(r.section, r.id, r.level) for r in ours.requirements] == rows
    assert ours.official_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    texts = {r["description"] for rs in official["spec"].values() for r in rs}
    assert not any(r.summary in texts for r in ours.requirements)
