"""Runs under exactly the role that `aiconform rbac` prints: that much is enough, and no call asks for more."""

import itertools
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightkube
import pytest
import yaml
from covering import cheapest
from lightkube import KubeConfig, codecs
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ServiceAccount, ServiceAccountToken
from platforms import aiconform, flags

from aiconform.engine import rbac, registry
from aiconform.evidence import load_run
from aiconform.lab import Lab, fault_files
from aiconform.lab.fault_files import Fault
from aiconform.lab.images import PROBE_IMAGE
from aiconform.model import Observation, Options, Outcome

pytestmark = [pytest.mark.lab, pytest.mark.slow]

FAULTS = fault_files.every()
CHECK = "secure_accelerator_access"
ACCOUNT = "least-privilege"
_VERBS = {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}


@pytest.fixture(scope="module")
def admin(lab: Lab) -> Iterator[lightkube.Client]:
    """The lab's administrator, and an account with no right at all beside it."""
    client = lightkube.Client(KubeConfig.from_file(str(lab.running_kubeconfig())))
    account = ServiceAccount(metadata=ObjectMeta(name=ACCOUNT, namespace="default"))
    client.apply(account, field_manager="test")
    yield client
    client.delete(ServiceAccount, ACCOUNT, namespace="default")


@contextmanager
def granted(admin: lightkube.Client, *about: str) -> Iterator[list[dict[str, Any]]]:
    """Everything that `aiconform rbac` prints, applied."""
    printed = aiconform("rbac", *about, "--service-account", f"default/{ACCOUNT}")
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


def run(kubeconfig: Path, runs: Path, check: str, *more: str) -> tuple[Path, dict[str, Any]]:
    where = ("--kubeconfig", kubeconfig, "--probe-image", PROBE_IMAGE, "--runs", runs)
    done = aiconform("run", *where, "--only", check, *more, timeout=900)
    (directory,) = runs.glob("*/*")
    (assessment,) = (directory / "derived").glob("assessment-*.json")
    rows = json.loads(assessment.read_text())["rows"]
    row = next(r for r in rows if r["requirement"] == check)
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
        if subject.startswith(("/api", "/version")):
            continue  # what the server serves, which everybody may ask
        parts = subject.split("/")
        plural, _, group = parts[0].partition(".")
        if method != "GET":
            yield group, plural, _VERBS.get(method, "watch")
        elif len(parts) > 3:
            yield group, f"{plural}/{parts[3]}", "get"
        else:
            named = len(parts) == 3 or (plural in ("nodes", "namespaces") and len(parts) == 2)
            yield group, plural, "get" if named else "list"


def sound(check: str) -> Fault:
    """A platform on which the check passes by a product that aiconform knows: of others it cannot know the kinds."""
    known = [f for f in FAULTS if not (f.run.get("operator") or f.run.get("metrics_url"))]
    return cheapest(known, check, "PASS")


@pytest.mark.parametrize("check", registry.names())
def test_the_printed_role_is_enough_and_no_call_asks_for_more(
    sound_lab: Lab, admin: lightkube.Client, kubeconfig: Path, tmp_path: Path, check: str
) -> None:
    platform = sound(check)
    about = ["--only", check, *(["--checklist", platform.run["checklist"]] if "checklist" in platform.run else [])]
    sound_lab.break_(platform.path, print)
    with granted(admin, *about):
        directory, row = run(kubeconfig, tmp_path / "runs", check, *flags(platform.run, platform.folder))
    assert row["outcome"] == Outcome.PASS, row
    declared = {
        (p.group, r, v) for _, p in rbac.needs([check], Options()) for r, v in itertools.product(p.resources, p.verbs)
    }
    for recording in load_run(directory):
        asked = set(calls(recording.observations))
        assert asked <= declared, asked - declared
        refused = [
            o.subject for o in recording.observations if o.kind == "call" and (o.body or {}).get("status") in (401, 403)
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
    admin: lightkube.Client,
    kubeconfig: Path,
    tmp_path: Path,
    resource: str,
    verb: str,
) -> None:
    with granted(admin, "--only", CHECK) as documents:
        for role in (d for d in documents if d["kind"] == "ClusterRole"):
            role["rules"] = [left for rule in role["rules"] for left in without(rule, resource, verb)]
            admin.apply(codecs.from_dict(role), field_manager="test", force=True)
        _, row = run(kubeconfig, tmp_path / "runs", CHECK)
    assert row["outcome"] == Outcome.UNKNOWN and row["code"] == "rbac-denied", row
    assert verb in row["because"] and resource.partition("/")[0] in row["because"], row["because"]
