"""Wrong usage: exit 64 (or 3 for what is broken), one sentence on stderr, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiconform.cli.errors import Problem
from aiconform.cli.settings import make_options
from aiconform.model import PROBE_IMAGE, Options

pytestmark = pytest.mark.slow


def aiconform(*argv: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k != "KUBECONFIG"}
    return subprocess.run(
        [sys.executable, "-m", "aiconform", *argv],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**clean, "HOME": "/nonexistent", **env},
        check=False,
    )


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["nonsense"], 64, "No such command"),
        (["run", "--nonsense"], 64, "--nonsense"),
        (["run", "--only", "nonsense", "--kubeconfig", "/none"], 3, "/none"),
        (["run", "--timeout-factor", "zero"], 64, "--timeout-factor"),
        (["run", "--timeout-factor", "-1"], 64, "above 0"),
        (["run", "--mechanism", "gang_scheduling"], 64, "NAME=VALUE"),
        (["run", "--mechanism", "gang_scheduling=nobody"], 64, "native"),
        (["run", "--mechanism", "gang_scheduling=native", "--mechanism", "gang_scheduling=nobody"], 64, "nobody"),
        (["run", "--mechanism", "gang_scheduling=volcano", "--mechanism", "gang_scheduling=volcano:x"], 64, "twice"),
        (["run", "--mechanism", "dra_support=v1", "--mechanism", "dra_support=v1beta1"], 64, "takes one"),
        (["run", "--deadline", "gang_scheduling.nonsense=3"], 64, "nonsense"),
        (["run", "--deadline", "gang_scheduling.canary=soon"], 64, "soon"),
        (["run", "--allow", "everything"], 64, "extended"),
        (["run", "-o", "xml"], 64, "table, json"),
        (["run", "--checklist", "2.0"], 64, "1.33, 1.34"),
        (["run", "--config", "/none.yaml"], 64, "/none.yaml"),
        (["run", "--lab", "x", "--context", "y"], 64, "--lab"),
        (["survey", "--kubeconfig", "/none"], 3, "/none"),
        (["judge", "/none"], 3, "/none"),
        (["judge"], 64, "RUN"),
        (["verify", "/none"], 3, "/none"),
        (["report", "/none", "-o", "pdf"], 64, "html"),
        (["explain", "nonsense"], 64, "gang_scheduling"),
        (["lab", "up", "--name", "no such name!"], 64, "name"),
        (["lab", "build", "--kubernetes", "1.20"], 64, "1.34, 1.35"),
    ],
)
def test_one_sentence_and_the_right_code(argv: list[str], code: int, says: str) -> None:
    done = aiconform(*argv)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_no_command_shows_the_help() -> None:
    done = aiconform()
    assert done.returncode == 64
    assert "Commands" in done.stdout


def test_version_and_explain_work_without_a_cluster() -> None:
    assert aiconform("--version").stdout.startswith("aiconform ")
    assert "starts_none_when_short" in aiconform("explain", "gang_scheduling").stdout
    assert "no check in this version" in aiconform("explain").stdout


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    config = tmp_path / "aiconform.yaml"
    config.write_text("timeout-factor: 3\nonly: gang_scheduling\nmechanism: {gang_scheduling: native}\n")
    made = make_options(config=config, timeout_factor=2.0)
    assert made == Options(timeout_factor=2.0, only=("gang_scheduling",), mechanism={"gang_scheduling": "native"})
    assert made.probe_image == PROBE_IMAGE


def test_a_requirement_may_have_several_mechanisms_by_flags_and_in_the_file(tmp_path: Path) -> None:
    named = {"robust_controller": ("jobset", "lws"), "gang_scheduling": "native"}
    flags = ["robust_controller=jobset", "gang_scheduling=native", "robust_controller=lws"]
    assert make_options(mechanism=flags).mechanism == named
    config = tmp_path / "aiconform.yaml"
    config.write_text("mechanism: {robust_controller: [jobset, lws], gang_scheduling: native}\n")
    assert make_options(config=config).mechanism == named


@pytest.mark.parametrize(
    "text", ["- a list", "nonsense: 1", "timeout-factor: soon", "only: [1, {}]\nmechanism: 3", "a: [", "\x00"]
)
def test_a_bad_file_is_a_usage_error(tmp_path: Path, text: str) -> None:
    config = tmp_path / "aiconform.yaml"
    config.write_text(text)
    with pytest.raises(Problem) as caught:
        make_options(config=config)
    assert caught.value.code == 64 and str(caught.value)


def test_names_may_be_repeated_or_joined_by_commas() -> None:
    assert make_options(only=["a,b", " c "]).only == ("a", "b", "c")
