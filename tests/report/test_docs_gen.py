"""Generated documentation: it is what the code says, and a difference is noticed."""

import json
from pathlib import Path

import msgspec
import pytest

import aiconform
from aiconform.docs_gen import __main__ as docs_gen
from aiconform.docs_gen import checks, schemas
from aiconform.docs_gen.faults import Fault, FaultError, load
from aiconform.engine import registry
from aiconform.evidence import seal
from aiconform.model import Check

DOCS = Path(aiconform.__file__).parents[2] / "docs"


def test_the_docs_in_the_repository_are_those_that_the_code_gives() -> None:
    assert docs_gen.differences(DOCS, docs_gen.generated()) == []


def test_check_notices_what_differs_is_missing_or_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert docs_gen.main(["--docs", str(tmp_path)]) == 0
    assert docs_gen.main(["--docs", str(tmp_path), "--check"]) == 0
    (tmp_path / "checks" / "gang_scheduling.md").write_text("old")
    (tmp_path / "schemas" / "end.json").unlink()
    (tmp_path / "checks" / "gone.md").write_text("a check that was removed")
    assert docs_gen.main(["--docs", str(tmp_path), "--check"]) == 1
    said = capsys.readouterr().err
    for part in ("gang_scheduling.md differs", "end.json is missing", "gone.md is not generated any more"):
        assert part in said
    assert docs_gen.main(["--docs", str(tmp_path)]) == 0
    assert docs_gen.main(["--docs", str(tmp_path), "--check"]) == 0


@pytest.mark.parametrize("name", registry.names())
def test_a_page_holds_every_clause_permission_and_deadline(name: str) -> None:
    check: Check = registry.load(name).check
    text = checks.page(check, ())
    for clause in check.clauses:
        assert f"### {clause.id}\n" in text
        assert clause.sentence in text
        assert clause.remedy in text
    for deadline, why in check.deadlines.items():
        assert f"| `{deadline}` | {why.seconds:g} s | {why.reason} |" in text
    for permission in check.permissions:
        assert ", ".join(permission.resources) in text


@pytest.mark.parametrize("name", registry.names())
def test_every_clause_can_fail_and_faults_name_clauses_that_there_are(name: str) -> None:
    clauses = {c.id for c in registry.load(name).check.clauses}
    faults = load(registry.folder(name))
    failed = {c for f in faults if f.kind == "fault" for c, outcome in f.clauses.items() if outcome == "FAIL"}
    assert failed == clauses
    assert {c for f in faults for c in (*f.clauses, *f.may_fail)} <= clauses
    assert all(f.outcome == "PASS" for f in faults if f.kind == "variant")
    assert all(f.outcome in ("FAIL", "UNKNOWN") for f in faults if f.kind == "fault")


def test_coverage_names_the_fault_of_a_clause_and_the_clauses_without_one() -> None:
    check = registry.load("gang_scheduling").check
    first, second = check.clauses[:2]
    fault = Fault(
        id="gate-off", kind="fault", title="x", outcome="FAIL", clauses={first.id: "FAIL"}, may_fail=(second.id,)
    )
    text = checks.coverage([(check, (fault,))])
    assert f"| `{first.id}` | `gate-off` |" in text
    assert f"| `{second.id}` | **none yet** |" in text
    assert "| `gate-off` | FAIL | FAIL | (FAIL) |" in text


def test_a_fault_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "some_check" / "faults"
    folder.mkdir(parents=True)
    (folder / "b.yaml").write_text("kind: variant\ntitle: two\nexpect: {outcome: PASS}\n")
    (folder / "z.yaml").write_text("kind: fault\ntitle: one\nexpect: {outcome: FAIL, clauses: {a: FAIL}}\n")
    assert [(f.id, f.outcome, f.clauses) for f in load(folder.parent)] == [
        ("z", "FAIL", {"a": "FAIL"}),
        ("b", "PASS", {}),
    ]
    (folder / "c.yaml").write_text("kind: nonsense\n")
    with pytest.raises(FaultError, match=r"some_check/faults/c\.yaml: kind must be fault or variant"):
        load(folder.parent)


def test_the_schema_of_the_seal_is_that_of_a_real_seal(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    sealed = msgspec.json.decode(seal.write(tmp_path).read_bytes(), type=schemas.Seal, strict=True)
    assert sealed.format == seal.FORMAT
    assert list(sealed.files) == ["a.json"]


def test_every_schema_is_json_and_says_what_it_describes() -> None:
    pages = schemas.pages()
    for name, (where, _) in schemas.TYPES.items():
        content = json.loads(pages[f"schemas/{name}.json"])
        assert content["title"] == where
        assert content["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_older_versions_are_told_by_the_names_of_recordings(tmp_path: Path) -> None:
    for name in ("pass-sound/a", "pass-sound-1.35/b", "pass-sound-1.36/c", "fail-gate-off-1.35/b"):
        (tmp_path / "gang" / "recordings" / name).mkdir(parents=True)
    text = checks.older_versions([tmp_path / "gang"])
    assert "| gang | `gate-off` | FAIL: b |  |" in text
    assert "| gang | `sound` | PASS: b | PASS: c |" in text
    assert "PASS: a" not in text


@pytest.mark.parametrize("name", schemas.TYPES)
def test_a_schema_has_nothing_that_only_some_versions_of_msgspec_write(name: str) -> None:
    text = schemas.pages()[f"schemas/{name}.json"]
    assert r"\n    " not in text
    assert '"default": {}' not in text
