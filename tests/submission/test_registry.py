"""What the gate says of real, published submissions. Every line was derived from the files by the rules, by hand.

All of them were accepted when they were published: the gate became stricter later. Pictures and large files are left
out of the copy that this reads (such as junit_01.xml), so in the programme's repository fewer files are missing.
"""

import sys
from pathlib import Path

import pytest

from aiconform.submission import checker, files

sys.path.insert(0, str(Path(__file__).parent))
import shared

# The field was asked for only from some day on.
NO_URL = "6 field-missing k8sConformanceUrl"
NO_ADDRESS = "6 field-missing contactEmailAddress"


def daocloud(log: int, missing: list[tuple[int, str]]) -> list[str]:
    """A Ginkgo log is no output of `go test`, which is said once, at its first use; junit_01.xml is not there."""
    return [f"{log} artifact-unreadable e2e.log", *(f"{line} evidence-missing {row}" for line, row in missing)]


# An Implemented MUST cannot be N/A, and a text cannot be a list: the three breaks hide the rest.
TALOS = [
    NO_ADDRESS, NO_URL, "45 must-not-applicable cluster_autoscaling",
    "46 cannot-load cluster_autoscaling", "46 evidence-missing cluster_autoscaling",
    "59 must-not-implemented accelerator_metrics",
    "60 cannot-load accelerator_metrics", "60 evidence-missing accelerator_metrics",
    "65 must-not-implemented ai_service_metrics",
    "66 cannot-load ai_service_metrics", "66 evidence-missing ai_service_metrics",
    "74 evidence-missing secure_accelerator_access",
]  # fmt: skip
EXPECTED: dict[str, list[str]] = {
    # Complete, with links only.
    "v1.33/alauda": [],
    "v1.33/jdos": [],
    "v1.34/bks": [],
    "v1.34/cce": [],
    "v1.35/aks": [],
    "v1.35/eks": [],
    "v1.35/gke": [],
    "v1.35/k0rdent": [],
    "v1.35/nvidia-nim-eks": [],
    "v1.36/aks": [],
    # With evidence in files that are there, in one case with a fragment.
    "v1.34/palette": [],
    "v1.35/openshift": [],
    "v1.35/vks": [],
    # k8sConformanceUrl in snake_case counts.
    "v1.34/giantswarm": [],
    # A SHOULD that is N/A with a reason; one that is Not Implemented; some that are left blank.
    "v1.35/palette": [],
    "v1.35/k0s": [],
    "v1.35/viettel-ai-platform": [],
    "v1.36/vks": [],
    # Implemented without any evidence: the gate lets it pass.
    "v1.35/oke": [],
    # The level of a row is not the product's to choose, and is not compared.
    "v1.34/rke2": [],
    # Metadata that is missing, once because it stands at the top level.
    "v1.33/chinaunicom-csk": [NO_URL],
    "v1.33/gardener": [NO_URL],
    "v1.33/rke2": [NO_URL],
    "v1.34/ack": [NO_URL],
    "v1.34/vks": [NO_URL],
    "v1.33/openshift": [NO_ADDRESS, NO_URL],
    "v1.34/OKE": [NO_ADDRESS, NO_URL],
    "v1.34/eks": [NO_ADDRESS, NO_URL],
    "v1.34/gke": [NO_ADDRESS, NO_URL],
    # A SHOULD with evidence and no status is not blank.
    "v1.33/jdcloud": [NO_ADDRESS, NO_URL, "21 status-unknown dra_support"],
    # The file begins with metadata in line 1.
    "v1.33/cks": ["2 field-missing k8sConformanceUrl"],
    "v1.34/cks": ["2 field-missing k8sConformanceUrl"],
    # The rows of 1.34 under 1.35.
    "v1.35/cks": [
        "2 field-missing k8sConformanceUrl", "13 row-missing driver_runtime_management", "13 row-missing gpu_sharing",
        "13 row-missing virtualized_accelerator",
    ],
    # platformVersion: 1.0 is a number. dra.md is there, dra.yaml is not; fragments of Markdown are cut off.
    "v1.34/ovh": [NO_URL, "8 field-no-text platformVersion", "24 evidence-missing dra_support"],
    "v1.33/talos": TALOS,
    "v1.34/talos": TALOS,
    "v1.33/daocloud": [
        NO_URL, "48 must-not-applicable cluster_autoscaling",
        *daocloud(31, [
            (32, "ai_inference"), (42, "gang_scheduling"), (58, "pod_autoscaling"), (68, "accelerator_metrics"),
            (78, "ai_service_metrics"), (88, "secure_accelerator_access"), (97, "robust_controller"),
        ]),
    ],
    "v1.34/daocloud": daocloud(24, [
        (25, "dra_support"), (34, "ai_inference"), (44, "gang_scheduling"), (60, "pod_autoscaling"),
        (70, "accelerator_metrics"), (80, "ai_service_metrics"), (90, "secure_accelerator_access"),
        (99, "robust_controller"),
    ]),
    "v1.35/daocloud": daocloud(24, [
        (25, "dra_support"), (57, "ai_inference"), (67, "gang_scheduling"), (83, "pod_autoscaling"),
        (93, "accelerator_metrics"), (103, "ai_service_metrics"), (113, "secure_accelerator_access"),
        (122, "robust_controller"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("product", EXPECTED)
def test_the_gate_is_predicted(product: str) -> None:
    path = shared.folder("registry") / product / files.NAME
    found = next(iter(checker.check([path], checker.Asked(advice=False))))
    said = [r for r in found.remarks if r.level in ("error", "warning")]
    expected = sorted(EXPECTED[product])
    assert sorted(f"{r.mark.line} {r.rule} {subject(r.rule, r.row, r.message)}" for r in said) == expected
    refused = any("must-not-applicable" not in e for e in expected)
    assert found.verdict == ("refused" if refused else "open")
    # Only these two cannot be loaded, and everything else is behind that.
    assert any(r.behind for r in said) == ("talos" in product)
    assert all(r.behind == (r.rule != "cannot-load") for r in said if "talos" in product)


def subject(rule: str, row: str, message: str) -> str:
    """What a remark is about: a row, a field, or a file."""
    words = {"field-missing": -1, "field-no-text": 0, "artifact-unreadable": 0, "cannot-load": 2}
    return message.split()[words[rule]] if rule in words else row


def test_every_file_of_the_registry_is_read() -> None:
    root = shared.folder("registry")
    found = list(checker.check(files.find([root]), checker.Asked()))
    assert len(found) == 48
    assert all(c.remarks and not c.broken for c in found)
    # What is published is advised, too: nothing that only repeats documentation stays unsaid.
    rules = {r.rule for c in found for r in c.remarks}
    assert {"documentation-only", "no-evidence", "copied", "level-changed", "text-changed", "logo-form"} <= rules
