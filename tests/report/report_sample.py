"""A hand-made run for the report's tests: two mechanisms (one fails), one accelerator, rows without a check."""

from typing import Any

from aiconform.model import (
    FORMAT,
    Assessment,
    Check,
    Checklist,
    Claim,
    Clause,
    Deadline,
    Ending,
    Finding,
    Observation,
    Outcome,
    Permission,
    Recording,
    Row,
    Suite,
    Verdict,
)

SUITE = Suite(version="0.1.0", commit="3f2c9ab")
NS = "aiconform-gang-x7f2q"


class History:
    """Writes observations in order, as a recorder would."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def see(self, t: float, step: str, kind: str, subject: str, body: Any = None) -> int:
        minute, second = divmod(t, 60)
        at = f"2026-01-02T10:{int(minute):02d}:{second:06.3f}Z"
        seq = len(self.seen) + 1
        self.seen.append(Observation(seq=seq, t=t, at=at, step=step, kind=kind, subject=subject, body=body))
        return seq

    def pod(self, t: float, step: str, name: str, role: str, kind: str = "MODIFIED", **more: Any) -> int:
        obj = pod(name, step, role, **more)
        return self.see(t, step, "watch", f"pods/{NS}/{name}", {"type": kind, "object": obj})

    def life(
        self, step: str, name: str, role: str, created: float, bound: float, runs: float, ends: float
    ) -> list[int]:
        return [
            self.pod(created, step, name, role, "ADDED"),
            self.pod(bound, step, name, role, node="lab-node-1"),
            self.pod(runs, step, name, role, node="lab-node-1", phase="Running"),
            self.pod(ends, step, name, role, "DELETED", node="lab-node-1", phase="Succeeded"),
        ]


def pod(name: str, step: str, role: str, node: str = "", phase: str = "Pending") -> dict[str, Any]:
    state = {"running": {"startedAt": "2026-01-02T10:00:00Z"}} if phase == "Running" else {"waiting": {}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": NS,
            "uid": f"uid-{step}-{name}",
            "labels": {"aiconform.dev/step": step, "aiconform.dev/role": role, "aiconform.dev/run": "k3x9"},
            "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
        },
        "spec": {
            "containers": [{"name": "probe", "image": "docker.io/library/python:3.13-slim"}],
            **({"nodeName": node} if node else {}),
            "schedulingGroup": {"podGroupName": "short"},
        },
        "status": {
            "phase": phase,
            "containerStatuses": [{"name": "probe", "state": state}] if node else [],
            "conditions": []
            if node
            else [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": "0/2 nodes are available: 1 Insufficient accelerators",
                }
            ],
        },
    }


GANG = Check(
    requirement="gang_scheduling",
    title="Gang scheduling",
    over="some mechanism",
    disruption="creates",
    minutes=6,
    accelerators=(2, 4),
    permissions=(Permission(group="", resources=("pods",), verbs=("create", "list"), why="the members"),),
    deadlines={"window": Deadline(seconds=90, reason="longer than a Permit wait of 60 s")},
    clauses=(
        Clause(id="starts_the_whole_gang", sentence="The platform starts every member of a gang that fits."),
        Clause(
            id="starts_none_when_short",
            sentence="The platform starts no member of a gang while there is no room for all of it.",
            control="plain pods of the same shape ran on the same node at the same free capacity",
            remedy="Turn on the gang plugin of the scheduler, and check that the pods reach it with their group.",
        ),
        Clause(
            id="starts_it_when_room_returns",
            sentence="The platform starts the waiting gang once there is room for all of it.",
        ),
        Clause(
            id="finishes_two_competing_gangs",
            sentence="The platform finishes two gangs that compete for room that only one of them has.",
            optional=True,
            when="asked for with --allow extended",
        ),
    ),
    page="How gangs are proved.",
)
ACCESS = Check(
    requirement="secure_accelerator_access",
    title="Secure accelerator access",
    over="every accelerator",
    disruption="creates",
    minutes=3,
    permissions=(),
    deadlines={},
    clauses=(
        Clause(
            id="gives_nothing_without_a_request",
            sentence="The platform gives no accelerator to a pod that did not ask for one.",
            control="a pod that asked for one on the same node opened its device",
            remedy="Remove the default runtime's device injection: see NVIDIA_VISIBLE_DEVICES handling.",
        ),
    ),
)
CHECKS = {c.requirement: c for c in (GANG, ACCESS)}


def gang_recording(name: str = "native", *, splits: bool = False) -> tuple[Recording, dict[str, list[int]]]:
    """A gang attempt. With `splits` two members of the short gang are bound without the others."""
    h, cites = History(), {}
    h.see(0.1, "setup", "call", f"POST namespaces/{NS}", {"status": 201, "ms": 12, "request": {"kind": "Namespace"}})
    h.see(0.4, "setup", "watch.start", f"pods/{NS}", {"resourceVersion": "812", "group": "", "version": "v1"})
    h.life("canary", "canary", "canary", 0.6, 0.7, 2.1, 3.0)
    cites["fact"] = [h.see(3.1, "plan", "fact", "free/lab-node-1", {"advertised": 4, "used": 0, "free": 4})]
    whole = [h.life("whole_gang", f"whole-{i}", "member", 4 + i / 10, 5, 7 + i / 5, 20) for i in range(4)]
    cites["whole"] = [w[2] for w in whole]
    h.pod(22, "blocker", "blocker", "blocker", "ADDED")
    h.pod(22.3, "blocker", "blocker", "blocker", node="lab-node-1")
    h.pod(24, "blocker", "blocker", "blocker", node="lab-node-1", phase="Running")
    for i in range(3):
        h.life("control", f"plain-{i}", "control", 26 + i / 10, 26.5, 29, 40)
    h.pod(26.3, "control", "plain-3", "control", "ADDED")
    h.pod(40.2, "control", "plain-3", "control", "DELETED")
    first = h.see(41, "short_gang", "window.open", "short_gang", {"why": "no member may be bound from here on"})
    cites["short"] = [first]
    for i in range(4):
        h.pod(41.2 + i / 10, "short_gang", f"short-{i}", "member", "ADDED")
    if splits:
        cites["split"] = [h.pod(55 + i, "short_gang", f"short-{i}", "member", node="lab-node-1") for i in range(2)]
        h.pod(58, "short_gang", "short-0", "member", node="lab-node-1", phase="Running")
    h.see(80, "short_gang", "note", "waiting", {"text": "the scheduler says: <b>gang</b> is short & waits"})
    cites["short"].append(h.see(131, "short_gang", "window.close", "short_gang", {}))
    gone = h.see(132, "release", "call", f"DELETE pods/{NS}/blocker", {"status": 200, "ms": 4})
    h.pod(133, "blocker", "blocker", "blocker", "DELETED", node="lab-node-1")
    cites["release"] = [gone] + [
        h.pod(150 + i / 4, "short_gang", f"short-{i}", "member", node="lab-node-1", phase="Running") for i in range(4)
    ]
    if splits:
        h.see(152, "release", "watch.gap", f"pods/{NS}", {"why": "410 Gone: the server had dropped its history"})
    for i in range(4):
        h.pod(170 + i, "short_gang", f"short-{i}", "member", "DELETED", node="lab-node-1", phase="Succeeded")
    ending = Ending(how="complete", at="2026-01-02T10:03:02.000Z", t=182.0, leftovers=())
    digest = ("a" if splits else "b") * 64
    return _recording("gang_scheduling", name, tuple(h.seen), ending, digest), cites


def _recording(check: str, via: str, seen: tuple[Observation, ...], ending: Ending | None, digest: str) -> Recording:
    return Recording(
        format=FORMAT,
        run="k3x9",
        check=check,
        via=via,
        suite=SUITE,
        settings={"deadlines": {"window": 90}},
        facts={},
        observations=seen,
        ending=ending,
        sha256=digest,
    )


def gang_verdict(rec: Recording, cites: dict[str, list[int]], *, splits: bool) -> Verdict:
    short = (
        Finding(
            clause="starts_none_when_short",
            outcome=Outcome.FAIL,
            because="2 of 4 members were bound while there was room for 3: short-0 at 55.0 s, short-1 at 56.0 s.",
            cites=tuple(cites["split"]),
            remedy=GANG.clause("starts_none_when_short").remedy,
        )
        if splits
        else Finding(
            clause="starts_none_when_short",
            outcome=Outcome.PASS,
            because="All 4 members waited for 90 s with room for 3, watched without a gap, while 3 plain pods ran.",
            cites=tuple(cites["short"]),
        )
    )
    return Verdict(
        check="gang_scheduling",
        via=rec.via,
        outcome=Outcome.FAIL if splits else Outcome.PASS,
        findings=(
            Finding(
                clause="starts_the_whole_gang",
                outcome=Outcome.PASS,
                because="All 4 members ran 7.6 s after the first was created.",
                cites=tuple(cites["whole"]),
            ),
            short,
            Finding(
                clause="starts_it_when_room_returns",
                outcome=Outcome.PASS,
                because="All 4 members ran 18.7 s after the blocker was deleted.",
                cites=tuple(cites["release"]),
            ),
            Finding(
                clause="finishes_two_competing_gangs",
                outcome=Outcome.UNKNOWN,
                because="This part was not asked for.",
                code="not-asked-for",
            ),
        ),
        limits=("atomicity: placement", "one node"),
        recording=rec.sha256,
        judged_by=SUITE,
        facts={"node": "lab-node-1", "gang_size": 4, "mechanism": "Kubernetes v1.37.1 PodGroup"},
    )


def access(outcome: Outcome = Outcome.FAIL) -> tuple[Recording, Verdict]:
    h = History()
    h.life("granted", "holder", "holder", 1, 1.2, 3, 20)
    h.pod(4, "ungranted", "bare", "bystander", "ADDED")
    h.pod(4.2, "ungranted", "bare", "bystander", node="lab-node-1")
    h.pod(6, "ungranted", "bare", "bystander", node="lab-node-1", phase="Running")
    seq = h.see(8, "ungranted", "probe", f"pods/{NS}/bare/probe", {"devices": [{"path": "/dev/sim0", "open": "ok"}]})
    ending = None if outcome is Outcome.UNKNOWN else Ending(how="complete", at="2026-01-02T10:00:22.000Z", t=22)
    rec = _recording("secure_accelerator_access", "dra-sim-a100", tuple(h.seen), ending, "c" * 64)
    said = {
        Outcome.FAIL: "The pod without a request opened /dev/sim0 (major 4, minor 20).",
        Outcome.PASS: "The pod without a request found no device, and the holder opened its own.",
        Outcome.UNKNOWN: "The suite was stopped before it had finished.",
    }[outcome]
    finding = Finding(
        clause="gives_nothing_without_a_request",
        outcome=outcome,
        because=said,
        cites=(seq,),
        code="interrupted" if outcome is Outcome.UNKNOWN else "",
        remedy=ACCESS.clauses[0].remedy if outcome is Outcome.FAIL else "",
    )
    verdict = Verdict(
        check="secure_accelerator_access",
        via="dra-sim-a100",
        outcome=outcome,
        findings=(finding,),
        limits=("simulated accelerators",),
        recording=rec.sha256,
        judged_by=SUITE,
        facts={"units": 4},
    )
    return rec, verdict


def assessment(checklist: Checklist, outcomes: dict[str, Row]) -> Assessment:
    rows = tuple(
        outcomes.get(r.id)
        or Row(
            requirement=r.id,
            level=r.level,
            section=r.section,
            summary=r.summary,
            outcome=Outcome.UNKNOWN,
            because="There is no check for it in this version.",
            code="no-check",
            covered=False,
        )
        for r in checklist.requirements
    )
    return Assessment(
        checklist=checklist.version,
        official_sha256=checklist.official_sha256,
        run="k3x9",
        platform="Example Platform 4.2",
        server_version="v1.37.1",
        rows=rows,
        judged_by=SUITE,
        started="2026-01-02T10:00:00Z",
        facts={
            "nodes": 2,
            "accelerators": [{"model": "sim-a100", "form": "dra", "units": 4}],
            "container_runtime": "containerd 2.3",
        },
    )


def row(checklist: Checklist, requirement: str, outcome: Outcome, because: str, **more: Any) -> Row:
    r = checklist.requirement(requirement)
    assert r is not None
    return Row(
        requirement=r.id, level=r.level, section=r.section, summary=r.summary, outcome=outcome, because=because, **more
    )


CLAIM = Claim(
    requirement="cluster_autoscaling",
    says="NOT_APPLICABLE",
    who="Jo Example",
    when="2026-01-01",
    why="The platform runs on a fixed set of machines.",
    layer="the machine room",
)
