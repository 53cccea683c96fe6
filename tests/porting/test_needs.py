"""What the readers beside the accelerators' one find, need by need: there, renamed, missing, unknown."""

import pytest
from clusters import by_plugin, cluster, node, offer, plugin
from moving import after, move, objects, pod, row, rows

from aiconform.model import Gap, Inventory, Status

PLAIN = "containers:\n- {name: c, image: i}\n"
QUEUES, MONITORS = "localqueues.kueue.x-k8s.io", "prometheuses.monitoring.coreos.com"
GATEWAYS = "gateways.gateway.networking.k8s.io"


def job(labels: str = "", spec: str = "") -> str:
    return (
        f"apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: j\n  labels: {{{labels}}}\nspec:\n{spec}"
        "  template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}\n"
    )


def test_classes_of_a_pod_are_found_renamed_or_missing() -> None:
    text = pod(PLAIN + "runtimeClassName: sandbox\npriorityClassName: high")
    runtimes, priorities = "runtimeclasses.node.k8s.io", "priorityclasses.scheduling.k8s.io"
    source = cluster(offers=[offer(runtimes, "sandbox", handler="runsc"), offer(priorities, "high", value=1000)])
    assert move(text, source, source).report.status is Status.THERE
    target = cluster(offers=[offer(runtimes, "gvisor", handler="runsc"), offer(priorities, "top", value=1000)])
    ported = move(text, target, source)
    assert ported.report.status is Status.RENAMED
    spec = objects(ported)[0]["spec"]
    assert (spec["runtimeClassName"], spec["priorityClassName"]) == ("gvisor", "top")
    missing = row(move(text, cluster(), source), "runtime class")
    assert missing.status is Status.MISSING and missing.requirement == "workload_sandboxing"
    # The same name for something else is there, and it is said what differs.
    other = cluster(offers=[offer(runtimes, "sandbox", handler="kata"), offer(priorities, "high", value=1000)])
    assert "handler" in row(move(text, other, source), "runtime class").because


def test_what_the_manifests_bring_is_there() -> None:
    text = pod(PLAIN + "priorityClassName: mine")
    text += "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: mine}\nvalue: 5\n"
    assert row(move(text, cluster()), "priority class").status is Status.THERE
    assert not rows(move(pod(PLAIN + "priorityClassName: system-node-critical"), cluster()), "priority class")


def test_queues_by_label_and_namespace() -> None:
    text = job("kueue.x-k8s.io/queue-name: team")
    there = cluster(offers=[offer(QUEUES, "team", namespace="a", queue="all")])
    assert "namespace a" in row(move(text, there), "kueue queue").because
    placed = text.replace("name: j\n", "name: j\n  namespace: b\n")
    found = row(move(placed, there), "kueue queue")
    assert found.status is Status.MISSING and found.requirement == "gang_scheduling" and "only in a" in found.because
    assert row(move(text, cluster(listed=())), "kueue queue").status is Status.UNKNOWN
    ported = move(text, cluster(offers=[offer(QUEUES, "main", namespace="a")]), team="main")
    assert row(ported, "kueue queue").status is Status.RENAMED and "queue-name: main}" in after(ported)
    unread = cluster(listed=(), unread=(Gap(what=QUEUES, why="forbidden", refused=True),))
    assert "forbidden" in row(move(text, unread), "kueue queue").because


@pytest.mark.parametrize(
    ("name", "products", "status"),
    [
        ("volcano", ["volcano"], Status.THERE),
        ("volcano", [], Status.MISSING),
        ("yunikorn", [], Status.UNKNOWN),
        ("of-our-own", ["volcano"], Status.UNKNOWN),
    ],
)
def test_schedulers(name: str, products: list[str], status: Status) -> None:
    ported = move(pod(PLAIN + f"schedulerName: {name}"), cluster(products=products))
    assert row(ported, "scheduler").status is status


def test_kinds_and_versions() -> None:
    jobset = "apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {name: s}\nspec: {}\n"
    missing = row(move(jobset, cluster()), "API")
    assert missing.status is Status.MISSING and missing.requirement == "robust_controller"
    assert row(move(jobset, cluster(apis=["jobset.x-k8s.io/v1alpha2/JobSet"])), "API").status is Status.THERE
    newer = row(move(jobset, cluster(apis=["jobset.x-k8s.io/v1/JobSet"])), "API")
    assert newer.status is Status.MISSING and "served as v1 alone" in newer.because
    route = "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: HTTPRoute\nmetadata: {name: r}\n"
    ported = move(route, cluster(apis=["gateway.networking.k8s.io/v1/HTTPRoute"]))
    assert row(ported, "API").status is Status.RENAMED
    assert after(ported).startswith("apiVersion: gateway.networking.k8s.io/v1\n")
    crd = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"
    crd += "spec: {group: jobset.x-k8s.io, names: {kind: JobSet}}\n"
    brought = move(jobset + crd, cluster())
    assert row(brought, "API", "jobset.x-k8s.io/v1alpha2 JobSet").status is Status.THERE


@pytest.mark.parametrize(("version", "status"), [("v1.29.1", "there"), ("v1.28.9", "unknown"), ("v1.27.0", "missing")])
def test_fields_that_need_a_version(version: str, status: str) -> None:
    text = job(spec="  backoffLimitPerIndex: 2\n")
    assert row(move(text, cluster(version=version)), "Kubernetes").status == status
    sidecar = pod(PLAIN + "initContainers: [{name: s, image: i, restartPolicy: Always}]")
    assert row(move(sidecar, cluster(version=version)), "Kubernetes").status == status


def test_a_volcano_job_is_not_taken_for_a_job() -> None:
    text = job(spec="  successPolicy: {}\n").replace("batch/v1", "batch.volcano.sh/v1alpha1")
    assert not rows(move(text, cluster(version="v1.20.0")), "Kubernetes")


def autoscaler(metric: str) -> str:
    return (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\n"
        f"spec: {{scaleTargetRef: {{kind: Deployment, name: d}}, maxReplicas: 3, metrics: [{metric}]}}\n"
    )


def test_metrics_of_autoscalers() -> None:
    by_pods = autoscaler("{type: Pods, pods: {metric: {name: queue_length}}}")
    assert row(move(by_pods, cluster()), "metric").status is Status.MISSING
    adapter = offer("apis.custom.metrics.k8s.io", "v1beta2")
    # It is listed only while a pod exports it, so that its absence says nothing.
    assert row(move(by_pods, cluster(offers=[adapter])), "metric").status is Status.UNKNOWN
    listed = [adapter, offer("metrics.custom.metrics.k8s.io", "pods/queue_length")]
    assert row(move(by_pods, cluster(offers=listed)), "metric").status is Status.THERE
    assert row(move(by_pods, cluster(listed=())), "metric").status is Status.UNKNOWN
    outside = autoscaler("{type: External, external: {metric: {name: backlog}}}")
    known = [offer("apis.external.metrics.k8s.io", "v1beta1"), offer("metrics.external.metrics.k8s.io", "backlog")]
    assert row(move(outside, cluster(offers=known)), "metric").status is Status.THERE
    cpu = autoscaler("{type: Resource, resource: {name: cpu}}")
    assert row(move(cpu, cluster()), "metric").status is Status.MISSING
    assert row(move(cpu, cluster(apis=["metrics.k8s.io/v1beta1/PodMetrics"])), "metric").status is Status.THERE


def test_a_trigger_that_reads_elsewhere_is_unknown() -> None:
    text = (
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: s}\nspec:\n  triggers:\n"
        "  - {type: prometheus, metadata: {serverAddress: 'http://prom:9090', query: sum(x)}}\n  - {type: cron}\n"
    )
    found = row(move(text, cluster(apis=["keda.sh/v1alpha1/ScaledObject"])), "trigger")
    assert found.status is Status.UNKNOWN and "prom:9090" in found.because


def test_monitors_get_the_labels_that_prometheus_selects_by() -> None:
    text = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata:\n  name: m\n  labels: {app: x}\n"

    def target(**selector: object) -> Inventory:
        facts = {"servicemonitors namespaces": {}, **selector}
        facts = {k: v for k, v in facts.items() if v is not None}
        found = [offer(MONITORS, "main", namespace="mon", **facts)] if selector != {"none": True} else []
        return cluster(offers=found, apis=["monitoring.coreos.com/v1/ServiceMonitor"])

    every: dict[str, object] = {"servicemonitors": {}}
    assert row(move(text, target(**every)), "collector").status is Status.THERE
    wanted = {"matchLabels": {"release": "stack"}}
    # Without a selector of namespaces it looks into its own.
    assert row(move(text, target(**every | {"servicemonitors namespaces": None})), "collector").status is Status.UNKNOWN
    own = text.replace("name: m\n", "name: m\n  namespace: mon\n")
    assert row(move(own, target(**every | {"servicemonitors namespaces": None})), "collector").status is Status.THERE
    some = {"servicemonitors namespaces": {"matchLabels": {"team": "a"}}}
    assert row(move(text, target(**every | some)), "collector").status is Status.UNKNOWN
    ported = move(text, target(servicemonitors=wanted))
    assert row(ported, "collector").status is Status.RENAMED
    assert objects(ported)[0]["metadata"]["labels"] == {"app": "x", "release": "stack"}
    assert row(move(after(ported), target(servicemonitors=wanted)), "collector").status is Status.THERE
    assert row(move(text, target(podmonitors={})), "collector").status is Status.MISSING
    hard = {"matchExpressions": [{"key": "release", "operator": "In", "values": ["a", "b"]}]}
    assert row(move(text, target(servicemonitors=hard)), "collector").status is Status.UNKNOWN
    assert row(move(text, target(none=True)), "collector").status is Status.UNKNOWN


def test_routes_name_gateways() -> None:
    text = (
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, namespace: a}\nspec:\n"
        "  parentRefs:\n  - {name: public, namespace: infra}\n"
    )
    apis = ["gateway.networking.k8s.io/v1/HTTPRoute"]
    there = cluster(apis=apis, offers=[offer(GATEWAYS, "public", namespace="infra")])
    assert move(text, there).report.status is Status.THERE
    missing = row(move(text, cluster(apis=apis, offers=[offer(GATEWAYS, "ingress", namespace="infra")])), "gateway")
    assert missing.status is Status.MISSING and missing.requirement == "ai_inference" and "ingress" in missing.because


def test_labels_of_nodes() -> None:
    text = pod(PLAIN + "nodeSelector: {pool: gold}")
    there = cluster([node("n", {"pool": "gold"})])
    assert row(move(text, there), "node label").status is Status.THERE
    assert row(move(text, cluster([node("n")])), "node label").status is Status.MISSING
    grown = cluster([node("n")], products=["karpenter"])
    assert row(move(text, grown), "node label").status is Status.UNKNOWN
    unread = cluster(gaps=(Gap(what="nodes", why="forbidden", refused=True),))
    assert row(move(text, unread), "node label").status is Status.UNKNOWN
    ported = move(text, cluster([node("n", {"tier": "top"})]), **{"pool:gold": "tier:top"})
    assert row(ported, "node label").status is Status.RENAMED
    assert objects(ported)[0]["spec"]["nodeSelector"] == {"tier": "top"}


def test_old_names_of_labels_get_the_new_ones() -> None:
    text = pod(PLAIN + "nodeSelector:\n  beta.kubernetes.io/arch: amd64  # ours")
    ported = move(text, cluster([node("n", {"kubernetes.io/arch": "amd64"})]))
    assert "    kubernetes.io/arch: amd64  # ours\n" in after(ported)


def affinity(*expressions: str) -> str:
    terms = "".join(f"\n      - matchExpressions: [{e}]" for e in expressions)
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    return pod(PLAIN + f"affinity:\n  nodeAffinity:\n    {required}:\n      nodeSelectorTerms:{terms}")


def test_affinity_of_nodes() -> None:
    one = affinity("{key: zone, operator: In, values: [a, b]}")
    assert row(move(one, cluster([node("n", {"zone": "b"})])), "node label").status is Status.THERE
    assert row(move(one, cluster([node("n", {"zone": "c"})])), "node label").status is Status.MISSING
    two = affinity("{key: zone, operator: In, values: [a]}", "{key: pool, operator: Exists}")
    assert row(move(two, cluster([node("n", {"pool": "x"})])), "node affinity").status is Status.THERE
    assert row(move(two, cluster([node("n")])), "node affinity").status is Status.MISSING


def test_a_model_in_an_affinity_becomes_part_of_the_claim() -> None:
    from clusters import H100, by_claim

    text = affinity(f"{{key: nvidia.com/gpu.product, operator: In, values: [{H100}]}}")
    text = text.replace("{name: c, image: i}", "{name: c, image: i, resources: {limits: {nvidia.com/gpu: 1}}}")
    ported = move(text, by_claim(), by_plugin())
    assert ported.report.status is Status.RENAMED, rows(ported)
    found, template = objects(ported)
    assert "affinity" not in found["spec"]
    assert "productName" in str(template)


def test_another_model_is_missing_where_the_workload_names_one_and_said_where_it_does_not() -> None:
    a10 = {"nvidia.com/gpu.product": "NVIDIA-A10"}
    target = cluster(
        [node("g", a10, allocatable={"nvidia.com/gpu": "4"})], [plugin(nodes={"g": 4}, model="NVIDIA-A10")]
    )
    ask = "containers:\n- {name: c, image: i, resources: {limits: {nvidia.com/gpu: 1}}}\n"
    free = move(pod(ask), target, by_plugin())
    assert free.report.status is Status.THERE and "another model" in row(free, "accelerator").because
    bound = move(pod(ask + "nodeSelector: {nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3}"), target, by_plugin())
    assert row(bound, "node label").status is Status.MISSING


def test_topologies_need_their_label() -> None:
    text = pod(PLAIN + "topologySpreadConstraints: [{maxSkew: 1, topologyKey: rack, whenUnsatisfiable: DoNotSchedule}]")
    assert row(move(text, cluster([node("n", {"rack": "1"})])), "topology").status is Status.THERE
    assert row(move(text, cluster([node("n")])), "topology").status is Status.MISSING
    assert not rows(move(text.replace("DoNotSchedule", "ScheduleAnyway"), cluster([node("n")])), "topology")


def test_images_made_for_another_architecture_are_unknown() -> None:
    source = cluster([node("n", architecture="amd64")])
    assert row(move(pod(PLAIN), cluster([node("n", architecture="arm64")]), source), "architecture").status == "unknown"
    assert row(move(pod(PLAIN), source, source), "architecture").status == "there"
    mixed = cluster([node("n"), node("m", architecture="arm64")])
    assert row(move(pod(PLAIN), mixed, source), "architecture").status == "unknown"


def test_other_devices_are_counted_by_node() -> None:
    text = pod("containers:\n- {name: c, image: i, resources: {limits: {rdma/hca: 2}}}")
    there = cluster([node("n", allocatable={"rdma/hca": "4"})])
    assert row(move(text, there), "resource").status is Status.THERE
    assert row(move(text, cluster([node("n", allocatable={"rdma/hca": "1"})])), "resource").status is Status.MISSING
    ported = move(text, cluster([node("n", allocatable={"rdma/rail": "4"})]), **{"rdma/hca": "rdma/rail"})
    assert objects(ported)[0]["spec"]["containers"][0]["resources"]["limits"] == {"rdma/rail": 2}
    assert ported.report.status is Status.RENAMED


def test_claims_for_volumes_inside_other_kinds() -> None:
    claim = "{accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}"
    text = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s}\nspec:\n  volumeClaimTemplates:\n"
    text += f"  - spec: {claim}\n"
    assert row(move(text, cluster()), "storage class").status is Status.MISSING
    inline = pod(PLAIN + f"volumes: [{{name: v, ephemeral: {{volumeClaimTemplate: {{spec: {claim}}}}}}}]")
    assert row(move(inline, cluster()), "storage class").status is Status.MISSING
    mounted = pod(PLAIN + "volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]")
    assert "data" in move(mounted, cluster()).report.notes[0]
    static = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: d}\nspec: " + claim.replace("fast", '""')
    assert not rows(move(static + "\n", cluster()), "storage class")


def test_what_no_inventory_holds_is_noted_and_decides_nothing() -> None:
    text = pod(
        "containers:\n- name: c\n  env: [{name: T, valueFrom: {secretKeyRef: {name: token, key: t}}}]\n"
        "  envFrom: [{configMapRef: {name: settings}}]\nserviceAccountName: robot\n"
        "volumes: [{name: h, hostPath: {path: /data}}]"
    )
    ported = move(text + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n", cluster())
    said = "\n".join(ported.report.notes)
    assert "Secret token" in said and "ServiceAccount robot" in said and "/data" in said and "settings" not in said
    assert ported.report.status is Status.THERE


def test_a_pod_bound_to_a_node_of_its_own() -> None:
    text = pod(PLAIN + "nodeName: n")
    assert row(move(text, cluster([node("n")])), "node").status is Status.THERE
    assert row(move(text, cluster([node("m")])), "node").status is Status.MISSING


def test_a_serving_runtime_is_of_the_namespace_or_of_the_cluster() -> None:
    text = (
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: s}\n"
        "spec: {predictor: {model: {runtime: fast, modelFormat: {name: x}}}}\n"
    )
    apis = ["serving.kserve.io/v1beta1/InferenceService"]
    for offered in (
        offer("servingruntimes.serving.kserve.io", "fast", namespace="a"),
        offer("clusterservingruntimes.serving.kserve.io", "fast"),
    ):
        assert move(text, cluster(apis=apis, offers=[offered])).report.status is Status.THERE
    assert row(move(text, cluster(apis=apis)), "serving runtime (cluster)").status is Status.MISSING


def test_an_operator_that_counts_limits_is_noted() -> None:
    from clusters import by_claim

    container = "{name: c, resources: {limits: {nvidia.com/gpu: 1}}}"
    text = (
        "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata: {name: r}\nspec:\n"
        f"  headGroupSpec: {{template: {{spec: {{containers: [{container}]}}}}}}\n"
    )
    assert "num-gpus" in move(text, by_claim(apis=["ray.io/v1/RayCluster"]), by_plugin()).report.notes[0]


def test_a_class_that_is_a_mere_word_is_there_with_its_volume_and_unknown_without() -> None:
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: d}\nspec:\n  accessModes: [ReadWriteOnce]\n"
    claim += "  storageClassName: manual\n  resources: {requests: {storage: 1Gi}}\n"
    assert row(move(claim, cluster(), cluster()), "storage class").status is Status.UNKNOWN
    volume = "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {storageClassName: manual}\n"
    assert row(move(claim + volume, cluster()), "storage class").status is Status.THERE


def test_a_closed_node_is_no_proof() -> None:
    from dataclasses import replace

    text = pod("containers:\n- {name: c, resources: {limits: {nvidia.com/gpu: 1}}}")
    open_node = node("gpu-1", allocatable={"nvidia.com/gpu": "8"})
    for shut in (replace(open_node, unschedulable=True), replace(open_node, ready=False)):
        assert row(move(text, cluster([shut], [plugin()])), "node").status is Status.UNKNOWN
    assert row(move(text, cluster([open_node], [plugin()])), "node").status is Status.THERE


def test_quotas_that_count_accelerators() -> None:
    from clusters import by_claim

    quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\n"
    quota += "spec: {hard: {requests.nvidia.com/gpu: 4, pods: 9}}\n"
    apis = ["v1/ResourceQuota", "kueue.x-k8s.io/v1beta1/ClusterQueue"]
    assert move(quota, by_plugin(apis=apis), by_plugin()).report.status is Status.THERE
    assert row(move(quota, by_claim(apis=apis), by_plugin()), "quota").status is Status.UNKNOWN
    assert row(move(quota, cluster(apis=apis), by_plugin()), "quota").status is Status.MISSING
    queue = "apiVersion: kueue.x-k8s.io/v1beta1\nkind: ClusterQueue\nmetadata: {name: q}\n"
    queue += "spec: {resourceGroups: [{coveredResources: [cpu, nvidia.com/gpu]}]}\n"
    assert row(move(queue, by_claim(apis=apis), by_plugin()), "quota", "nvidia.com/gpu").status is Status.UNKNOWN
