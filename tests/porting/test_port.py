"""Workloads from cluster to cluster: what is said of each need, and what becomes of the manifests."""

import pytest
from clusters import api, by_claim, by_plugin, cluster, dra, node, offer, plugin
from moving import after, move, objects, pod, row, rows

from aiconform.model import Gap, Inventory, Status

JOB = """\
# A training job, as it runs today.
apiVersion: batch/v1
kind: Job
metadata:
  name: train
spec:
  parallelism: 2
  template:
    spec:
      restartPolicy: Never
      nodeSelector:
        nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3
        nvidia.com/gpu.present: "true"
      tolerations:
        - {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}
      containers:
        - name: main
          image: ghcr.io/example/train:1   # pinned
          resources:
            limits:
              nvidia.com/gpu: 2  # two
              cpu: 8
        - name: logs
          image: busybox
"""
CLAIMING = """\
        - name: main
          image: ghcr.io/example/train:1   # pinned
          resources:
            limits:
              cpu: 8
            claims:
              - name: gpu-nvidia-com
        - name: logs
          image: busybox
      resourceClaims:
        - name: gpu-nvidia-com
          resourceClaimTemplateName: train-gpu-nvidia-com
"""


ONE_GPU = pod("containers:\n- {name: c, image: i, resources: {limits: {nvidia.com/gpu: 1}}}")


def test_a_resource_becomes_a_claim_and_the_product_label_its_selector() -> None:
    ported = move(JOB, by_claim(), by_plugin())
    assert ported.report.status is Status.RENAMED, rows(ported)
    job, template = objects(ported)
    assert after(ported).startswith("# A training job, as it runs today.\n")
    assert CLAIMING in after(ported)
    assert "nodeSelector" not in job["spec"]["template"]["spec"]
    assert template["metadata"] == {"name": "train-gpu-nvidia-com"}
    (request,) = template["spec"]["spec"]["devices"]["requests"]
    cel = 'device.attributes["gpu.nvidia.com"].productName == "NVIDIA H100 80GB HBM3"'
    assert request["exactly"] == {
        "deviceClassName": "gpu.nvidia.com",
        "allocationMode": "ExactCount",
        "count": 2,
        "selectors": [{"cel": {"expression": cel}}],
    }
    assert ported.report.diff.startswith("--- a/a.yaml\n+++ b/a.yaml\n")
    listed = {e.path for r in rows(ported) for e in r.edits}
    assert "spec.template.spec.containers.0.resources.limits.nvidia.com/gpu" in listed


def test_and_back_again_to_the_same_manifest() -> None:
    there = after(move(JOB, by_claim(), by_plugin()))
    ported = move(there, by_plugin(), by_claim())
    assert ported.report.status is Status.RENAMED, rows(ported)
    (job,) = objects(ported)
    spec = job["spec"]["template"]["spec"]
    assert spec["containers"][0]["resources"] == {"limits": {"cpu": 8, "nvidia.com/gpu": 2}}
    assert spec["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}
    assert "resourceClaims" not in spec


@pytest.mark.parametrize(("target", "source"), [(by_claim(), by_plugin()), (by_plugin(), by_plugin())])
def test_what_was_ported_needs_nothing_more(target: Inventory, source: Inventory) -> None:
    once = move(JOB, target, source)
    again = move(after(once), target, source)
    assert again.files == once.files and again.report.status is Status.THERE, rows(again)


def test_where_nothing_changes_every_byte_stays() -> None:
    ported = move(JOB, by_plugin(), by_plugin())
    assert after(ported) == JOB and ported.report.diff == "" and ported.report.status is Status.THERE


def test_the_old_version_of_claims_has_no_exactly() -> None:
    apis = ("resource.k8s.io/v1beta1/ResourceClaimTemplate",)
    target = by_claim()
    kept = tuple(a for a in target.apis if a.group != "resource.k8s.io")
    target = Inventory(**{**vars(target), "apis": (*kept, *map(api, apis))})
    (_, template) = objects(move(ONE_GPU, target, by_plugin()))
    assert template["apiVersion"] == "resource.k8s.io/v1beta1"
    assert template["spec"]["spec"]["devices"]["requests"][0]["deviceClassName"] == "gpu.nvidia.com"


def test_each_container_has_a_claim_of_its_own_and_an_init_container_shares() -> None:
    text = pod(
        "initContainers:\n- {name: warm, image: i, resources: {limits: {nvidia.com/gpu: 1}}}\n"
        "containers:\n- {name: a, image: i, resources: {limits: {nvidia.com/gpu: 1}}}\n"
        "- {name: b, image: i, resources: {limits: {nvidia.com/gpu: 1}}}"
    )
    found, template = objects(move(text, by_claim(), by_plugin()))
    names = {c["name"]: c["resources"]["claims"][0]["name"] for c in found["spec"]["containers"]}
    assert len(set(names.values())) == 2
    assert found["spec"]["initContainers"][0]["resources"]["claims"][0]["name"] == names["a"]
    assert len(found["spec"]["resourceClaims"]) == 2
    assert {c["resourceClaimTemplateName"] for c in found["spec"]["resourceClaims"]} == {template["metadata"]["name"]}


def test_another_vendor_is_missing_unless_mapped() -> None:
    amd = cluster([node("mi-1", allocatable={"amd.com/gpu": "8"})], [plugin("amd.com/gpu", {"mi-1": 8}, vendor="amd")])
    assert row(move(ONE_GPU, amd, by_plugin()), "accelerator").status is Status.MISSING
    mapped = move(ONE_GPU, amd, by_plugin(), **{"nvidia.com/gpu": "amd.com/gpu"})
    assert row(mapped, "accelerator").status is Status.RENAMED
    assert "amd instead of nvidia" in row(mapped, "accelerator").because
    assert objects(mapped)[0]["spec"]["containers"][0]["resources"] == {"limits": {"amd.com/gpu": 1}}


def test_a_share_is_no_whole_device() -> None:
    shared = [plugin(shared=True)]
    target = cluster([node("gpu-1", allocatable={"nvidia.com/gpu": "8"})], shared)
    found = row(move(ONE_GPU, target, by_plugin()), "accelerator")
    assert found.status is Status.MISSING and "share" in found.because
    other = cluster([node("gpu-1")], [plugin("nvidia.com/gpu.shared", shared=True)])
    assert row(move(ONE_GPU, other, by_plugin()), "accelerator").status is Status.MISSING
    accepted = move(ONE_GPU, target, by_plugin(), **{"nvidia.com/gpu": "nvidia.com/gpu"})
    assert row(accepted, "accelerator").status is Status.THERE


def test_a_share_where_whole_devices_are_is_not_renamed() -> None:
    text = ONE_GPU.replace("nvidia.com/gpu", "nvidia.com/gpu.shared")
    source = cluster([node("gpu-1")], [plugin("nvidia.com/gpu.shared", shared=True)])
    assert row(move(text, by_plugin(), source), "accelerator").status is Status.MISSING


def test_a_partition_is_found_by_its_profile() -> None:
    text = ONE_GPU.replace("nvidia.com/gpu", "nvidia.com/mig-1g.10gb")
    source = cluster([node("gpu-1")], [plugin("nvidia.com/mig-1g.10gb")])
    mig = dra("mig.nvidia.com", attributes={"type": "mig"}, varying={"profile": ("1g.10gb", "2g.20gb")})
    ported = move(text, cluster([node("dra-1")], [dra(), mig]), source)
    assert row(ported, "accelerator").target == "class mig.nvidia.com"
    exactly = objects(ported)[1]["spec"]["spec"]["devices"]["requests"][0]["exactly"]
    assert exactly["selectors"][0]["cel"]["expression"].endswith('.profile == "1g.10gb"')
    whole = cluster([node("dra-1")], [dra()])
    assert row(move(text, whole, source), "accelerator").status is Status.MISSING


def test_the_same_name_for_another_partition_is_missing() -> None:
    single = cluster([node("gpu-1", allocatable={"nvidia.com/gpu": "7"})], [plugin(model="NVIDIA-H100-MIG-1g.10gb")])
    found = row(move(ONE_GPU, single, by_plugin()), "accelerator")
    assert found.status is Status.MISSING and "1g.10gb" in found.because


def test_more_than_a_node_has_is_missing_and_more_than_all_have_is_unknown() -> None:
    big = ONE_GPU.replace("gpu: 1", "gpu: 9")
    assert row(move(big, by_claim(), by_plugin()), "accelerator").status is Status.MISSING
    many = JOB.replace("parallelism: 2", "parallelism: 5")
    ported = move(many, by_claim(), by_plugin())
    assert ported.report.status is Status.UNKNOWN
    assert row(ported, "accelerator", "10 x nvidia.com/gpu at once").status is Status.UNKNOWN


def test_what_could_not_be_read_or_may_be_made_is_unknown() -> None:
    blind = cluster([node("cpu-1")], gaps=(Gap(what="resourceslices.resource.k8s.io", why="forbidden", refused=True),))
    assert row(move(ONE_GPU, blind, by_plugin()), "accelerator").status is Status.UNKNOWN
    growing = cluster([node("cpu-1")], products=["karpenter"])
    assert row(move(ONE_GPU, growing, by_plugin()), "accelerator").status is Status.UNKNOWN


def test_a_vendors_taint_is_tolerated_by_an_edit_and_another_is_only_said() -> None:
    plain = cluster([node("gpu-1", allocatable={"nvidia.com/gpu": "8"})], [plugin()])
    ported = move(ONE_GPU, by_plugin(), plain)
    assert row(ported, "toleration").status is Status.RENAMED
    assert objects(ported)[0]["spec"]["tolerations"] == [
        {"key": "nvidia.com/gpu", "effect": "NoSchedule", "operator": "Exists"}
    ]
    team = node("gpu-1", taints=[{"key": "team", "value": "red", "effect": "NoSchedule"}])
    ported = move(ONE_GPU, cluster([team], [plugin()]), plain)
    assert row(ported, "toleration").status is Status.MISSING and after(ported) == ONE_GPU
    # It runs at the source without tolerating it: something adds the toleration there.
    assert (
        row(move(ONE_GPU, cluster([team], [plugin()]), cluster([team], [plugin()])), "toleration").status == "unknown"
    )


def test_everything_is_there_but_on_no_single_node() -> None:
    small = node("gpu-1", allocatable={"nvidia.com/gpu": "8", "cpu": "4"})
    target = cluster([small, node("cpu-1")], [plugin()])
    text = pod("containers:\n- {name: c, image: i, resources: {limits: {nvidia.com/gpu: 1, cpu: 8}}}")
    assert row(move(text, target, target), "node").status is Status.MISSING
    assert move(text.replace("cpu: 8", "cpu: 4"), target, target).report.status is Status.THERE


def test_claims_shared_between_pods_are_left_to_people() -> None:
    text = """\
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: shared}
spec: {devices: {requests: [{name: a, exactly: {deviceClassName: gpu.nvidia.com}}]}}
---
""" + pod(
        "resourceClaims: [{name: g, resourceClaimName: shared}]\n"
        "containers:\n- {name: c, resources: {claims: [{name: g}]}}"
    )
    ported = move(text, by_plugin(), by_claim())
    assert row(ported, "accelerator").status is Status.UNKNOWN and "resourceClaimName: shared" in after(ported)


def test_an_attribute_that_no_device_has_is_missing() -> None:
    text = """\
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: t}
spec:
  spec:
    devices:
      requests:
      - name: a
        exactly:
          deviceClassName: gpu.nvidia.com
          selectors:
          - cel: {expression: 'device.capacity["gpu.nvidia.com"].memory.compareTo(quantity("MEMORY")) >= 0'}
"""
    enough = move(text.replace("MEMORY", "40Gi"), by_claim(), by_claim())
    assert row(enough, "device selector").status is Status.THERE
    less = move(text.replace("MEMORY", "141Gi"), by_claim(), by_claim())
    assert row(less, "device selector").status is Status.MISSING and "80Gi" in row(less, "device selector").because
    other = move(text.replace(".compareTo", ".isGreaterThan"), by_claim(), by_claim())
    assert row(other, "device selector").status is Status.UNKNOWN


def test_a_device_class_of_another_name_is_renamed_in_the_claim() -> None:
    text = """\
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: t}
spec: {spec: {devices: {requests: [{name: a, exactly: {deviceClassName: gpu.nvidia.com}}]}}}
"""
    target = cluster([node("dra-1")], [dra("gold")])
    ported = move(text, target, by_claim())
    assert row(ported, "device class").target == "gold"
    assert objects(ported)[0]["spec"]["spec"]["devices"]["requests"][0]["exactly"]["deviceClassName"] == "gold"


def test_without_a_source_names_alone_are_compared() -> None:
    assert move(JOB, by_plugin()).report.status is Status.THERE
    assert row(move(ONE_GPU, by_claim()), "accelerator").status is Status.RENAMED


def test_storage_and_names() -> None:
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: d}\nspec:\n  accessModes: [ReadWriteMany]\n"
    claim += "  storageClassName: fast\n  resources: {requests: {storage: 1Ti}}\n"
    resource = "storageclasses.storage.k8s.io"
    same = {"provisioner": "nfs.example", "parameters": "ab", "binding": "Immediate", "reclaim": "Delete"}
    source = cluster(offers=[offer(resource, "fast", **same)])
    ported = move(claim, cluster(offers=[offer(resource, "gold", **same)]), source)
    assert ported.report.status is Status.RENAMED and "storageClassName: gold\n" in after(ported)
    kept = move(claim, cluster(offers=[offer(resource, "gold", **{**same, "reclaim": "Retain"})]), source)
    assert row(kept, "storage class").status is Status.MISSING
    twice = cluster(offers=[offer(resource, "gold", **same), offer(resource, "silver", **same)])
    assert row(move(claim, twice, source), "storage class").status is Status.UNKNOWN
    unread = cluster(listed=())
    assert row(move(claim, unread, source), "storage class").status is Status.UNKNOWN
    plain = claim.replace("  storageClassName: fast\n", "")
    assert row(move(plain, cluster(), source), "storage class").status is Status.MISSING
    default = cluster(offers=[offer(resource, "gold", default=True, **same)])
    assert row(move(plain, default, source), "storage class").target == "gold"


def test_a_template_stays_while_one_pod_still_needs_it() -> None:
    shared = "{name: NAME, resources: {claims: [{name: g}]}}"
    two = f"containers:\n- {shared.replace('NAME', 'a')}\n- {shared.replace('NAME', 'b')}\n"
    entry = "resourceClaims: [{name: g, resourceClaimTemplateName: t}]\n"
    template = """\
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: t}
spec: {spec: {devices: {requests: [{name: a, exactly: {deviceClassName: gpu.nvidia.com}}]}}}
---
"""
    one = pod(entry + f"containers:\n- {shared.replace('NAME', 'a')}\n")
    alone = move(template + one, by_plugin(), by_claim())
    assert [d["kind"] for d in objects(alone)] == ["Pod"], rows(alone)
    both = move(template + one + "---\n" + pod(entry + two), by_plugin(), by_claim())
    assert "ResourceClaimTemplate" in after(both) and both.report.status is Status.UNKNOWN


CLASS_OF_NETWORK = """\
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: t}
spec: {spec: {devices: {requests: [{name: a, exactly: {deviceClassName: nets}}]}}}
"""


def test_a_class_without_known_devices_is_no_proof_of_a_device() -> None:
    classes = "deviceclasses.resource.k8s.io"
    there = cluster(offers=[offer(classes, "nets")])
    assert row(move(CLASS_OF_NETWORK, there), "device class").status is Status.UNKNOWN
    assert row(move(CLASS_OF_NETWORK, cluster()), "device class").status is Status.MISSING
    own = "---\napiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: nets}\n"
    own += "spec: {selectors: [{cel: {expression: 'device.driver == \"DRIVER\"'}}]}\n"
    for driver, status in (("gpu.nvidia.com", Status.THERE), ("dra.net", Status.UNKNOWN)):
        ported = move(CLASS_OF_NETWORK + own.replace("DRIVER", driver), by_claim())
        assert row(ported, "device class").status is status


def test_a_claim_that_is_elsewhere_is_unknown() -> None:
    text = pod("resourceClaims: [{name: g, resourceClaimTemplateName: far}]\ncontainers:\n- {name: c}")
    found = row(move(text, by_claim(), by_plugin()), "claim")
    assert found.status is Status.UNKNOWN and "far" in found.name


def test_what_a_unit_is_is_said_where_it_differs() -> None:
    target = cluster([node("gpu-1", allocatable={"nvidia.com/gpu": "8"})], [plugin(shared=True)])
    assert "share" in row(move(ONE_GPU, target), "accelerator").because
    whole = cluster([node("gpu-1", allocatable={"nvidia.com/gpu": "8"})], [plugin()])
    assert "whole device" in row(move(ONE_GPU, whole, target), "accelerator").because


def test_a_diff_that_would_take_too_long_is_left_out_and_says_so() -> None:
    ported = move(ONE_GPU + "# filler\n" * 20_000, by_claim(), by_plugin())
    assert "too long to compare" in ported.report.diff and any(r.edits for r in rows(ported))
