"""The commands that make evidence travel, and the official template, as a user meets them."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from aiconform.checklists import load
from aiconform.cli import main as program
from aiconform.cli import template as templates
from aiconform.cli.errors import BROKEN, USAGE, Problem

sys.path.insert(0, str(Path(__file__).parents[1] / "evidence"))
from travelling import ATTEMPT, change, make_run

Run = Callable[..., int]
CHECKLIST = load("1.37")
TEMPLATE = "metadata:\n  kubernetesVersion: v1.37\nspec:\n" + "".join(
    f'  s{i}:\n    - id: {r.id}\n      level: {r.level}\n      status: ""\n      evidence: []\n      notes: ""\n'
    for i, r in enumerate(CHECKLIST.requirements)
)


@pytest.fixture
def aiconform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the program in an empty folder and returns its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def call(*words: str | Path) -> int:
        monkeypatch.setattr(sys, "argv", ["aiconform", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            program.main()
        return int(left.value.code or 0)

    return call


def test_from_key_to_verdict(aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path / "run")
    assert aiconform("evidence", "keygen", "key", "--type", "ecdsa") == 0
    assert aiconform("evidence", "pack", "run", "--key", "key", "--signer", "Jo Example") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "aiconform-k3x9.tar.gz"
    assert aiconform("evidence", "verify", "aiconform-k3x9.tar.gz", "--key", "key.pub") == 0
    said = capsys.readouterr().out
    for part in ("run: k3x9", "started: 2026-01-02T10:00:00Z", "signer: Jo Example", "suite: 0.1.0", "UNKNOWN"):
        assert part in said
    assert aiconform("evidence", "unpack", "aiconform-k3x9.tar.gz", "copy") == 0
    assert aiconform("judge", "copy") == 2
    capsys.readouterr()
    assert aiconform("evidence", "verify", "copy", "--key", "key.pub", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["about"]["signer"] == "Jo Example"
    change(tmp_path / "copy" / "recorded" / ATTEMPT / "observations.jsonl", b"there is none", b"there is some")
    assert aiconform("evidence", "verify", "copy", "--key", "key.pub") == BROKEN
    assert "observations.jsonl was changed after the seal" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("evidence", "pack", "absent"), BROKEN, "is not a run"),
        (("evidence", "verify", "absent"), BROKEN, "absent"),
        (("evidence", "unpack", "absent", "out"), BROKEN, "absent"),
        (("evidence", "sign", "run"), USAGE, "one of them"),
        (("evidence", "sign", "run", "--key", "absent"), BROKEN, "absent cannot be read"),
        (("evidence", "keygen", "k", "--type", "rsa"), USAGE, "ed25519 and ecdsa"),
        (("evidence", "keygen", "k", "--password-env", "NOT_SET_HERE"), USAGE, "no variable NOT_SET_HERE"),
        (("evidence", "verify", "run", "--issuer", "x"), USAGE, "give both"),
        (("rbac", "--only", "nonsense"), USAGE, "no requirement 'nonsense'"),
        (("rbac", "--service-account", "x"), USAGE, "NAMESPACE/NAME"),
        (("images", "--image-map", "x"), USAGE, "FROM=TO"),
        (("images", "--registry", "http://x"), USAGE, "registry prefix"),
        (("product", "run", "--template", "absent"), BROKEN, "the template absent cannot be read"),
        (("product", "run", "--template", "t.yaml", "--set", "x"), USAGE, "NAME=VALUE"),
        (("product", "run", "--template", "t.yaml", "--set", "x=y"), BROKEN, "no metadata field 'x'"),
    ],
)
def test_every_mistake_is_one_sentence(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, says: str
) -> None:
    make_run(tmp_path / "run")
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    assert aiconform(*words) == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("aiconform: ") and says in last


def test_rbac_prints_what_kubectl_takes(aiconform: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert aiconform("rbac", "--only", "gang_scheduling", "--user", "jo", "--pull-secret", "reg/mirror") == 0
    kinds = [d["kind"] for d in yaml.safe_load_all(capsys.readouterr().out)]
    assert kinds == ["ClusterRole", "ClusterRole", "Role", "ClusterRoleBinding", "ClusterRoleBinding", "RoleBinding"]
    assert aiconform("rbac", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "List"


def test_images_are_listed_as_they_would_be_pulled(aiconform: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert aiconform("images", "--only", "gang_scheduling", "--registry", "m.example", "-o", "name") == 0
    assert capsys.readouterr().out.split() == ["m.example/library/python:3.13-slim"]


def test_product_writes_the_file_and_what_it_links_to(
    aiconform: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path / "run")
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    (tmp_path / "m.yaml").write_text("metadata: {vendorName: Example}\n")
    base = ("product", "run", "-o", "out", "--metadata", "m.yaml")
    assert aiconform(*base, "--template", "t.yaml") == 0
    said = capsys.readouterr().err
    assert "0 of 15 rows proved" in said and "platformName" in said and "vendorName" not in said
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"PRODUCT.yaml", "junit.xml", "e2e.log", "results.json"}
    filled = yaml.safe_load((tmp_path / "out" / "PRODUCT.yaml").read_text())
    assert filled["metadata"]["vendorName"] == "Example"
    assert {row["status"] for section in filled["spec"].values() for row in section} == {""}
    assert aiconform(*base, "--template", "t.yaml") == BROKEN
    assert "give it as --template" in capsys.readouterr().err
    assert aiconform(*base, "--template", "out/PRODUCT.yaml") == 0


class Server:
    """Stands in for the network: what it answers, and how often it was asked."""

    def __init__(self, data: bytes) -> None:
        self.data, self.asked = data, 0

    def __call__(self, url: str) -> bytes:
        assert url == "https://raw.githubusercontent.com/cncf/k8s-ai-conformance/main/docs/AIConformance-1.37.yaml"
        self.asked += 1
        return self.data


def test_the_official_template_is_fetched_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    server = Server(b"official\n")
    monkeypatch.setattr(templates, "_download", server)
    known = hashlib.sha256(server.data).hexdigest()
    for _ in range(3):
        assert templates.fetch("", version="1.37", sha256=known) == "official\n"
    assert server.asked == 1
    (tmp_path / "aiconform" / "checklists" / "AIConformance-1.37.yaml").write_text("damaged")
    assert templates.fetch("", version="1.37", sha256=known) == "official\n"
    assert server.asked == 2


def test_a_changed_checklist_is_noticed_and_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(templates, "_download", Server(b"newer\n"))
    assert templates.fetch("", version="1.37", sha256="0" * 64) == "newer\n"
    assert "not the checklist 1.37 that this release knows" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.yaml"))


def test_offline_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    # A port of this machine where nobody listens: refused at once, with no network.
    monkeypatch.setattr(templates, "OFFICIAL", "http://127.0.0.1:9/{version}")
    with pytest.raises(Problem, match=r"cannot be fetched from .*; go online once, or give the file with --template"):
        templates.fetch("", version="1.37", sha256="0" * 64)
