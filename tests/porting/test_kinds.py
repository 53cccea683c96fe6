"""Every kind of workload: where its pods are, how many, and that their accelerators are found and rewritten."""

import pytest
import yaml
from clusters import by_claim, by_plugin
from moving import move, objects, rows

from aiconform.model import Status
from aiconform.porting.manifests import objects as read_objects
from aiconform.porting.manifests import read
from aiconform.porting.pods import pods

CONTAINER = "{name: c, image: i, resources: {limits: {nvidia.com/gpu: 1}}}"
TEMPLATE = f"{{spec: {{containers: [{CONTAINER}]}}}}"
# Kind -> (apiVersion, spec, how many pods with an accelerator run at once)
KINDS = {
    "Pod": ("v1", f"{{containers: [{CONTAINER}]}}", 1),
    "Deployment": ("apps/v1", f"{{replicas: 3, template: {TEMPLATE}}}", 3),
    "StatefulSet": ("apps/v1", f"{{replicas: 2, template: {TEMPLATE}}}", 2),
    "DaemonSet": ("apps/v1", f"{{template: {TEMPLATE}}}", 1),
    "Job": ("batch/v1", f"{{parallelism: 4, template: {TEMPLATE}}}", 4),
    "CronJob": ("batch/v1", f"{{jobTemplate: {{spec: {{parallelism: 2, template: {TEMPLATE}}}}}}}", 2),
    "JobSet": (
        "jobset.x-k8s.io/v1alpha2",
        f"{{replicatedJobs: [{{name: w, replicas: 2, template: {{spec: {{parallelism: 3, template: {TEMPLATE}}}}}}}]}}",
        6,
    ),
    "LeaderWorkerSet": (
        "leaderworkerset.x-k8s.io/v1",
        f"{{replicas: 2, leaderWorkerTemplate: {{size: 4, workerTemplate: {TEMPLATE}}}}}",
        8,
    ),
    "LeaderOnly": (
        "leaderworkerset.x-k8s.io/v1",
        f"{{replicas: 2, leaderWorkerTemplate: {{size: 4, leaderTemplate: {TEMPLATE}}}}}",
        2,
    ),
    "FewCompletions": ("batch/v1", f"{{parallelism: 9, completions: 3, template: {TEMPLATE}}}", 3),
    "RayCluster": ("ray.io/v1", f"{{workerGroupSpecs: [{{replicas: 5, template: {TEMPLATE}}}]}}", 5),
    "RayJob": ("ray.io/v1", f"{{rayClusterSpec: {{workerGroupSpecs: [{{replicas: 5, template: {TEMPLATE}}}]}}}}", 5),
    "RayService": ("ray.io/v1", f"{{rayClusterConfig: {{headGroupSpec: {{template: {TEMPLATE}}}}}}}", 1),
    "PyTorchJob": ("kubeflow.org/v1", f"{{pytorchReplicaSpecs: {{Worker: {{replicas: 3, template: {TEMPLATE}}}}}}}", 3),
    "InferenceService": (
        "serving.kserve.io/v1beta1",
        "{predictor: {minReplicas: 2, model: {modelFormat: {name: x}, resources: {limits: {nvidia.com/gpu: 1}}}}}",
        2,
    ),
    "AnythingElse": ("example.org/v1", f"{{deeply: {{inside: [{{pod: {TEMPLATE}}}]}}}}", 1),
}


def manifest(kind: str) -> str:
    api, spec, _ = KINDS[kind]
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: w}}\nspec: {spec}\n"


@pytest.mark.parametrize("kind", KINDS)
def test_its_pods_are_found_and_rewritten(kind: str) -> None:
    api = "/".join((KINDS[kind][0], kind))
    (found,) = [p for o in read_objects([read("a", manifest(kind).encode())]) for p in pods(o)]
    assert found.count == KINDS[kind][2]
    ported = move(manifest(kind), by_claim(apis=[api]), by_plugin())
    assert ported.report.status is Status.RENAMED, rows(ported)
    text = yaml.safe_dump(objects(ported)[0])
    assert "nvidia.com/gpu" not in text and "resourceClaimTemplateName: w-gpu-nvidia-com" in text
    assert "limits" not in text


def test_a_training_job_has_no_place_for_claims() -> None:
    text = (
        "apiVersion: trainer.kubeflow.org/v1alpha1\nkind: TrainJob\nmetadata: {name: t}\nspec:\n"
        "  runtimeRef: {name: torch}\n  trainer: {numNodes: 2, resourcesPerNode: {limits: {nvidia.com/gpu: 4}}}\n"
        "  podTemplateOverrides: [{spec: {nodeSelector: {pool: gold}}}]\n"
    )
    apis = ["trainer.kubeflow.org/v1alpha1/TrainJob"]
    same = move(text, by_plugin(apis=apis), by_plugin())
    kinds = {r.kind: r.status for r in rows(same)}
    assert kinds["accelerator"] is Status.THERE
    assert kinds["node label"] is Status.MISSING and kinds["training runtime (cluster)"] is Status.MISSING
    (found,) = rows(move(text, by_claim(apis=apis), by_plugin()), "accelerator")
    assert found.status is Status.UNKNOWN and "no place" in found.because and not found.edits


def test_schemas_and_policies_are_no_pods() -> None:
    texts = (
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p}\n"
        f"spec: {{rules: [{{validate: {{pattern: {{spec: {{containers: [{CONTAINER}]}}}}}}}}]}}\n",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c}\n"
        f"spec: {{containers: [{CONTAINER}]}}\n",
    )
    for text in texts:
        assert [p for o in read_objects([read("a", text.encode())]) for p in pods(o)] == []
