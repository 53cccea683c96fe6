"""`aiconform port` as a user meets it: codes, files, forms, and one sentence for each mistake."""

import io
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from aiconform import checks
from aiconform.cli import main as program
from aiconform.cli.errors import BROKEN, FAILED, PASSED, UNKNOWN, USAGE
from aiconform.model import encode_pretty

sys.path.insert(0, str(Path(__file__).parents[1] / "porting"))
sys.path.insert(0, str(Path(__file__).parents[1] / "evidence"))
from clusters import by_claim, by_plugin, cluster, offer
from travelling import ATTEMPT, make_run

Run = Callable[..., int]
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - {name: c, image: i, resources: {limits: {nvidia.com/gpu: 1}}}
"""


@pytest.fixture
def aiconform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the program in a folder with two inventories and a manifest, and returns its exit code."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_bytes(encode_pretty(by_plugin()))
    (tmp_path / "b.json").write_bytes(encode_pretty(by_claim()))
    (tmp_path / "none.json").write_bytes(encode_pretty(cluster()))
    (tmp_path / "pod.yaml").write_text(POD)

    def call(*words: str, text: bytes = b"") -> int:
        monkeypatch.setattr(sys, "argv", ["aiconform", "port", *words])
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text)))
        with pytest.raises(SystemExit) as left:
            program.main()
        return int(left.value.code or 0)

    return call


def test_the_table_names_every_edit_and_shows_the_diff(aiconform: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert aiconform("pod.yaml", "--from", "a.json", "--to", "b.json") == PASSED
    said = capsys.readouterr().out
    for part in (
        "renamed",
        "1 x nvidia.com/gpu",
        "class gpu.nvidia.com",
        "edits (",
        "+++ b/pod.yaml",
        "+  resourceClaims:",
    ):
        assert part in said, said


def test_codes(aiconform: Run) -> None:
    assert aiconform("pod.yaml", "--to", "none.json") == FAILED
    Path("q.yaml").write_text(POD.replace("spec:\n", "spec:\n  schedulerName: ours\n"))
    assert aiconform("q.yaml", "--from", "a.json", "--to", "a.json") == UNKNOWN
    # What is missing outweighs what is unknown.
    assert aiconform("q.yaml", "--to", "none.json") == FAILED


def test_written_files_are_whole_and_never_written_over(aiconform: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in/sub").mkdir(parents=True)
    Path("in/sub/pod.yml").write_text(POD)
    Path("in/other.yaml").write_bytes(b"apiVersion: v1\r\nkind: ConfigMap\r\nmetadata: {name:   odd}\r\n")
    Path("in/.hidden.yaml").write_text("no manifest")
    assert aiconform("in", "--from", "a.json", "--to", "b.json", "--write", "out") == PASSED
    assert Path("out/other.yaml").read_bytes() == Path("in/other.yaml").read_bytes()
    assert "ResourceClaimTemplate" in Path("out/sub/pod.yml").read_text() and not Path("out/.hidden.yaml").exists()
    # The same again is no harm, something else is refused.
    assert aiconform("in", "--from", "a.json", "--to", "b.json", "--write", "out") == PASSED
    Path("out/sub/pod.yml").write_text("mine\n")
    capsys.readouterr()
    assert aiconform("in", "--from", "a.json", "--to", "b.json", "--write", "out") == USAGE
    assert "out/sub/pod.yml" in capsys.readouterr().err and Path("out/sub/pod.yml").read_text() == "mine\n"


def test_from_stdin_as_json_and_as_yaml(aiconform: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert aiconform("-", "--from", "a.json", "--to", "b.json", "-o", "json", text=POD.encode()) == PASSED
    report = json.loads(capsys.readouterr().out)
    assert report["status"] == "renamed" and report["diff"].startswith("--- a/stdin.yaml")
    assert {e["file"] for r in report["rows"] for e in r["edits"]} == {"stdin.yaml"}
    assert aiconform("-", "--from", "a.json", "--to", "b.json", "-o", "yaml", text=POD.encode()) == PASSED
    assert yaml.safe_load(capsys.readouterr().out) == report


def test_a_run_and_a_yaml_survey_are_inventories(aiconform: Run) -> None:
    Path("run/recorded").mkdir(parents=True)
    Path("run/recorded/inventory.json").write_bytes(Path("b.json").read_bytes())
    Path("a.yaml").write_text(yaml.safe_dump(json.loads(Path("a.json").read_text())))
    assert aiconform("pod.yaml", "--from", "a.yaml", "--to", "run") == PASSED


def test_what_the_targets_run_saw_fail_is_noted(aiconform: Run, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(Path("run"))
    recordings = Path(checks.__file__).parent / "gang_scheduling" / "recordings"
    queues = [offer("localqueues.kueue.x-k8s.io", "team", namespace="a")]
    Path("run/recorded/inventory.json").write_bytes(encode_pretty(by_plugin(offers=queues)))
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, labels: {kueue.x-k8s.io/queue-name: team}}\n"
    Path("job.yaml").write_text(job)
    assert aiconform("job.yaml", "--to", "run") == PASSED
    assert "run saw" not in capsys.readouterr().out
    shutil.rmtree(Path("run/recorded") / ATTEMPT)
    shutil.copytree(min(recordings.glob("fail-*/native/recording")), Path("run/recorded") / ATTEMPT)
    assert aiconform("job.yaml", "--to", "run") == PASSED
    assert "kueue queue team is there, but the target's run saw gang_scheduling fail" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["pod.yaml"], USAGE, "--to"),
        (["--to", "b.json"], USAGE, "MANIFESTS"),
        (["none.yaml", "--to", "b.json"], USAGE, "none.yaml"),
        (["pod.yaml", "--to", "none"], USAGE, "none"),
        (["pod.yaml", "--to", "."], BROKEN, "recorded/inventory.json"),
        (["pod.yaml", "--to", "pod.yaml"], BROKEN, "survey -o json"),
        (["pod.yaml", "--to", "b.json", "--from", "bad.json"], BROKEN, "bad.json"),
        (["bad.json", "--to", "b.json"], USAGE, "apiVersion"),
        (["empty", "--to", "b.json"], USAGE, "no manifests"),
        (["pod.yaml", "./pod.yaml", "--to", "b.json"], USAGE, "pod.yaml"),
        (["pod.yaml", "--to", "b.json", "-o", "name"], USAGE, "table, json, yaml"),
        (["pod.yaml", "--to", "b.json", "--map", "x"], USAGE, "FROM=TO"),
    ],
)
def test_one_sentence_for_each_mistake(
    aiconform: Run, capsys: pytest.CaptureFixture[str], words: list[str], code: int, says: str
) -> None:
    Path("empty").mkdir()
    Path("bad.json").write_text('{"server_version": 3}')
    assert aiconform(*words) == code
    said = capsys.readouterr().err
    assert says in said and len(said.strip().splitlines()) == 1, said


def test_the_guide_shows_what_is_printed(
    aiconform: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = Path(__file__).parents[1]
    guide = (tests.parent / "docs" / "guide" / "port.md").read_text()
    command, shown = guide.split("\n$ aiconform port ")[1].split("\n```")[0].split("\n", 1)
    for name in ("train.yaml", "plugin.json", "claims.json"):
        Path(name).write_bytes((tests / "porting" / "guide" / name).read_bytes())
    assert aiconform(*command.split()) == PASSED
    assert "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines()) == shown


def test_names_in_manifests_are_neither_markup_nor_commands(
    aiconform: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    odd = r'"\e[31m\\[/x][bold]"'
    text = (
        POD.replace("name: p", f"name: {odd}") + f"  schedulerName: {odd}\n  volumes: [{{hostPath: {{path: {odd}}}}}]\n"
    )
    (tmp_path / "pod.yaml").write_text(text)
    assert aiconform("pod.yaml", "--from", "a.json", "--to", "b.json") == UNKNOWN
    said = capsys.readouterr().out
    assert "\x1b" not in said and said.count(r"[31m\[/x][bold]") > 3


def test_no_more_of_a_file_is_read_than_could_be_used(aiconform: Run, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()
    assert aiconform("/dev/zero", "--to", "b.json") == USAGE
    assert "over 16 MiB" in capsys.readouterr().err
    assert time.monotonic() - begun < 30
