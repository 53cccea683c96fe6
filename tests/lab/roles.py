"""An account that has exactly the role that `aiconform rbac` prints, and what a run under it asked for."""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightkube
import yaml
from lightkube import KubeConfig, codecs
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ServiceAccount, ServiceAccountToken
from platforms import aiconform

from aiconform.engine import rbac
from aiconform.evidence import load_run
from aiconform.lab import Lab
from aiconform.lab.images import PROBE_IMAGE
from aiconform.model import Observation, Options

ACCOUNT = "least-privilege"
_VERBS = {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}


@dataclass(frozen=True)
class Granted:
    """`documents`: what was printed. `where`: the flags of a run as the account."""

    admin: lightkube.Client
    documents: list[dict[str, Any]]
    where: tuple[str, ...]


@contextmanager
def granted(lab: Lab, folder: Path, *about: str) -> Iterator[Granted]:
    """Everything that `aiconform rbac` prints for these flags, applied; the account's kubeconfig lies in `folder`."""
    printed = aiconform("rbac", *about, "--service-account", f"default/{ACCOUNT}")
    assert printed.returncode == 0, printed.stderr
    admin = lightkube.Client(KubeConfig.from_file(str(lab.running_kubeconfig())))
    made = [
        ServiceAccount(metadata=ObjectMeta(name=ACCOUNT, namespace="default")),
        *codecs.load_all_yaml(printed.stdout),
    ]
    for obj in made:
        admin.apply(obj, field_manager="test", force=True)
    where = ("--kubeconfig", str(_kubeconfig(lab, admin, folder)), "--probe-image", PROBE_IMAGE)
    try:
        yield Granted(admin, list(yaml.safe_load_all(printed.stdout)), where)
    finally:
        for obj in reversed(made):
            admin.delete(type(obj), obj.metadata.name, namespace=obj.metadata.namespace)


def _kubeconfig(lab: Lab, admin: lightkube.Client, folder: Path) -> Path:
    """A token and nothing else."""
    wanted = ServiceAccountToken(metadata=ObjectMeta(), spec=TokenRequestSpec(audiences=[], expirationSeconds=3600))
    token = admin.create(wanted, ACCOUNT, namespace="default").status.token
    config = yaml.safe_load(lab.running_kubeconfig().read_text())
    config["users"][0]["user"] = {"token": token}
    (folder / "kubeconfig").write_text(yaml.safe_dump(config))
    return folder / "kubeconfig"


def asked_no_more_than_declared(check: str, run: Path) -> None:
    """Every call of a run is one that the check declares, none was refused, and nothing is left."""
    needs = rbac.needs([check], Options())
    declared = {(p.group, r, v) for _, p in needs for r, v in itertools.product(p.resources, p.verbs)}
    for recording in load_run(run):
        asked = set(calls(recording.observations))
        assert asked <= declared, asked - declared
        seen = [(o.subject, o.body or {}) for o in recording.observations if o.kind == "call"]
        # Admission refuses by 403, too, as a webhook of the check's own is meant to.
        refused = [s for s, b in seen if b.get("status") == 401 or " cannot " in str(b.get("message"))]
        assert not refused
        assert recording.ending is not None and recording.ending.leftovers == ()


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
