"""`aiconform registry` as a user meets it."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aiconform.cli import main as program
from aiconform.platforms import Entry
from aiconform.platforms.sheet import COLUMNS

sys.path.insert(0, str(Path(__file__).parent))
from made import merge, product, repository

Run = Callable[..., int]
LINK = "https://example.com/a"


@pytest.fixture
def aiconform(tmp_path: Path) -> Run:
    """Runs the program in a process of its own, as commands are looked up by the words that are given."""

    def call(*words: str | Path) -> int:
        done = subprocess.run(
            [sys.executable, "-m", "aiconform", *map(str, words)],
            capture_output=True,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
            check=False,
        )
        sys.stdout.write(done.stdout)
        sys.stderr.write(done.stderr)
        return done.returncode

    return call


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    made = repository(tmp_path / "repo")
    product(made, "v1.34/gke", {"gang_scheduling": ("Implemented", LINK, "=cmd()|Kueue")}, vendor="Google")
    product(made, "v1.34/talos", {"gang_scheduling": ("Implemented", LINK, "Volcano")})
    merge(made, "2025-11-07", "one")
    product(made, "v1.35/gke", {"gang_scheduling": ("Implemented", LINK, "Kueue")}, vendor="Google", version="2")
    merge(made, "2026-06-01", "two")
    return made


def test_list(aiconform: Run, repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aiconform("registry", "--source", repo, "list", "--today", "2026-12-01") == 0
    out = capsys.readouterr().out
    gke = next(line for line in out.splitlines() if line.startswith("gke") and "v1.34" in line)
    for word in ("Google", "hosted", "expired", "2026-11-07", "documentation 1"):
        assert word in gke
    assert len(out.splitlines()) == 4


def test_show_tells_everything_of_one(aiconform: Run, repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aiconform("registry", "show", "gke", "--source", repo, "--today", "2026-12-01") == 0
    out = capsys.readouterr().out
    for words in (
        "2027-06-01 (in 182 days)", "v1.34 (expired)", "1 of 1 rows repeat the evidence of v1.34/gke", "kueue", LINK,
        "product version: 1.0 -> 2", "is in the checklist and not in the submission",
    ):  # fmt: skip
        assert words in out


def test_compare(aiconform: Run, repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aiconform("registry", "compare", "gke", "talos", "--source", repo) == 0
    out = capsys.readouterr().out
    assert "Implemented: kueue [documentation]" in out and "Implemented: volcano [documentation]" in out


def test_find(aiconform: Run, repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("registry", "find", "--source", repo, "--must", "gang_scheduling:kueue", "-o", "name")
    assert aiconform(*asked, "--valid-on", "2026-12-01") == 0
    assert capsys.readouterr().out == "v1.35/gke\n"
    assert aiconform(*asked, "--vendor-type", "on-prem") == 0
    said = capsys.readouterr()
    assert said.out == "" and "no platform meets all of this" in said.err


def test_json_and_csv_hold_every_row(aiconform: Run, repo: Path, tmp_path: Path) -> None:
    assert aiconform("registry", "list", "--source", repo, "-o", "json", "-f", tmp_path / "a.json") == 0
    entries = json.loads((tmp_path / "a.json").read_text())
    assert [e["certified"] for e in entries] == ["2025-11-07", "2026-06-01", "2025-11-07"]
    assert set(entries[0]) == set(Entry.__dataclass_fields__)
    assert aiconform("registry", "list", "--source", repo, "-o", "csv", "-f", tmp_path / "a.csv") == 0
    lines = list(csv.reader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert tuple(lines[0]) == COLUMNS and len(lines) == 4
    assert {len(line) for line in lines} == {len(COLUMNS)}
    notes = {line[-1] for line in lines}
    assert "'=cmd()|Kueue" in notes, "a spreadsheet would run it"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("list", "--source", "/nonexistent"), 64, "neither a folder nor a git URL"),
        (("list", "--source", "file:///nonexistent"), 3, "cannot be cloned"),
        (("list", "-o", "pdf"), 64, "csv, html or name".replace(" or", ",")),
        (("list", "--today", "soon"), 64, "--today needs a day such as 2026-12-01"),
        (("find", "--must", "gang"), 64, "there is no requirement 'gang'"),
        (("find", "--must", "gang_scheduling:x"), 64, "known are kueue, volcano"),
        (("find", "--valid-on", "2026-13-01"), 64, "--valid-on needs a day"),
        (("find", "--vendor-type", "cheap"), 64, "hosted, cloud, on-prem"),
        (("find", "--accelerator", "abacus"), 64, "nvidia"),
        (("find", "--evidence", "nothing"), 64, "log, report, script, documentation"),
        (("find", "--evidence", "log"), 64, "at least one --must"),
        (("show",), 64, "PLATFORM"),
    ],
)
def test_wrong_usage_is_one_sentence(
    aiconform: Run, words: tuple[str, ...], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aiconform("registry", *words) == code
    said = capsys.readouterr()
    assert says in said.err and len(said.err.strip().splitlines()) == 1 and not said.out


def test_a_platform_that_is_not_there(aiconform: Run, repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aiconform("registry", "show", "goo", "--source", repo) == 64
    assert "did you mean gke?" in capsys.readouterr().err


def test_a_checklist_that_nobody_has_is_no_empty_answer(
    aiconform: Run, repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aiconform("registry", "find", "--checklist", "1.36", "--source", repo) == 64
    assert "no submission is for v1.36: there are v1.34, v1.35" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["[bold]", "a[red]b", "esc\x1b[31m"])
def test_texts_of_vendors_are_neither_markup_nor_commands(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    odd = r'"[/x]\e[31m"'
    where = product(tmp_path / "r", f"v1.35/{name}", {"odd": ("Implemented", odd, "Kueue")}, vendor="[/y]")
    text = (where / "PRODUCT.yaml").read_text().replace("id: odd", f"id: {odd}").replace("'1.0'", odd)
    (where / "PRODUCT.yaml").write_text(text)
    for words in (("list",), ("show", name), ("compare", name, name), ("find",)):
        assert aiconform("registry", "--source", tmp_path / "r", *words) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out and name.replace("\x1b", " ") in out
        assert "[/y]" in out and ("[/x]" in out) == (words[0] in ("show", "compare"))


def test_the_command_is_known_to_the_program() -> None:
    assert "registry" in program.COMMANDS
