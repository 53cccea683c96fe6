"""The Go modules of the lab's programs."""

import re
from itertools import combinations

import pytest

from aiconform.lab import binaries

# Those that are made for one generation of Kubernetes' libraries. The first builds what the others find compiled.
FAMILIES = (
    ("containerd", "coredns", "etcd", "prometheus"),
    ("karpenter", "scheduler-plugins", "envoy-gateway"),
    ("kueue", "lws", "kuberay", "prometheus-operator"),
    ("kwok", "jobset"),
)


def required(folder: str) -> dict[str, str]:
    """Module -> version, of all that a go.mod requires."""
    text = (binaries.sources() / folder / "go.mod").read_text(encoding="utf-8")
    return dict(re.findall(r"^\t(?:require )?(\S+) (v\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("family", FAMILIES, ids="-".join)
def test_what_modules_of_a_family_share_has_one_version(family: tuple[str, ...]) -> None:
    for one, other in combinations(family, 2):
        mine, theirs = required(one), required(other)
        assert len(mine.keys() & theirs.keys()) > 10
        assert {m: (mine[m], theirs[m]) for m in mine.keys() & theirs.keys() if mine[m] != theirs[m]} == {}
