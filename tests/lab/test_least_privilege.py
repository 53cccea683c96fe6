"""Runs under exactly the role that `aiconform rbac` prints: that much is enough, and no call asks for more."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import lightkube
import pytest
import yaml
from lightkube import KubeConfig, codecs
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ServiceAccount, ServiceAccountToken

from aiconform.engine import rbac
from aiconform.evidence import load_run
from aiconform.lab import Lab
from aiconform.lab.images import PROBE_IMAGE
from aiconform.model import Observation, Options, Outcome

pytestmark = [pytest.mark.lab, pytest.mark.slow]

CHECK = "secure_accelerator_access"
ACCOUNT = "least-privilege"
_VERBS = {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}


def aiconform(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aiconform", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def admin(lab: Lab) -> Iterator[lightkube.Client]:
    """The lab's administrator, and an account with no right at all beside it."""
    client = lightkube.Client(KubeConfig.from_file(str(lab.running_kubeconfig())))
    account = ServiceAccount(metadata=ObjectMeta(name=ACCOUNT, namespace="default"))
    client.apply(account, field_manager="test")
    yield client
    client.delete(ServiceAccount, ACCOUNT, namespace="default")


@pytest.fixture
def granted(admin: lightkube.Client) -> Iterator[list[dict[str, Any]]]:
    """Everything that `aiconform rbac` prints for the check, applied."""
    printed = aiconform("rbac", "--only", CHECK, "--service-account", f"default/{ACCOUNT}")
    assert printed.returncode == 0, printed.stderr
    documents = list(yaml.safe_load_all(printed.stdout))
    for obj in codecs.load_all_yaml(printed.stdout):
        admin.apply(obj, field_manager="test", force=True)
    yield documents
    for obj in codecs.load_all_yaml(printed.stdout):
        admin.delete(type(obj), obj.metadata.name)


@pytest.fixture
def kubeconfig(lab: Lab, admin: lightkube.Client, tmp_path: Path) -> Path:
    """The account's own kubeconfig: a token and nothing else."""
    wanted = ServiceAccountToken(metadata=ObjectMeta(), spec=TokenRequestSpec(audiences=[], expirationSeconds=3600))
    token = admin.create(wanted, ACCOUNT, namespace="default").status.token
    config = yaml.safe_load(lab.running_kubeconfig().read_text())
    config["users"][0]["user"] = {"token": token}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    return tmp_path / "kubeconfig"


def run(kubeconfig: Path, runs: Path) -> tuple[Path, dict[str, Any]]:
    done = aiconform("run", "--kubeconfig", kubeconfig, "--probe-image", PROBE_IMAGE, "--only", CHECK, "--runs", runs)
    (directory,) = runs.glob("*/*")
    (assessment,) = (directory / "derived").glob("assessment-*.json")
    rows = json.loads(assessment.read_text())["rows"]
    row = next(r for r in rows if r["requirement"] == CHECK)
    return directory, row | {"log": done.stderr[-2000:]}


def calls(seen: Iterable[Observation]) -> Iterator[tuple[str, str, str]]:
    """(group, resource, verb) of every call and watch of a recording. Subjects: "POST pods/ns/name"."""
    for o in seen:
        if o.kind == "call":
            method, subject = o.subject.split(" ", 1)
        elif o.kind == "watch.start":
            method, subject = "WATCH", o.subject
        else:
            continue
        parts = subject.split("/")
        plural, _, group = parts[0].partition(".")
        if method != "GET":
            yield group, plural, _VERBS.get(method, "watch")
        elif len(parts) > 3:
            yield group, f"{plural}/{parts[3]}", "get"
        else:
            named = len(parts) == 3 or (plural in ("nodes", "namespaces") and len(parts) == 2)
            yield group, plural, "get" if named else "list"


def test_the_printed_role_is_enough_and_no_call_asks_for_more(
    granted: list[dict[str, Any]], kubeconfig: Path, tmp_path: Path
) -> None:
    directory, row = run(kubeconfig, tmp_path / "runs")
    assert row["outcome"] == Outcome.PASS, row
    declared = {
        (p.group, r, v) for _, p in rbac.needs([CHECK], Options()) for r, v in itertools.product(p.resources, p.verbs)
    }
    for recording in load_run(directory):
        asked = set(calls(recording.observations))
        assert ("", "pods", "create") in asked and ("", "pods", "watch") in asked
        assert asked <= declared, asked - declared
        refused = [
            o.body for o in recording.observations if o.kind == "call" and (o.body or {}).get("status") in (401, 403)
        ]
        assert not refused
        assert recording.ending is not None and recording.ending.leftovers == ()


def without(rule: dict[str, Any], resource: str, verb: str) -> Iterator[dict[str, Any]]:
    """What is left of a rule without one verb on one resource."""
    others = [r for r in rule["resources"] if r != resource]
    verbs = [v for v in rule["verbs"] if v != verb]
    if others:
        yield {**rule, "resources": others}
    if resource in rule["resources"] and verbs:
        yield {**rule, "resources": [resource], "verbs": verbs}


@pytest.mark.parametrize(
    ("resource", "verb"),
    [("pods", "create"), ("pods/log", "get"), ("namespaces", "create"), ("resourceclaims", "list")],
)
def test_without_one_permission_the_row_is_unknown_and_says_which(
    granted: list[dict[str, Any]],
    admin: lightkube.Client,
    kubeconfig: Path,
    tmp_path: Path,
    resource: str,
    verb: str,
) -> None:
    for role in (d for d in granted if d["kind"] == "ClusterRole"):
        role["rules"] = [left for rule in role["rules"] for left in without(rule, resource, verb)]
        admin.apply(codecs.from_dict(role), field_manager="test", force=True)
    _, row = run(kubeconfig, tmp_path / "runs")
    assert row["outcome"] == Outcome.UNKNOWN and row["code"] == "rbac-denied", row
    assert verb in row["because"] and resource.partition("/")[0] in row["because"], row["because"]
