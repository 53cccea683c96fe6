"""`aiconform compare` as a user meets it."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aiconform.cli import main as program
from aiconform.cli.compare import _side
from aiconform.comparison import compare, html, markdown
from aiconform.comparison.types import Comparison
from aiconform.evidence import seal
from aiconform.model import Options, decode

sys.path.insert(0, str(Path(__file__).parent))
from kept_runs import ACCESS, GANG, INVENTORY, RUN, SOUND, make_run

Run = Callable[..., int]


@pytest.fixture
def aiconform(monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*words: str | Path) -> int:
        monkeypatch.setattr(sys, "argv", ["aiconform", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            program.main()
        return int(left.value.code or 0)

    return call


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """A sound run, and a broken one."""
    return make_run(tmp_path / "a", SOUND), make_run(tmp_path / "b", {**SOUND, GANG: "fail-binds-one-by-one"})


def test_the_exit_code_tells_only_when_asked(aiconform: Run, runs: tuple[Path, Path]) -> None:
    assert aiconform("compare", *runs) == 0
    assert aiconform("compare", *runs, "--fail-on-regression") == 1
    assert aiconform("compare", *reversed(runs), "--fail-on-regression") == 0


def test_where_nothing_could_be_compared_nothing_is_said_to_hold(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [
        make_run(tmp_path / only, {only: "pass-sound"}, run=replace(RUN, id=only, options=Options(only=(only,))))
        for only in (GANG, ACCESS)
    ]
    assert aiconform("compare", *runs, "--fail-on-regression") == 2
    out = capsys.readouterr().out
    assert "Nothing could be compared" in out and "No regression" not in out


def test_what_passed_and_was_not_tried_again_is_named(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = replace(RUN, id="part", options=Options(only=(GANG,)))
    runs = make_run(tmp_path / "a", SOUND), make_run(tmp_path / "b", {GANG: "pass-sound"}, run=part)
    for form in ("table", "markdown", "html"):
        assert aiconform("compare", *runs, "-o", form, "--fail-on-regression") == 0
        out = " ".join(capsys.readouterr().out.replace("\\", "").split())
        assert f"Passed in the first run, and not compared: {ACCESS}." in out, form


def test_the_table_says_what_broke(aiconform: Run, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    aiconform("compare", *runs)
    out = " ".join(capsys.readouterr().out.split())
    assert (
        re.search(r"Regressions: 1 requirement and \d clauses broke; \d clauses not proved any more", out)
        and "native: starts_none_when_short" in out
    )
    assert "broke" in out and "2 x" not in out


def test_json_reads_back_as_the_types(
    aiconform: Run, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    aiconform("compare", *runs, "-o", "json")
    text = capsys.readouterr().out
    assert decode(text, Comparison).regressions
    assert json.loads(text)["format"] == "aiconform.dev/comparison/v1"


def test_files_in_every_form(aiconform: Run, runs: tuple[Path, Path], tmp_path: Path) -> None:
    for form in ("table", "json", "yaml", "markdown", "html"):
        file = tmp_path / form
        assert aiconform("compare", *runs, "-o", form, "-f", file) == 0
        assert "starts_none_when_short" in file.read_text()


def unsealed(run: Path) -> None:
    (run / "recorded" / "seal.json").unlink()


def altered(run: Path) -> None:
    path = run / "recorded" / "inventory.json"
    path.write_bytes(path.read_bytes().replace(b"kueue", b"other"))


def another_format(run: Path) -> None:
    path = run / "recorded" / "run.json"
    path.write_text(json.dumps({"format": "aiconform.dev/recording/v9", "everything": "else"}))
    seal.write(run / "recorded")


def no_inventory(run: Path) -> None:
    (run / "recorded" / "inventory.json").unlink()
    seal.write(run / "recorded")


def garbage(run: Path) -> None:
    (run / "recorded" / "run.json").write_bytes(b"\xff\xfe{")


def no_run(run: Path) -> None:
    (run / "recorded").rename(run / "elsewhere")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (unsealed, "seal.json"),
        (altered, "inventory.json was changed after the seal"),
        (another_format, "aiconform.dev/recording/v9"),
        (no_inventory, "inventory.json is missing"),
        (garbage, "run.json cannot be understood"),
        (no_run, "is not a run"),
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_a_run_that_cannot_be_compared_is_one_clear_error(
    aiconform: Run,
    runs: tuple[Path, Path],
    damage: Callable[[Path], None],
    says: str,
    which: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(runs[which])
    assert aiconform("compare", *runs) == 3
    said = capsys.readouterr()
    assert says in said.err and len(said.err.strip().splitlines()) == 1
    assert str(runs[which]) in said.err
    assert said.out == ""


def test_wrong_usage(aiconform: Run, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert aiconform("compare", runs[0]) == 64
    assert aiconform("compare", *runs, "-o", "pdf") == 64
    assert aiconform("compare", *runs, "--checklist", "2.0") == 64
    assert "1.33" in capsys.readouterr().err


def test_what_a_cluster_says_cannot_become_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>|[x](http://y)\n# z"
    run = replace(RUN, platform=evil, context=evil)
    first = make_run(tmp_path / "a", SOUND)
    second = make_run(tmp_path / "b", {GANG: "pass-sound"}, run=run, inventory=replace(INVENTORY, platform=evil))
    found = compare(_side(first, ""), _side(second, ""))
    assert "<script" not in html.render(found)
    written = markdown.render(found)
    assert "<script" not in written and "\n# z" not in written and "[x](" not in written
