"""`aiconform submission` as a user meets it: what is written, what is said, and the exit codes."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from aiconform.checklists import load
from aiconform.cli import main as program
from aiconform.cli.errors import BROKEN, FAILED, USAGE
from aiconform.engine import registry
from aiconform.submission import checker, follow

sys.path.insert(0, str(Path(__file__).parents[1] / "comparison"))
sys.path.insert(0, str(Path(__file__).parents[1] / "submission"))
from kept_runs import ACCESS, GANG, SOUND, make_run
from products import product_yaml, write

Run = Callable[..., int]
TEMPLATE = "metadata:\n  kubernetesVersion: v1.37\n  repoUrl: '[Repository URL]'\nspec:\n" + "".join(
    f"  {section}:\n"
    + "".join(
        f'    - id: {r.id}\n      level: {r.level}\n      status: ""\n      evidence: []\n      notes: ""\n'
        for r in load("1.37").requirements
        if r.section == section
    )
    for section in dict.fromkeys(r.section for r in load("1.37").requirements)
)
PRODUCT = """
[metadata]
platformName = "Example Platform"
platformVersion = "4.2"
vendorName = "Example"
websiteUrl = "https://example.com"
documentationUrl = "https://docs.example.com"
productLogoUrl = "https://example.com/logo.svg"
description = "An example."
contactEmailAddress = "jo@example.com"
k8sConformanceUrl = "https://github.com/cncf/k8s-conformance/tree/master/v1.37/example"
[layers]
gang_scheduling = "Example Platform"
"""
CLAIMS = "- {requirement: cluster_autoscaling, says: N/A, who: Jo, when: 2026-01-01, why: The machines are fixed.}\n"


@pytest.fixture
def aiconform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*words: str | Path) -> int:
        monkeypatch.setattr(sys, "argv", ["aiconform", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            program.main()
        return int(left.value.code or 0)

    return call


def prepare(folder: Path, recordings: dict[str, str]) -> None:
    make_run(folder / "run", recordings)
    (folder / "run" / "claims.yaml").write_text(CLAIMS)
    (folder / "t.yaml").write_text(TEMPLATE)
    (folder / "product.toml").write_text(PRODUCT)
    (folder / "up").mkdir()
    (folder / "up" / "e2e.log").write_text("--- PASS: TestSecureAcceleratorAccess (1.0s)\n")


NEW = ("submission", "new", "run", "--product", "product.toml", "--template", "t.yaml", "-o", "v1.37/example")


def rows(path: Path) -> dict[str, dict[str, object]]:
    return {row["id"]: row for section in yaml.safe_load(path.read_text())["spec"].values() for row in section}


def test_what_is_written_passes_the_gate_where_it_was_proved(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path, SOUND)
    assert aiconform(*NEW, "--upstream", "up") == 0
    out, err = capsys.readouterr()
    path = tmp_path / "v1.37" / "example" / "PRODUCT.yaml"
    assert out.strip() == "v1.37/example/PRODUCT.yaml"
    found = rows(path)
    assert found[GANG]["status"] == found[ACCESS]["status"] == "Implemented"
    assert "Layer: Example Platform." in str(found[GANG]["notes"])
    assert "upstream/e2e.log#TestSecureAcceleratorAccess" in found[ACCESS]["evidence"]  # type: ignore[operator]
    assert found["cluster_autoscaling"]["status"] == "N/A"
    assert "Stated by Jo" in str(found["cluster_autoscaling"]["notes"])
    assert {str(r["status"]) for n, r in found.items() if n not in (GANG, ACCESS, "cluster_autoscaling")} == {""}
    assert yaml.safe_load(path.read_text())["metadata"]["repoUrl"] == ""
    assert "2 of 15 rows proved" in err and "every MUST needs an answer" in err and "ai_inference" in err
    # Everything that is wrong with it is what was not proved, and nothing that was written.
    checked = next(iter(checker.check([path], checker.Asked(advice=False))))
    wrong = {(r.rule, r.row) for r in checked.remarks if r.level == "error"}
    missing = {r.id for r in load("1.37").requirements if r.level == "MUST"} - {GANG, ACCESS, "cluster_autoscaling"}
    assert wrong == {(rule, row) for row in missing for rule in ("status-unknown", "must-not-implemented")}


def test_claims_that_fill_in_no_row_are_named(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path, SOUND)
    other = CLAIMS.replace("cluster_autoscaling", "cluster_autoscaler") + CLAIMS.replace("N/A", "not applicable")
    (tmp_path / "run" / "claims.yaml").write_text(other)
    assert aiconform(*NEW) == 0
    said = capsys.readouterr().err
    assert "cluster_autoscaler is no row of this checklist" in said
    assert "cluster_autoscaling says 'not applicable', which fills in no row" in said
    assert rows(tmp_path / "v1.37" / "example" / "PRODUCT.yaml")["cluster_autoscaling"]["status"] == ""


def test_a_failed_run_leaves_no_results_to_submit(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = next(p.name for p in sorted((registry.folder(ACCESS) / "recordings").glob("fail-*")))
    prepare(tmp_path, {GANG: "pass-sound", ACCESS: broken})
    assert aiconform(*NEW, "--upstream", "up", "--accept-upstream") == 0
    folder = tmp_path / "v1.37" / "example"
    found = rows(folder / "PRODUCT.yaml")
    assert found[GANG]["evidence"] == ["evidence/gang_scheduling.md"]
    # Not even upstream's word makes it Implemented.
    assert (found[ACCESS]["status"], found[ACCESS]["evidence"]) == ("", [])
    assert str(found[ACCESS]["notes"]).startswith("Not proved: FAIL")
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) == [
        "PRODUCT.yaml", "evidence/gang_scheduling.md", "upstream/e2e.log",
    ]  # fmt: skip
    assert "results are left out" in capsys.readouterr().err


def test_upstream_s_word_counts_only_if_asked_for(aiconform: Run, tmp_path: Path) -> None:
    prepare(tmp_path, {GANG: "pass-sound"})
    assert aiconform(*NEW, "--upstream", "up") == 0
    path = tmp_path / "v1.37" / "example" / "PRODUCT.yaml"
    assert rows(path)[ACCESS]["status"] == ""
    again = [a if a != "t.yaml" else str(path) for a in NEW]
    assert aiconform(*again, "--upstream", "up", "--accept-upstream") == 0
    found = rows(path)[ACCESS]
    assert found["status"] == "Implemented"
    assert str(found["notes"]).startswith("By upstream's suite, and not by aiconform")
    # What it had written is written anew, and not kept as if it were by hand.
    assert aiconform(*again) == 0
    assert rows(path)[ACCESS]["status"] == ""


def test_what_others_put_there_is_kept(aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(tmp_path, SOUND)
    folder = tmp_path / "v1.37" / "example"
    folder.mkdir(parents=True)
    (folder / "e2e.log").write_text("--- PASS: TestGangScheduling\n")
    assert aiconform(*NEW) == BROKEN
    assert "e2e.log is there already" in capsys.readouterr().err
    assert (folder / "e2e.log").read_text() == "--- PASS: TestGangScheduling\n"
    (folder / "e2e.log").unlink()
    (folder / "PRODUCT.yaml").write_text("by hand")
    assert aiconform(*NEW) == BROKEN
    assert (folder / "PRODUCT.yaml").read_text() == "by hand"


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"-o": "v1.36/example"}, USAGE, "below a folder v1.37"),
        ({"-o": "example"}, USAGE, "below a folder v1.37"),
        ({"--product": "none.toml"}, USAGE, "none.toml cannot be read"),
        ({"--product": "t.yaml"}, USAGE, "no TOML"),
        ({"--template": "product.toml"}, BROKEN, "template is no"),
        ({"--upstream": "run"}, USAGE, "holds none of"),
        ({"--upstream": "bad"}, BROKEN, "e2e.log holds no line"),
        ({"--accept-upstream": None}, USAGE, "needs --upstream"),
        ({"run": "up"}, BROKEN, "is not a run"),
        ({"--checklist": "9.9"}, USAGE, "not known"),
    ],
)
def test_every_mistake_of_new_is_one_sentence(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    change: dict[str, str | None], code: int, says: str,
) -> None:  # fmt: skip
    prepare(tmp_path, SOUND)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "e2e.log").write_text("nothing")
    words = list(NEW)
    for name, value in change.items():
        if name in words and name.startswith("-"):
            words[words.index(name) + 1] = str(value)
        elif name in words:
            words[words.index(name)] = str(value)
        else:
            words += [name, *([value] if value else [])]
    assert aiconform(*words) == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("aiconform: ") and says in last
    assert not (tmp_path / "v1.37").exists() or "is there" in last


def test_check_has_the_exit_codes_of_the_others(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(tmp_path, product_yaml())
    assert aiconform("submission", "check", tmp_path, "--no-advice") == 0
    assert "1 submission: 1 open" in capsys.readouterr().out
    write(tmp_path, product_yaml(ai_inference="status: no"), name="bad")
    assert aiconform("submission", "check", "v1.37", "-o", "json") == FAILED
    found = json.loads(capsys.readouterr().out)
    assert found["verdicts"] == {"refused": 1, "open": 1}
    assert [f["product"] for f in found["files"]] == ["bad", "example"]
    good.write_bytes(b"#" * 2_000_000)
    assert aiconform("submission", "check", good) == BROKEN
    assert "unreadable" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["nowhere"], BROKEN, "nowhere does not exist"),
        (["."], BROKEN, "holds no PRODUCT.yaml"),
        ([], USAGE, "PATH"),
        (["v1.37", "-o", "xml"], USAGE, "table, json, github, sarif"),
        (["v1.37", "--certified", "soon"], USAGE, "2026-01-31"),
        (["v1.37", "--members", "none"], BROKEN, "none cannot be read"),
        (["v1.37", "--members", "v1.37/example/PRODUCT.yaml"], BROKEN, "no landscape"),
        (["v1.37", "--template", "v1.37/example/junit.xml"], BROKEN, "no official checklist"),
    ],
)
def test_every_mistake_of_check_is_one_sentence(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, says: str
) -> None:
    if words != ["."]:
        write(tmp_path, product_yaml())
    assert aiconform("submission", "check", *words) == code
    err = capsys.readouterr().err
    assert err.startswith("aiconform: ") and says in err and len(err.splitlines()) == 1


LANDSCAPE = b"landscape: [{name: CNCF Members, subcategories: [{items: [{name: Example (member)}]}]}]"


@pytest.mark.parametrize(
    ("state", "landscape", "code", "says"),
    [
        ("alive", LANDSCAPE, 0, "1 submission: 1 accepted"),
        ("dead", LANDSCAPE, FAILED, "[link-dead]"),
        ("alive", LANDSCAPE.replace(b"Example", b"Other"), FAILED, "[not-a-member]"),
        ("alive", b"<html>", BROKEN, "is no landscape"),
    ],
)
def test_online_asks_for_links_and_members(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    state: follow.State, landscape: bytes, code: int, says: str,
) -> None:  # fmt: skip
    asked: list[str] = []

    def answers(urls: list[str]) -> dict[str, follow.Answer]:
        asked.extend(urls)
        return {url: follow.Answer(state, "answers something") for url in urls}

    monkeypatch.setattr(follow, "follow", answers)
    monkeypatch.setattr(follow, "fetch", lambda url, largest: landscape)
    path = write(tmp_path, product_yaml())
    assert aiconform("submission", "check", path, "--online", "--no-advice") == code
    assert says in "".join(capsys.readouterr())
    assert code == BROKEN or asked == ["https://github.com/cncf/k8s-conformance/tree/master/v1.37/example"]


def test_no_network_is_no_dead_link(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_: object) -> bytes:
        raise follow.NoNetwork("nobody answers")

    path = write(tmp_path, product_yaml())
    monkeypatch.setattr(follow, "fetch", nobody)
    assert aiconform("submission", "check", path, "--online") == BROKEN
    assert "give the landscape's file with --members" in capsys.readouterr().err
