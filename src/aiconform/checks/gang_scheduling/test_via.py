"""Every adapter: what it builds belongs to a gang, what was stripped is told, and the plan picks the right ones."""

import copy
from typing import Any

import pytest

from aiconform.checks.gang_scheduling.check import CHECK
from aiconform.checks.gang_scheduling.crew import has_pods
from aiconform.checks.gang_scheduling.plan import attempts
from aiconform.checks.gang_scheduling.via import GangMechanism, Manifest, Place, mechanisms, pod_templates
from aiconform.cluster import asking
from aiconform.cluster.labels import labelled
from aiconform.model import Accelerator, ApiResource, Attempt, Inventory, Node, Options

UNIT = "example.com/accelerator"
PLACE = Place(
    run="r1", namespace="ns", node="n", hostname="n", taints=(), resource=UNIT, units=4, cpu=2500, detected={}
)
KNOWN = {m.product: m for m in mechanisms()}
# What a platform serves that has the product.
APIS = {
    "native": ["scheduling.k8s.io/v1beta1/podgroups", "scheduling.k8s.io/v1beta1/workloads"],
    "native-v1alpha2": ["scheduling.k8s.io/v1alpha2/podgroups"],
    "native-v1alpha1": ["scheduling.k8s.io/v1alpha1/workloads"],
    "native-jobset": ["scheduling.k8s.io/v1beta1/podgroups", "jobset.x-k8s.io/v1alpha2/jobsets"],
    "kueue": ["kueue.x-k8s.io/v1beta1/clusterqueues"],
    "kueue-pods": ["kueue.x-k8s.io/v1beta1/clusterqueues"],
    "kueue-jobset": ["kueue.x-k8s.io/v1beta2/clusterqueues", "jobset.x-k8s.io/v1alpha2/jobsets"],
    "scheduler-plugins": ["scheduling.x-k8s.io/v1alpha1/podgroups"],
    "scheduler-plugins-lws": [
        "scheduling.x-k8s.io/v1alpha1/podgroups",
        "leaderworkerset.x-k8s.io/v1/leaderworkersets",
    ],
    "volcano": ["scheduling.volcano.sh/v1beta1/podgroups"],
    "volcano-job": ["scheduling.volcano.sh/v1beta1/podgroups"],
    "kai": ["scheduling.run.ai/v2alpha2/podgroups"],
    "kai-job": ["scheduling.run.ai/v2alpha2/podgroups"],
    "yunikorn": [],
}


def pod(name: str, units: int) -> Manifest:
    accelerator = Accelerator(
        id="x", vendor="unknown", form="device-plugin", resource=UNIT, nodes={"n": 4}, recognised=False
    )
    ask = asking.ask(accelerator, units, "a")
    taints = [{"key": "only", "value": "ai", "effect": "NoSchedule"}]
    return asking.pod(
        name, "image", script_configmap="s", script_key="member.py", args=["$(POD_NAME)", "gang"], ask=ask, node="n",
        tolerations=asking.tolerations(taints),
    )  # fmt: skip


def members(*units: int) -> list[Manifest]:
    return [pod(f"m-{i}", n) for i, n in enumerate(units)]


def inventory(*served: str, form: Any = "device-plugin") -> Inventory:
    node = Node(
        name="n", uid="1", ready=True, unschedulable=False, labels={}, taints=(), allocatable={"cpu": "4", UNIT: "4"},
        kubelet="", runtime="",
    )  # fmt: skip
    accelerator = Accelerator(
        id="x", vendor="unknown", form=form, resource=UNIT if form != "dra" else "", nodes={"n": 4}, recognised=True
    )
    apis = tuple(
        ApiResource(group=g, version=v, plural=p, kind="", namespaced=True)
        for g, v, p in (s.split("/") for s in served)
    )
    return Inventory(server_version="v1.37.1", platform="lab", apis=apis, nodes=(node,), accelerators=(accelerator,))


def plan(inv: Inventory, mechanism: str = "", **options: Any) -> dict[str, Attempt]:
    chosen = {"gang_scheduling": mechanism} if mechanism else {}
    return {a.via: a for a in attempts(inv, Options(mechanism=chosen, **options), "MUST")}


def stored(manifest: Manifest, product: str) -> Manifest:
    """What a server with the product's webhooks stores."""
    obj = copy.deepcopy(labelled(manifest, {"aiconform.dev/role": "member"}))
    if product.startswith("kueue"):
        if obj["kind"] in ("Job", "JobSet"):
            obj["spec"]["suspend"] = True
        if obj["kind"] == "Pod":
            obj["spec"]["schedulingGates"] = [{"name": "kueue.x-k8s.io/admission"}]
    return obj


def test_every_adapter_is_listed_here_and_says_what_it_is() -> None:
    assert set(KNOWN) == set(APIS)
    for m in KNOWN.values():
        assert m.proved and m.tried in ("where found", "if named") and m.atomicity in ("placement", "quota")
        assert m.permissions


def test_every_adapter_says_what_its_operator_can_do() -> None:
    clauses = {c.id for c in CHECK.clauses}
    for m in KNOWN.values():
        assert {"starts_none_when_short"} <= set(m.remedies) <= clauses, m.product
        assert all(said.endswith(".") for said in m.remedies.values())


@pytest.mark.parametrize("product", sorted(KNOWN))
@pytest.mark.parametrize("units", [(1, 1, 1, 1), (1, 1), (1, 0)], ids=str)
def test_a_gang_has_all_its_members_and_they_belong_to_it(product: str, units: tuple[int, ...]) -> None:
    m = KNOWN[product]
    if len(set(units)) > 1 and not m.unlike:
        pytest.skip("the plan tries no unlike members with it")
    objects = m.gang(PLACE, "g", members(*units))
    making = [o for o in objects if has_pods(o)]
    assert objects[-len(making) :] == making, "what has pods in it comes last"
    assert sum(_pods_of(o) for o in making) == len(units)
    asked = sorted(a for o in making for a in _asked(o))
    assert asked == sorted(units)
    for o in making:
        kept = stored(o, product)
        assert m.dropped(kept) == ""
        for template in pod_templates(kept):
            assert template["metadata"]["labels"]["aiconform.dev/role"] == "member"
            assert template["spec"]["nodeSelector"] == {"kubernetes.io/hostname": "n"}
            assert [t["key"] for t in template["spec"]["tolerations"]] == ["only"]
    assert {o["metadata"]["name"] for o in objects if not has_pods(o)} <= {"g"}


def _pods_of(o: Manifest) -> int:
    spec = o["spec"]
    match o["kind"]:
        case "Pod":
            return 1
        case "Job":
            assert spec["completions"] == spec["parallelism"]
            return int(spec["parallelism"])
        case "JobSet":
            return sum(_pods_of({"kind": "Job", **r["template"]}) for r in spec["replicatedJobs"])
        case "LeaderWorkerSet":
            return int(spec["leaderWorkerTemplate"]["size"])
    raise AssertionError(o["kind"])


def _asked(o: Manifest) -> list[int]:
    """Units that each member asks for."""
    if o["kind"] == "JobSet":
        return [a for r in o["spec"]["replicatedJobs"] for a in _asked({"kind": "Job", **r["template"]})]
    templates = list(pod_templates(o))
    units = [int(t["spec"]["containers"][0]["resources"].get("limits", {}).get(UNIT, 0)) for t in templates]
    return units + units[-1:] * (_pods_of(o) - len(units))


@pytest.mark.parametrize("product", sorted(set(KNOWN) - {"yunikorn"}))
def test_a_gang_whose_mark_was_stripped_is_no_gang(product: str) -> None:
    m = KNOWN[product]
    making = [o for o in m.gang(PLACE, "g", members(1, 1)) if has_pods(o)]
    for o in making:
        bare = copy.deepcopy(o)
        bare["metadata"].pop("annotations", None)
        for template in pod_templates(bare):
            template["metadata"].pop("labels", None)
            template["metadata"].pop("annotations", None)
            template["spec"].pop("schedulingGroup", None)
            template["spec"].pop("workloadRef", None)
        assert m.dropped(bare)


def test_yunikorn_takes_a_queue_or_a_scheduler_by_name() -> None:
    m = KNOWN["yunikorn"]
    for named, scheduler, queue in (
        ("root.team", "yunikorn", "root.team"),
        ("other", "other", None),
        ("", "yunikorn", None),
    ):
        place = Place(**{**PLACE.__dict__, "detected": {"scheduler": named}})
        lone = m.lone(place, pod("m", 0))
        assert lone is not None
        (job,) = m.gang_job(place, "g", pod("m", 1), 2)
        for made in (lone, m.gang(place, "g", members(1, 1))[0], job["spec"]["template"]):
            assert made["spec"]["schedulerName"] == scheduler
            assert made["metadata"]["labels"].get("yunikorn.apache.org/queue") == queue


@pytest.mark.parametrize("mark", ["task-groups", "task-group-name", "schedulingPolicyParameters"])
def test_each_annotation_of_yunikorn_counts(mark: str) -> None:
    m = KNOWN["yunikorn"]
    for o in (m.gang(PLACE, "g", members(1, 1))[0], *m.gang_job(PLACE, "g", pod("m", 1), 2)):
        assert m.dropped(o) == ""
        (template,) = pod_templates(o)
        del template["metadata"]["annotations"][f"yunikorn.apache.org/{mark}"]
        assert mark in m.dropped(o)


@pytest.mark.parametrize("product", sorted(KNOWN))
def test_a_job_that_is_a_gang_replaces_lost_members(product: str) -> None:
    m = KNOWN[product]
    objects = m.gang_job(PLACE, "g", pod("m", 1), 3)
    making = [o for o in objects if has_pods(o)]
    assert len(making) == 1 and _pods_of(making[0]) == 3
    assert m.dropped(stored(making[0], product)) == ""
    assert all("name" not in t["metadata"] for t in pod_templates(making[0]))


@pytest.mark.parametrize("product", [p for p in sorted(KNOWN) if p.startswith("kueue")])
def test_a_quota_is_what_is_free(product: str) -> None:
    m = KNOWN[product]
    flavor, cluster_queue, local_queue = m.prepare(PLACE)
    assert local_queue["spec"]["clusterQueue"] == cluster_queue["metadata"]["name"]
    assert m.atomicity == "quota" and "dra" not in m.forms
    for queue in (cluster_queue, *m.resize(PLACE)):
        (group,) = queue["spec"]["resourceGroups"]
        quota = {r["name"]: r["nominalQuota"] for r in group["flavors"][0]["resources"]}
        assert group["flavors"][0]["name"] == flavor["metadata"]["name"]
        assert set(group["coveredResources"]) == set(quota) >= {"cpu", "memory", UNIT}
        assert (quota["cpu"], quota[UNIT]) == ("2500m", "4")


@pytest.mark.parametrize("product", ["kai", "kai-job"])
def test_a_waiting_gang_has_no_claim_on_what_others_hold(product: str) -> None:
    m = KNOWN[product]
    for queue in m.prepare(PLACE):
        assert {(r["quota"], r["overQuotaWeight"]) for r in queue["spec"]["resources"].values()} == {(0, 0)}
    for made in (m.gang(PLACE, "g", members(1, 1)), m.gang_job(PLACE, "g", pod("m", 1), 2)):
        for o in made:
            if has_pods(o):
                for marked in (*pod_templates(o), *([o] if o["kind"] == "Job" and product == "kai-job" else [])):
                    assert marked["metadata"]["annotations"]["kai.scheduler/preemption-delay"] == "24h"
            else:
                assert (o["spec"]["preemptibility"], o["spec"]["preemptionDelay"]) == ("preemptible", "24h")


def test_kai_leaves_a_job_of_the_gang_in_its_group() -> None:
    _, job = KNOWN["kai"].gang_job(PLACE, "g", pod("m", 1), 2)
    (template,) = pod_templates(job)
    assert template["metadata"]["annotations"]["kai.scheduler/skip-podgrouper"] == "true"


def test_a_job_that_nobody_holds_back_is_in_no_queue() -> None:
    (job,) = KNOWN["kueue"].gang(PLACE, "g", members(1, 1))
    assert "suspend" not in job["spec"], "the webhook must show that it manages this namespace"
    assert "webhook" in KNOWN["kueue"].dropped(job)


def test_placeholders_are_told_from_members() -> None:
    yunikorn = KNOWN["yunikorn"]
    first, second = yunikorn.gang(PLACE, "g", members(1, 0))
    notes = first["metadata"]["annotations"]
    assert '"minMember": 1' in notes["yunikorn.apache.org/task-groups"]
    assert "Hard" in notes["yunikorn.apache.org/schedulingPolicyParameters"]
    assert not yunikorn.stands_in(second)
    for mark in ("internal.yunikorn.apache.org/placeholder", "yunikorn.apache.org/placeholder"):
        assert yunikorn.stands_in({"metadata": {"annotations": {mark: "true"}}})
    assert not any(m.stands_in(first) for m in KNOWN.values())


def test_yunikorn_tells_of_a_gang_in_events() -> None:
    def event(app: str, what: str, at: str, reason: str = "GangScheduling") -> Manifest:
        about = {"name": f"s-0.{at}", "namespace": "ns", "creationTimestamp": at}
        return {"metadata": about, "reason": reason, "message": f"Application {app} {what}"}

    seen = [
        event("ns-short", "placeholder has been allocated.", "2020-01-01T00:00:02Z"),
        event("ns-short", "creating placeholders", "2020-01-01T00:00:01Z"),
        event("ns-cpu-short", "creating placeholders", "2020-01-01T00:00:03Z"),
        event("ns-short", "bound", "2020-01-01T00:00:04Z", reason="PodBindSuccessful"),
    ]
    m = KNOWN["yunikorn"]
    assert m.watched({}) == (("v1", "events"),)
    assert m.signs("short", seen) == [
        "Application ns-short creating placeholders",
        "Application ns-short placeholder has been allocated.",
    ]
    (first, *_) = m.gang(PLACE, "short", members(1, 1))
    assert first["metadata"]["labels"]["yunikorn.apache.org/app-id"] == "ns-short"


@pytest.mark.parametrize("product", sorted(set(KNOWN) - {"yunikorn"}))
def test_signs_are_of_this_gang_only(product: str) -> None:
    condition = {"type": "T", "status": "False", "reason": "R", "message": "waits"}
    mine: Manifest = {"metadata": {"name": "g"}, "status": {"conditions": [condition]}}
    other: Manifest = {"metadata": {"name": "h"}, "status": {"phase": "Inqueue", "conditions": [condition]}}
    if product in ("kai-job", "volcano-job"):
        mine["metadata"] = {"name": "made-up", "ownerReferences": [{"kind": "Job", "name": "g"}]}
    m = KNOWN[product]
    assert m.signs("g", [other]) == [] and m.signs("g", [{"metadata": {"name": "g"}}]) == []
    said = m.signs("g", [other, mine])
    assert len(said) == 1 and "waits" in said[0]


@pytest.mark.parametrize("product", sorted(KNOWN))
def test_a_product_is_found_by_its_own_api_only(product: str) -> None:
    m = KNOWN[product]
    assert m.detect(inventory(*APIS[product])).usable
    if APIS[product]:
        assert not m.detect(inventory("scheduling.example.com/v1/podgroups", "example.com/v1/clusterqueues")).usable


def test_the_plan_tries_each_mechanism_that_it_finds_and_no_shape_unasked() -> None:
    everything = inventory(*{a for served in APIS.values() for a in served})
    found = plan(everything)
    assert set(found) == {m.product for m in KNOWN.values() if m.tried == "where found"}
    assert all(a.unable is None and a.holds == ("accelerators/n", "room/n") for a in found.values())
    assert set(plan(everything, "kueue-jobset")) == {"kueue-jobset"}


def test_the_plan_takes_a_scheduler_by_name() -> None:
    named = plan(inventory(*APIS["scheduler-plugins"]), "scheduler-plugins:default-scheduler")["scheduler-plugins"]
    detected = named.facts["detected"]
    assert detected["scheduler"] == "default-scheduler"
    place = Place(**{**PLACE.__dict__, "detected": detected})
    lone = KNOWN["scheduler-plugins"].lone(place, pod("m", 0))
    assert lone is not None and lone["spec"]["schedulerName"] == "default-scheduler"
    assert "yunikorn" in plan(inventory(), "yunikorn")


def test_the_plan_says_so_if_nothing_can_be_tried() -> None:
    (nothing,) = plan(inventory()).values()
    assert nothing.unable is not None and nothing.unable[0] == "mechanism-not-found"
    by_claim = plan(inventory(*APIS["kueue"], form="dra"))["kueue"]
    assert by_claim.unable is not None and by_claim.unable[0] == "unrecognised-accelerator"
    missing = plan(inventory(*APIS["kueue"]), "volcano")["volcano"]
    assert missing.unable is not None and missing.unable[0] == "mechanism-not-found"


def test_own_schedulers_are_asked_first() -> None:
    asked = {p: m.lone(PLACE, pod("m", 0)) for p, m in KNOWN.items()}
    with_own = {p: o["spec"]["schedulerName"] for p, o in asked.items() if o}
    assert with_own == {
        "scheduler-plugins": "scheduler-plugins-scheduler",
        "scheduler-plugins-lws": "scheduler-plugins-scheduler",
        "volcano": "volcano",
        "volcano-job": "volcano",
        "kai": "kai-scheduler",
        "kai-job": "kai-scheduler",
        "yunikorn": "yunikorn",
    }


def names(m: GangMechanism) -> set[str]:
    return {o["metadata"]["name"] for o in m.prepare(PLACE) if o["kind"] not in ("LocalQueue",)}


def test_cluster_scoped_objects_of_two_attempts_have_different_names() -> None:
    every = [n for m in KNOWN.values() for n in names(m)]
    assert all("r1" in n for n in every)
    groups = [names(m) for m in KNOWN.values() if names(m)]
    assert sum(len(g) for g in groups) == len(set().union(*groups))


def test_a_group_of_pods_ends_with_its_workload() -> None:
    kueue = KNOWN["kueue-pods"]
    grouped = kueue.gang(PLACE, "g", members(1, 1))
    (workload,) = kueue.ends_with(PLACE, [{k: v for k, v in p.items() if k != "kind"} for p in grouped])
    assert (workload["kind"], workload["metadata"]) == ("Workload", {"name": "g", "namespace": "ns"})
    assert kueue.ends_with(PLACE, members(1, 1)) == []


def test_a_gang_that_kueue_left_alone_is_told_from_one_that_it_holds() -> None:
    held = {"metadata": {"name": "job-g-1", "ownerReferences": [{"name": "g"}]}, "status": {}}
    assert KNOWN["kueue"].unseen("g", [held]) == ""
    assert "manage" in KNOWN["kueue"].unseen("g", [{"metadata": {"name": "other"}}])
    assert all(m.unseen("g", []) == "" for m in KNOWN.values() if m.atomicity == "placement")
