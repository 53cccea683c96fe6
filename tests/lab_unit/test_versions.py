"""What each minor version of Kubernetes is told."""

from __future__ import annotations

import pytest

from aiconform.lab import LabError, versions
from aiconform.lab.binaries import KUBERNETES

POLICY = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy"}
CHECKING = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy"}
OFF = {"GenericWorkload": False, "WorkloadWithJob": False, "GangScheduling": False}


@pytest.mark.parametrize("minor", KUBERNETES)
def test_every_version_that_can_be_built_has_its_settings(minor: str) -> None:
    for component in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        assert versions.gates(minor, component)["DRAExtendedResource"]
    assert versions.apis(minor)


def test_a_gate_is_turned_only_where_the_component_has_it() -> None:
    assert versions.changed_gates("1.37", "kube-scheduler", OFF) == (
        "GenericWorkload=false,WorkloadWithJob=false,DRAExtendedResource=true"
    )
    assert versions.changed_gates("1.35", "kube-scheduler", OFF) == (
        "GenericWorkload=false,DRAExtendedResource=true,MutatingAdmissionPolicy=true,GangScheduling=false"
    )
    with pytest.raises(LabError, match=r"kube-scheduler 1\.34 has none of the gates GenericWorkload.*another version"):
        versions.changed_gates("1.34", "kube-scheduler", OFF)


def test_the_versions_own_apis_stay_beside_a_faults() -> None:
    assert versions.changed_apis("1.36", {"resource.k8s.io/v1beta1": True}) == (
        "scheduling.k8s.io/v1alpha2=true,resource.k8s.io/v1beta1=true"
    )


def test_mutating_policies_are_written_in_the_version_that_is_served() -> None:
    assert versions.spoken("1.35", POLICY)["apiVersion"] == "admissionregistration.k8s.io/v1beta1"
    assert versions.spoken("1.36", POLICY) == POLICY
    assert versions.spoken("1.35", CHECKING) == CHECKING
    assert POLICY["apiVersion"] == "admissionregistration.k8s.io/v1"
