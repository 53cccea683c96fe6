"""Odd submissions are read, and what is odd is said with them; searches; what changed since the last one."""

import sys
from datetime import date
from pathlib import Path

import pytest

from aiconform.platforms import Entry, Registry, Strength, open_source, registry, words
from aiconform.platforms.find import Criteria, WrongCriterion, find, platform, wanted
from aiconform.platforms.read import a_year_later

sys.path.insert(0, str(Path(__file__).parent))
from made import merge, product, repository

LINK = "https://example.com/a"
GANG = {"gang_scheduling": ("Implemented", LINK, "Kueue runs")}


def read(folder: Path) -> Registry:
    return registry(open_source(str(folder), print))


def only(folder: Path) -> Entry:
    (entry,) = read(folder).entries
    return entry


def test_a_sound_submission(tmp_path: Path) -> None:
    product(tmp_path, "v1.35/gke", GANG, vendor="Google")
    entry = only(tmp_path)
    row = entry.row("gang_scheduling")
    assert row is not None
    assert (row.level, row.status, row.named, row.strength) == ("MUST", "Implemented", ("kueue",), "documentation")
    assert entry.kinds == ("hosted",)
    assert entry.certified is None and entry.undated == "the source is no git checkout"
    assert words.state(entry, date(2026, 1, 1)) == "unknown"


def test_volcano_in_the_official_words_is_no_mechanism_of_the_platform(tmp_path: Path) -> None:
    quoted = {"gang.md": "Official words, for example Kueue or Volcano.\nWe run LWS."}
    product(tmp_path, "v1.35/x", {"gang_scheduling": ("Implemented", "gang.md", "")}, files=quoted)
    row = only(tmp_path).row("gang_scheduling")
    assert row is not None and row.mechanisms == ("lws",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "kubernetesVersion is missing"),
        ("{", "line 2: the file is no YAML"),
        ("\x00\xff", "no YAML"),
        ("- a list", "no metadata and no spec"),
        ("metadata: 3\nspec: []\n", "metadata is no map"),
        ("metadata: {kubernetesVersion: 1.34}\nspec: {a: [{id: gang_scheduling, evidence: N/A}]}", "folder of v1.35"),
        ("spec: {a: [{id: gang_scheduling, evidence: N/A, status: N/A}]}", "single text"),
        ("spec: {a: [{id: gang_scheduling, status: Done}]}", "none of the program's"),
        ("spec: {a: [{id: gang_scheduling, level: SHOULD, status: Implemented}]}", "given as SHOULD, it is MUST"),
        ("spec: {a: [{id: gang_scheduling, status: Implemented}]}", "Implemented without evidence"),
        ("spec: {a: [{id: gang_scheduling, status: Implemented, evidence: [x.md]}]}", "x.md: the file is not there"),
        ("spec: {a: [{id: gang_scheduling, status: N/A}]}", "a MUST with the status N/A"),
        ("spec: {a: [{id: something_new}]}", "gang_scheduling: is in the checklist and not in the submission"),
        ("spec: {a: [null, 3]}", "a row of a is no map"),
        ("spec: {a: [{id: null, status: Implemented}]}", "line 1: a row without an id"),
    ],
)
def test_every_odd_file_survives(tmp_path: Path, text: str, says: str) -> None:
    where = tmp_path / "v1.35" / "Odd"
    where.mkdir(parents=True)
    (where / "PRODUCT.yaml").write_bytes(text.encode("latin-1"))
    entry = only(tmp_path)
    assert any(says in p for p in entry.problems), entry.problems
    assert read(tmp_path).platforms[0].id == "odd"


def test_a_patch_version_is_nothing_odd(tmp_path: Path) -> None:
    where = product(tmp_path, "v1.35/x", GANG)
    file = where / "PRODUCT.yaml"
    file.write_text(file.read_text().replace("v1.35", "v1.35.3"))
    assert not any("kubernetesVersion" in p for p in only(tmp_path).problems)


def test_of_two_rows_with_one_id_the_last_counts(tmp_path: Path) -> None:
    where = tmp_path / "v1.35" / "x"
    where.mkdir(parents=True)
    rows = "{id: gang_scheduling, status: N/A}, {id: gang_scheduling, status: Implemented}"
    (where / "PRODUCT.yaml").write_text(f"spec: {{a: [{rows}]}}")
    assert [r.status for r in only(tmp_path).rows] == ["Implemented"]


def test_unknown_checklists_and_folders_without_a_file_are_listed(tmp_path: Path) -> None:
    where = tmp_path / "v9.9" / "x"
    where.mkdir(parents=True)
    (where / "PRODUCT.yaml").write_text("spec: {a: [{id: gang_scheduling, status: Implemented}]}")
    (tmp_path / "v1.35" / "empty").mkdir(parents=True)
    (tmp_path / "v1.35" / "link").symlink_to(where)
    found = read(tmp_path)
    assert found.problems == (
        "v1.35/empty has no PRODUCT.yaml",
        "v1.35/link is a symbolic link, and links are not followed",
    )
    assert "the checklist v9.9 is not known to this release" in found.entries[0].problems
    assert found.entries[0].rows[0].level == ""


def test_versions_are_in_order_of_numbers_and_names_regardless_of_case(tmp_path: Path) -> None:
    for path in ("v1.34/OKE", "v1.35/oke"):
        product(tmp_path, path, GANG)
    (one,) = read(tmp_path).platforms
    assert [e.path for e in one.entries] == ["v1.34/OKE", "v1.35/oke"]


def test_a_copied_submission_is_told_from_a_new_one(tmp_path: Path) -> None:
    rows = {"gang_scheduling": ("Implemented", "gang.md, https://example.com", "Kueue")}
    product(tmp_path, "v1.33/same", rows, files={"gang.md": "one"})
    product(tmp_path, "v1.34/same", rows, files={"gang.md": "one"})
    product(tmp_path, "v1.35/same", rows, files={"gang.md": "another"})
    first, second, third = read(tmp_path).entries
    assert first.previous == "" and not words.copied(first)
    assert words.copied(second) and words.repeats(second) == "1 of 1 rows repeat the evidence of v1.33/same"
    assert not words.copied(third) and third.comparable == 1 and third.repeated == 0
    assert [e.path for e in find(read(tmp_path), Criteria(repeated=True)).entries] == ["v1.34/same"]


def test_no_comparable_row_is_no_copy(tmp_path: Path) -> None:
    product(tmp_path, "v1.34/x", {"gang_scheduling": ("Implemented", "", "")})
    product(tmp_path, "v1.35/x", {"gang_scheduling": ("Implemented", "", "")})
    assert not words.copied(read(tmp_path).entries[1])


def test_what_changed_is_said(tmp_path: Path) -> None:
    product(tmp_path, "v1.34/x", {**GANG, "dra_support": ("Implemented", LINK, "")})
    product(
        tmp_path,
        "v1.35/x",
        {"gang_scheduling": ("N/A", "gang.md", "Volcano"), "gpu_sharing": ("Implemented", LINK, "MIG")},
        version="2.0",
        files={"gang.md": "x"},
    )
    assert read(tmp_path).entries[1].since == (
        "product version: 1.0 -> 2.0",
        "gang_scheduling: status Implemented -> N/A",
        "gang_scheduling: names volcano",
        "gang_scheduling: names kueue no more",
        "gang_scheduling: evidence documentation -> report",
        "gpu_sharing: new, Implemented",
        "dra_support: is not in the submission any more",
    )


@pytest.fixture
def dated(tmp_path: Path) -> Registry:
    repo = repository(tmp_path / "repo")
    product(repo, "v1.34/gke", GANG)
    product(repo, "v1.34/rke2", {"gang_scheduling": ("N/A", LINK, "no Kueue")})
    merge(repo, "2025-11-07", "one")
    product(repo, "v1.35/gke", {"gang_scheduling": ("Implemented", "e2e.log", "Volcano")}, files={"e2e.log": "x"})
    product(repo, "v1.35/talos", GANG)
    product(repo, "v1.35/unheard-of", GANG)
    merge(repo, "2026-06-01", "two")
    return read(repo)


def paths(registry: Registry, **wanted_: object) -> list[str]:
    return [e.path for e in find(registry, Criteria(**wanted_)).entries]


def test_search(dated: Registry) -> None:
    kueue = (wanted("gang_scheduling:kueue"),)
    assert paths(dated) == ["v1.35/gke", "v1.34/rke2", "v1.35/talos", "v1.35/unheard-of"]
    assert paths(dated, musts=(wanted("gang_scheduling"),)) == ["v1.35/gke", "v1.35/talos", "v1.35/unheard-of"]
    assert paths(dated, musts=kueue) == ["v1.34/gke", "v1.35/talos", "v1.35/unheard-of"]
    assert paths(dated, musts=kueue, valid_on=date(2026, 12, 1)) == ["v1.35/talos", "v1.35/unheard-of"]
    assert paths(dated, musts=(wanted("gang_scheduling"),), evidence=Strength.LOG) == ["v1.35/gke"]
    assert paths(dated, version="v1.34") == ["v1.34/gke", "v1.34/rke2"]
    assert paths(dated, text="rke") == ["v1.34/rke2"]
    assert paths(dated, accelerators=("amd",)) == []


def test_a_certification_ends_a_year_later_to_the_day(dated: Registry) -> None:
    def on(day: str) -> list[str]:
        return paths(dated, version="v1.34", valid_on=date.fromisoformat(day))

    assert on("2025-11-06") == []
    assert on("2025-11-07") == ["v1.34/gke", "v1.34/rke2"]
    assert on("2026-11-06") == ["v1.34/gke", "v1.34/rke2"]
    assert on("2026-11-07") == []
    assert a_year_later(date(2028, 2, 29)) == date(2029, 3, 1)


def test_what_is_not_known_is_neither_found_nor_passed_over_in_silence(dated: Registry, tmp_path: Path) -> None:
    found = find(dated, Criteria(kinds=("on-prem",)))
    assert [e.path for e in found.entries] == ["v1.34/rke2", "v1.35/talos"]
    assert found.unclassified == ("unheard-of",)
    product(tmp_path / "plain", "v1.35/gke", GANG)
    undated = find(read(tmp_path / "plain"), Criteria(valid_on=date(2026, 1, 1)))
    assert undated.entries == () and undated.undated == ("gke",)


def test_a_platform_by_its_names(dated: Registry) -> None:
    for name, path in (("gke", "v1.35/gke"), ("GKE@1.34", "v1.34/gke"), ("v1.34/gke", "v1.34/gke")):
        assert platform(dated, name)[1].path == path
    with pytest.raises(WrongCriterion, match="did you mean talos"):
        platform(dated, "talos-linux")
    with pytest.raises(WrongCriterion, match=r"it has v1\.34, v1\.35"):
        platform(dated, "gke@1.33")


@pytest.mark.parametrize(("text", "says"), [("gang", "gang_scheduling"), ("gang_scheduling:ku", "kueue, volcano")])
def test_a_criterion_that_nothing_could_meet(text: str, says: str) -> None:
    with pytest.raises(WrongCriterion, match=says):
        wanted(text)
