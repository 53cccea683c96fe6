"""Less than the role that `aiconform rbac` prints is not enough. That it is enough: sound platforms run under it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lightkube import codecs
from platforms import aiconform
from roles import granted

from aiconform.lab import Lab
from aiconform.model import Outcome

pytestmark = pytest.mark.lab
CHECK = "secure_accelerator_access"


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
    lab: Lab, tmp_path: Path, resource: str, verb: str
) -> None:
    with granted(lab, tmp_path, "--only", CHECK) as role:
        for document in (d for d in role.documents if d["kind"] == "ClusterRole"):
            document["rules"] = [left for rule in document["rules"] for left in without(rule, resource, verb)]
            role.admin.apply(codecs.from_dict(document), field_manager="test", force=True)
        aiconform("run", *role.where, "--runs", tmp_path / "runs", "--only", CHECK, timeout=900)
    (assessment,) = (tmp_path / "runs").glob("*/*/derived/assessment-*.json")
    (row,) = [r for r in json.loads(assessment.read_text())["rows"] if r["requirement"] == CHECK]
    assert row["outcome"] == Outcome.UNKNOWN and row["code"] == "rbac-denied", row
    assert verb in row["because"] and resource.partition("/")[0] in row["because"], row["because"]
