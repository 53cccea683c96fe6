"""Hand-made histories at the edges. Real ones lie in recordings/."""

from dataclasses import replace
from typing import Any

import pytest

from aiconform.checks.cluster_autoscaling.check import CHECK
from aiconform.checks.cluster_autoscaling.judge import judge
from aiconform.checks.cluster_autoscaling.plan import attempts
from aiconform.checks.cluster_autoscaling.via import Scene
from aiconform.checks.cluster_autoscaling.via.cluster_autoscaler import MECHANISM as CA
from aiconform.checks.cluster_autoscaling.via.karpenter import MECHANISM as KARPENTER
from aiconform.model import (
    FORMAT,
    Accelerator,
    ApiResource,
    Ending,
    Inventory,
    Node,
    Observation,
    Options,
    Outcome,
    Recording,
    Suite,
    Verdict,
)

A, K, R, I, U, D = (c.id for c in CHECK.clauses)  # noqa: E741
PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
RESOURCE = "example.com/accel"
NS = "pods/ns"
FACTS: dict[str, Any] = {
    "mechanism": "karpenter",
    "declared_none": False,
    "claimed": {"mechanism": False, "accelerator": True},
    "detected": {"usable": True, "because": "its kinds are served"},
    "accelerator": {"id": "accel", "form": "device-plugin", "resource": RESOURCE, "driver": "", "recognised": True},
}
NOBODY = {"mechanism": False, "accelerator": False}
DEADLINES = dict.fromkeys(CHECK.deadlines, 10.0)


class Story:
    """Observations with times; every helper appends and returns the story."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []
        self.t = 0.0

    def add(self, kind: str, subject: str, body: Any, step: str = "") -> "Story":
        n = len(self.seen) + 1
        self.seen.append(Observation(seq=n, t=self.t, at="", step=step, kind=kind, subject=subject, body=body))
        return self

    def wait(self, seconds: float) -> "Story":
        self.t += seconds
        return self

    def open(self, step: str) -> "Story":
        return self.add("window.open", step, {"why": ""}, step)

    def close(self, step: str) -> "Story":
        return self.add("window.close", step, {}, step)

    def fact(self, name: str, value: Any, step: str) -> "Story":
        return self.add("fact", name, value, step)

    def node(
        self, name: str, uid: str = "", *, type: str = "ADDED", units: int | None = 4, ready: bool = True,
        taints: Any = (), labels: Any = None, fake: bool = True,
    ) -> "Story":  # fmt: skip
        obj = {
            "metadata": {
                "name": name,
                "uid": uid or name,
                "labels": labels or {},
                "annotations": {"kwok.x-k8s.io/node": "fake"} if fake else {},
            },
            "spec": {"taints": list(taints)},
            "status": {
                "allocatable": {} if units is None else {RESOURCE: str(units)},
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            },
        }
        return self.add("watch", f"nodes/{name}", {"type": type, "object": obj})

    def pod(
        self, name: str, step: str, role: str, *, node: str = "", runs: bool = False, type: str = "MODIFIED",
        said: str = f"0/2 nodes are available: 2 Insufficient {RESOURCE}.",
    ) -> "Story":  # fmt: skip
        status: dict[str, Any] = {"phase": "Running" if runs else "Pending"}
        if runs:
            status["containerStatuses"] = [{"name": "probe", "state": {"running": {}}}]
        elif not node:
            status["conditions"] = [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
            ]
        labels = {"aiconform.dev/step": step, "aiconform.dev/role": role}
        obj = {
            "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}", "labels": labels},
            "spec": {"nodeName": node} if node else {},
            "status": status,
        }
        return self.add("watch", f"{NS}/{name}", {"type": type, "object": obj})

    def stranger(self, name: str, owner: str = "ReplicaSet", node: str = "") -> "Story":
        meta = {"name": name, "namespace": "other", "uid": name, "ownerReferences": [{"kind": owner}]}
        spec = {"nodeName": node} if node else {}
        obj = {"projection": True, "metadata": meta, "spec": spec, "status": {"phase": "Pending"}}
        return self.add("watch", f"pods/other/{name}", {"type": "ADDED", "object": obj})

    def recording(self, how: str | None = "complete", facts: Any = None, deadlines: Any = None) -> Recording:
        return Recording(
            format=FORMAT, run="r", check=CHECK.requirement, via="karpenter", suite=Suite(version="0"),
            settings={"deadlines": deadlines or DEADLINES}, facts=FACTS if facts is None else facts,
            observations=tuple(self.seen),
            ending=None if how is None else Ending(how=how, at="", t=self.t),  # type: ignore[arg-type]
            sha256="0" * 64,
        )  # fmt: skip


def begun() -> Story:
    """Up to the pod that waits: one old node, all of whose units are held."""
    s = Story().add("watch.start", "nodes", {}).node("old").open("settled").wait(10).close("settled")
    s.fact("before", {"nodes": {"old": "old"}}, "settled").pod("filler-0", "fill", "filler", node="old", runs=True)
    return s.open("grow").wait(1).pod("w", "grow", "waiting")


def grown() -> Story:
    """The waiting pod runs on a new node; then everything is in use."""
    s = begun().wait(3).node("new").pod("w", "grow", "waiting", node="new", runs=True).wait(1).close("grow")
    return s.fact("held", ["new", "old"], "use").open("use").pod("x", "use", "impossible")


def used() -> Story:
    s = grown().wait(12).close("use").fact("added", {"uid": "new", "name": "new", "others": []}, "shrink")
    s.pod("w", "grow", "waiting", node="new", type="DELETED").fact("patience", {"seconds": 10.0, "stated": 0}, "shrink")
    return s.open("shrink")


def sound() -> Story:
    return used().wait(6).node("new", type="DELETED").close("shrink").fact("remaining", [], "shrink")


def outcome(s: Story, clause: str, **more: Any) -> tuple[Outcome, str]:
    found = next(f for f in verdict(s, **more).findings if f.clause == clause)
    return found.outcome, found.code


def verdict(s: Story, **more: Any) -> Verdict:
    return judge(s.recording(**more), Suite(version="0"))


def test_the_sound_history_passes_with_its_limit() -> None:
    found = verdict(sound())
    assert found.outcome is PASS, found.findings
    assert any("simulated nodes" in limit for limit in found.limits)


def test_nothing_seen_is_unknown() -> None:
    assert {f.outcome for f in verdict(Story()).findings} == {UNKNOWN}
    assert verdict(Story(), facts={}).outcome is UNKNOWN


def test_interrupted_is_never_a_pass() -> None:
    assert verdict(sound(), how=None).outcome is UNKNOWN


def test_not_allowed_is_said() -> None:
    s = Story().add("unable", "plan", {"code": "not-allowed", "because": "--allow scales"}, "plan")
    assert outcome(s, A) == (UNKNOWN, "not-allowed")


def nothing_came(**reading: Any) -> Story:
    said = {"signs": [], "blocked": [], "refused": [], **reading}
    return begun().wait(12).close("grow").fact("reading", said, "grow")


def test_no_node_fails_where_somebody_claims_that_it_scales() -> None:
    assert outcome(nothing_came(), A) == (FAIL, "")
    assert outcome(nothing_came(refused=["no group fits"]), A) == (FAIL, "")
    assert outcome(nothing_came(), A, facts=FACTS | {"claimed": NOBODY}) == (UNKNOWN, "mechanism-silent")


def test_no_node_and_no_autoscaler_is_unknown() -> None:
    silent = FACTS | {"claimed": NOBODY, "detected": {"usable": False, "because": "nothing"}}
    assert outcome(nothing_came(), A, facts=silent) == (UNKNOWN, "mechanism-not-found")
    # To name the accelerator does not say that there is an autoscaler; to name the mechanism does.
    named = silent | {"claimed": {"mechanism": False, "accelerator": True}}
    assert outcome(nothing_came(), A, facts=named) == (UNKNOWN, "mechanism-not-found")
    assert outcome(nothing_came(signs=["a status that nobody writes"]), A, facts=named) == (FAIL, "")
    both = silent | {"claimed": {"mechanism": True, "accelerator": True}}
    assert outcome(nothing_came(), A, facts=both) == (FAIL, "")


def test_a_machine_on_its_way_is_unknown() -> None:
    assert outcome(nothing_came(coming=["NodeClaim c has no node yet"]), A) == (UNKNOWN, "deadline")


def test_a_stated_limit_is_no_fault() -> None:
    assert outcome(nothing_came(blocked=["max node group size reached"]), A) == (UNKNOWN, "blocked-by")


def test_no_node_with_a_gap_or_too_short_a_look_is_unknown() -> None:
    s = begun().wait(6).add("watch.gap", "nodes", {"why": ""}).wait(6).close("grow")
    assert outcome(s, A) == (UNKNOWN, "api-lost")
    assert outcome(begun().wait(3).close("grow"), A) == (UNKNOWN, "deadline")
    assert outcome(begun().wait(30), A)[0] is UNKNOWN


def test_a_pod_that_waits_for_another_reason_proves_nothing() -> None:
    s = Story().add("watch.start", "nodes", {}).node("old").fact("before", {"nodes": {"old": "old"}}, "settled")
    s.open("grow").pod("w", "grow", "waiting", said="2 node(s) had untolerated taint(s)").wait(12).close("grow")
    assert outcome(s, A) == (UNKNOWN, "blocked-by")


def test_units_that_became_free_are_unknown() -> None:
    s = begun().wait(1).pod("w", "grow", "waiting", node="old", runs=True).close("grow")
    assert outcome(s, A) == (UNKNOWN, "capacity-changed")


def came_wrong(ready: bool = True, stay: float = 12) -> Story:
    return begun().wait(2).node("plain", units=None, ready=ready).wait(stay)


def test_nodes_without_the_accelerator() -> None:
    assert outcome(came_wrong().close("grow"), K) == (FAIL, "")
    assert outcome(came_wrong(ready=False).close("grow"), K) == (UNKNOWN, "deadline")
    assert outcome(came_wrong(stay=2).close("grow"), K) == (UNKNOWN, "deadline")
    assert outcome(came_wrong().stranger("theirs").close("grow"), K) == (UNKNOWN, "capacity-changed")
    assert outcome(came_wrong().stranger("agent", "DaemonSet").close("grow"), K) == (FAIL, "")


def test_a_stranger_that_waited_before_is_no_excuse() -> None:
    s = Story().add("watch.start", "nodes", {}).stranger("stuck")
    for o in came_wrong().close("grow").seen:
        s.seen.append(replace(o, seq=len(s.seen) + 1))
    assert outcome(s, K) == (FAIL, "")


def test_in_a_restless_cluster_a_node_proves_little() -> None:
    s = Story().add("watch.start", "nodes", {}).open("settled").wait(1).node("theirs").close("settled")
    for o in came_wrong().close("grow").seen:
        if o.step != "settled" or o.kind == "fact":
            s.seen.append(replace(o, seq=len(s.seen) + 1, t=o.t + 1))
    assert outcome(s, K) == (UNKNOWN, "capacity-changed")


TAINT = {"key": "example.com/agent", "effect": "NoSchedule"}


def tainted(startup: list[Any]) -> Story:
    s = begun().fact("tolerations", [], "grow").wait(2).node("new", taints=[TAINT]).wait(12).close("grow")
    return s.fact("reading", {"startup": startup}, "grow")


def test_a_startup_taint_that_stays_fails_and_an_unknown_one_does_not() -> None:
    assert outcome(tainted([TAINT]), R) == (FAIL, "")
    assert outcome(tainted([]), R) == (UNKNOWN, "blocked-by")


def test_a_node_that_goes_before_the_pod_ran() -> None:
    s = begun().wait(2).node("new").wait(1).node("new", type="DELETED").wait(12).close("grow")
    assert outcome(s, K) == (PASS, "")
    assert outcome(s, R) == (FAIL, "")


def test_units_taken_by_others_on_the_new_node() -> None:
    s = begun().wait(2).node("new").wait(12).close("grow").fact("free/new", {"free": 0}, "grow")
    assert outcome(s, R) == (UNKNOWN, "capacity-changed")


def opened(here: list[str], there: list[str] | None) -> Story:
    s = begun().wait(3).node("new", fake=False).pod("w", "grow", "waiting", node="new", runs=True).close("grow")
    for step, devices in (("fill", there), ("grow", here)):
        if devices is not None:
            answer = {"probe": "autoscaling/1", "opened": devices, "failed": {}}
            s.add("probe", f"{NS}/{step}/probe", answer, step)
    return s


def test_where_code_runs_the_device_must_open() -> None:
    assert outcome(opened(["/dev/a0"], None), R) == (PASS, "")
    assert outcome(opened([], ["/dev/a0"]), R) == (FAIL, "")
    assert outcome(opened([], []), R) == (UNKNOWN, "probe-missing")
    assert outcome(opened([], None), R) == (UNKNOWN, "probe-missing")
    stranger = FACTS | {"accelerator": FACTS["accelerator"] | {"recognised": False}}
    assert outcome(opened([], None), R, facts=stranger) == (PASS, "")


def test_a_simulated_node_shows_nothing_about_a_real_accelerator() -> None:
    story = begun().wait(3).node("new").pod("w", "grow", "waiting", node="new", runs=True).close("grow")
    for about, expected in (
        ({"vendor": "acme"}, (UNKNOWN, "simulated-node")),
        ({"vendor": "simulated"}, (PASS, "")),
        ({"vendor": "unknown", "recognised": False}, (PASS, "")),
    ):
        facts = FACTS | {"accelerator": FACTS["accelerator"] | about}
        assert outcome(story, R, facts=facts) == expected


def test_a_node_for_an_impossible_pod_counts_when_it_comes_twice() -> None:
    once = grown().wait(2).node("extra").close("use").open("use_again").pod("y", "use_again", "impossible").wait(12)
    assert outcome(once.close("use_again"), I) == (UNKNOWN, "capacity-changed")
    twice = grown().wait(2).node("extra").close("use").open("use_again").wait(2).node("more").close("use_again")
    assert outcome(twice, I) == (FAIL, "")
    theirs = grown().wait(2).node("extra").close("use").open("use_again").stranger("p").node("more").close("use_again")
    assert outcome(theirs, I) == (UNKNOWN, "capacity-changed")


def test_no_node_for_an_impossible_pod_needs_its_control_and_time() -> None:
    assert outcome(grown().wait(5).close("use"), I) == (UNKNOWN, "deadline")
    gap = grown().wait(5).add("watch.gap", "nodes", {"why": ""}).wait(9).close("use")
    assert outcome(gap, I) == (UNKNOWN, "api-lost")
    slow = DEADLINES | {"impossible": 1.0}
    assert outcome(grown().wait(2).close("use"), I, deadlines=slow) == (UNKNOWN, "deadline")
    bound = grown().pod("x", "use", "impossible", node="new").wait(12).close("use")
    assert outcome(bound, I) == (UNKNOWN, "capacity-changed")


def test_a_node_in_use_that_goes() -> None:
    assert outcome(grown().wait(3).node("new", type="DELETED").close("use"), U) == (FAIL, "")
    assert outcome(grown().wait(3).node("old", type="DELETED").close("use"), U) == (FAIL, "")
    early = begun().wait(3).node("new").pod("w", "grow", "waiting", node="new", runs=True).close("grow")
    early.node("new", type="DELETED").fact("held", ["new", "old"], "use").open("use").close("use")
    assert outcome(early, U) == (FAIL, "")
    broken = grown().wait(3).pod("w", "grow", "waiting", node="new", type="DELETED").node("new", type="DELETED")
    assert outcome(broken, U, how="failed")[0] is UNKNOWN
    spot = {"karpenter.sh/capacity-type": "spot"}
    s = grown().wait(3).node("new", type="DELETED", labels=spot).close("use")
    assert outcome(s, U) == (UNKNOWN, "capacity-changed")


@pytest.mark.parametrize(
    ("taints", "expected"),
    [
        ([], (UNKNOWN, "capacity-changed")),
        ([{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}], (UNKNOWN, "capacity-changed")),
        ([{"key": "vendor.example/to-be-deleted", "effect": "NoSchedule"}], (FAIL, "")),
    ],
)
def test_a_machine_that_fails_is_not_removed_by_anybody(taints: list[dict[str, str]], expected: Any) -> None:
    s = grown().wait(3).node("new", type="MODIFIED", ready=False, taints=taints)
    assert outcome(s.wait(1).node("new", type="DELETED", ready=False, taints=taints).close("use"), U) == expected


def stays(on: list[Any], keeps: list[str] | None = None, seconds: float = 12) -> Story:
    s = used().wait(seconds).close("shrink").fact("reading", {"keeps": keeps or []}, "shrink")
    return s.fact("on_node", on, "shrink")


def who(owner: str, phase: str = "Running") -> dict[str, str]:
    return {"pod": "other/p", "owner": owner, "phase": phase}


def test_a_node_that_stays() -> None:
    assert outcome(stays([who("DaemonSet"), who("Node"), who("Job", "Succeeded")]), D) == (FAIL, "")
    assert outcome(stays([who("ReplicaSet")]), D) == (UNKNOWN, "blocked-by")
    assert outcome(stays([], keeps=["a budget of zero"]), D) == (UNKNOWN, "blocked-by")
    assert outcome(stays([], seconds=5), D) == (UNKNOWN, "deadline")
    assert outcome(stays([]), U) == (UNKNOWN, "control-did-not-run")


@pytest.mark.parametrize(
    ("owner", "node", "expected"),
    [("Job", "new", (UNKNOWN, "blocked-by")), ("DaemonSet", "new", (FAIL, "")), ("Job", "old", (FAIL, ""))],
)
def test_a_node_that_others_visited_was_not_idle_all_the_time(owner: str, node: str, expected: Any) -> None:
    """A CronJob's pod begins the autoscaler's idle time anew, and has long ended when the node is looked at."""
    s = used().wait(5).stranger("tick", owner, node).wait(5).close("shrink").fact("reading", {}, "shrink")
    assert outcome(s.fact("on_node", [], "shrink"), D) == expected


def test_the_same_name_with_another_uid_is_another_node() -> None:
    s = used().wait(6).node("new", type="DELETED").node("new", "new-2", units=None).close("shrink")
    assert outcome(s, D) == (PASS, "")


def declared(against: list[str], **facts: Any) -> Verdict:
    s = Story().fact("against", against, "declared")
    return verdict(s, facts={"declared_none": True, "mechanism": "none", "against": [], "gaps": [], **facts})


def test_a_statement_counts_only_if_nothing_speaks_against_it() -> None:
    assert declared([]).outcome is Outcome.NOT_APPLICABLE
    assert declared(["karpenter: nodepools are served"]).outcome is UNKNOWN
    assert declared([], gaps=["nodes: forbidden"]).outcome is UNKNOWN


def inventory(*groups: str, accelerators: tuple[Accelerator, ...] = ()) -> Inventory:
    apis = tuple(
        ApiResource(group=g, version="v1", plural="nodepools", kind="NodePool", namespaced=False) for g in groups
    )
    node = Node(
        name="n", uid="n", ready=True, unschedulable=False, labels={}, taints=(), allocatable={}, kubelet="", runtime=""
    )
    return Inventory(server_version="v1.37.1", platform="", apis=apis, nodes=(node,), accelerators=accelerators)


SCALES = Options(allow=("scales",))


def test_the_plan_needs_leave_and_an_accelerator() -> None:
    (one,) = attempts(inventory("karpenter.sh"), Options(), "MUST")
    assert one.unable is not None and one.unable[0] == "not-allowed" and "--allow scales" in one.unable[1]
    (none,) = attempts(inventory("karpenter.sh"), SCALES, "MUST")
    assert none.unable is not None and none.unable[0] == "no-accelerator"
    named = replace(SCALES, accelerator=("example.com/accel",))
    (zero,) = attempts(inventory("karpenter.sh"), named, "MUST")
    assert zero.unable is None and zero.facts["accelerator"]["resource"] == "example.com/accel"
    assert zero.via == "karpenter" and zero.holds == ("added nodes",)
    assert zero.facts["claimed"] == {"mechanism": False, "accelerator": True}
    (silent,) = attempts(inventory(), named, "MUST")
    assert silent.via == "managed" and not silent.facts["detected"]["usable"]


@pytest.mark.parametrize("groups, against", [((), 0), (("karpenter.sh",), 1)])
def test_the_plan_of_a_statement_only_reads(groups: tuple[str, ...], against: int) -> None:
    (one,) = attempts(inventory(*groups), Options(mechanism={CHECK.requirement: "none"}), "MUST")
    assert one.disruption == "reads" and one.unable is None and len(one.facts["against"]) == against


def pool(**disruption: Any) -> dict[str, Any]:
    taints = [{"key": "a", "effect": "NoSchedule"}]
    template = {"spec": {"taints": taints, "startupTaints": []}}
    return {"metadata": {"name": "p"}, "spec": {"template": template, "disruption": disruption}}


def karpenter(pool_: dict[str, Any], *events: dict[str, Any]) -> Any:
    node = {"metadata": {"name": "n", "labels": {"karpenter.sh/nodepool": "p"}}}
    return KARPENTER.read(Scene(objects={"nodepools.karpenter.sh": [pool_]}, events=list(events), node=node))


def test_what_karpenter_says() -> None:
    assert karpenter(pool(consolidateAfter="1m30s")).delay == 115
    assert karpenter(pool(consolidateAfter="Never")).keeps
    assert karpenter(pool(budgets=[{"nodes": "0"}])).keeps
    assert not karpenter(pool(budgets=[{"nodes": "0", "reasons": ["Drifted"]}])).keeps
    assert karpenter(pool()).tolerate[0]["key"] == "a"
    event = {"source": {"component": "karpenter"}, "reason": "FailedScheduling"}
    assert karpenter(pool(), event | {"message": "all available instance types exceed limits"}).blocked
    assert karpenter(pool(), event | {"message": "incompatible with nodepool p"}).refused


def test_what_cluster_autoscaler_says() -> None:
    event = {"source": {"component": "cluster-autoscaler"}, "reason": "NotTriggerScaleUp"}
    full = event | {"message": "pod didn't trigger scale-up: 1 max node group size reached"}
    unfit = event | {"message": "pod didn't trigger scale-up: 2 Insufficient example.com/accel"}
    assert CA.read(Scene(events=[full])).blocked and not CA.read(Scene(events=[full])).refused
    assert CA.read(Scene(events=[unfit])).refused and not CA.read(Scene(events=[unfit])).blocked
    stranger = {"source": {"component": "kubelet"}, "reason": "NotTriggerScaleUp"}
    assert not CA.read(Scene(events=[stranger])).signs
