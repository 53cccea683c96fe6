"""Builds hand-made histories for this check's tests: a sound attempt at an operator, to be taken apart."""

from dataclasses import replace
from typing import Any

from aiconform.checks.robust_controller.check import CHECK
from aiconform.checks.robust_controller.judge import judge
from aiconform.model import FORMAT, Ending, Observation, Recording, Suite, Verdict

SUITE = Suite(version="0")
CLAUSES = {c.id for c in CHECK.clauses}
HOOK: dict[str, Any] = {
    "configuration": "toys", "name": "toys.example.com", "mutating": False, "policy": "Fail", "match": "Equivalent",
    "rules": [{"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["toys"]}],
    "namespace_selector": {}, "object_selector": {}, "conditional": False, "service": "toys/webhook",
}  # fmt: skip
OPERATOR: dict[str, Any] = {
    "name": "toys",
    "valid": {"apiVersion": "example.com/v1", "kind": "Toy", "metadata": {"name": "${name}"}, "spec": {"size": 2}},
    "makes": [{"api": "batch/v1", "plural": "jobs"}],
    "pods": 2,
    "ready": {"conditions": ["Ready"]},
    "finish": {"conditions": ["Done"]},
    "failed": ["Failed"],
    "reports": ["BadToy"],
    "wrong": [{"why": "too small", "change": {"spec": {"size": -1}}}],
    "updates": [{"change": {"spec": {"size": 0}}, "pods": 0}, {"change": {"spec": {"size": 2}}, "pods": 2}],
}
WATCHED = ("pods", "events", "toys.example.com", "jobs.batch")


class History:
    """Collects observations, one second apart."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {
            "operator": OPERATOR,
            "resource": {"api": "example.com/v1", "plural": "toys", "kind": "Toy"},
        }
        self.seen: list[Observation] = []
        self.ending: Ending | None = Ending(how="complete", at="", t=999)

    def add(self, step: str, kind: str, subject: str, body: Any = None) -> "History":
        n = len(self.seen) + 1
        self.seen.append(Observation(seq=n, t=float(n), at="", step=step, kind=kind, subject=subject, body=body))
        return self

    def open(self, step: str) -> "History":
        return self.add(step, "window.open", step, {"why": ""})

    def close(self, step: str) -> "History":
        return self.add(step, "window.close", step, {})

    def call(
        self, step: str, verb: str, subject: str, status: int = 201, message: str = "", role: str = ""
    ) -> "History":
        meta = {"namespace": "ns", "labels": {"aiconform.dev/role": role}}
        request = {"apiVersion": "example.com/v1", "kind": "Toy", "metadata": meta}
        body = {"status": status, "request": request} | ({"message": message} if message else {})
        return self.add(step, "call", f"{verb} {subject}", body)

    def watch(self, plural: str, name: str, kind: str = "MODIFIED", *, owner: str = "", **obj: Any) -> "History":
        meta: dict[str, Any] = {"name": name, "namespace": "ns", "uid": f"uid-{name}", **obj.pop("meta", {})}
        if owner:
            meta["ownerReferences"] = [{"uid": f"uid-{owner}", "kind": "X"}]
        return self.add("", "watch", f"{plural}/ns/{name}", {"type": kind, "object": {"metadata": meta, **obj}})

    def toy(self, name: str, *conditions: str, kind: str = "MODIFIED", seen: int = 1, generation: int = 1) -> "History":
        status = {"observedGeneration": seen, "conditions": [{"type": c, "status": "True"} for c in conditions]}
        return self.watch("toys.example.com", name, kind, status=status, meta={"generation": generation})

    def pod(self, name: str, state: str = "running", *, owner: str = "", kind: str = "MODIFIED") -> "History":
        phase = "Succeeded" if state == "terminated" else "Running" if state else "Pending"
        status: dict[str, Any] = {"phase": phase}
        if state:
            status["containerStatuses"] = [{"name": "main", "state": {state: {}}}]
        return self.watch("pods", name, kind, owner=owner, spec={"nodeName": "n1"} if state else {}, status=status)

    def event(self, reason: str, name: str, message: str = "") -> "History":
        about = {"kind": "Toy", "name": name}
        return self.watch("events", f"e-{reason}-{len(self.seen)}", reason=reason, message=message, type="Warning",
                          involvedObject=about)  # fmt: skip

    # -- the parts of a sound attempt, in their order --------------------------------------------------------------

    def begun(
        self, hooks: list[dict[str, Any]] | None = None, installed: tuple[str, ...] = ("toys/operator",)
    ) -> "History":
        for plural in WATCHED:
            self.add("setup", "watch.start", f"{plural}/ns", {})
        found = {"hooks": [HOOK] if hooks is None else hooks, "namespace_labels": {}, "groups": ["example.com"]}
        self.add("hooks", "fact", "hooks", found)
        return self.add("own", "fact", "installed", list(installed))

    def own(self, *states: tuple[bool, int], step: str = "own") -> "History":
        self.add(step, "watch.start", "pods/toys", {})
        self.open(step)
        for ready, restarts in states or ((True, 3),):
            pod = {"pod": "toys/operator-1", "ready": ready, "restarts": restarts, "says": ""}
            self.add(step, "fact", "own", {"u": pod})
        return self.close(step)

    def refused(self, status: int = 400, message: str = "", control: int = 201, said: str = "") -> "History":
        denial = 'admission webhook "toys.example.com" denied the request: too small'
        self.call("control", "POST", "toys.example.com/ns/wrong-0", control, said, role="right-0")
        if control < 300:
            text = message or (denial if status == 400 else "")
            self.call("refuse", "POST", "toys.example.com/ns/wrong-0", status, text, role="wrong-0")
        return self

    def twins(self) -> "History":
        self.toy("stuck").watch("jobs.batch", "stuck-0", owner="stuck").pod("stuck-0-a", "", owner="stuck-0")
        self.toy("ending").watch("jobs.batch", "ending-0", owner="ending")
        for name in ("a", "b"):
            self.pod(f"ending-0-{name}", "terminated", owner="ending-0")
        return self.toy("ending", "Done")

    def made(self, *, pods: int = 2, job: str = "live-0", owner: str = "live") -> "History":
        self.open("make").toy("live").watch("jobs.batch", job, owner=owner)
        for name in "ab"[:pods]:
            self.pod(f"{job}-{name}", owner=job)
        return self.close("make")

    def stated(self, *conditions: str, truth: bool = True) -> "History":
        self.open("state").toy("live", *(conditions or ("Ready",))).close("state")
        if truth:
            self.open("truth").close("truth").open("finish").close("finish")
        return self

    def repaired(self, *, again: bool = True) -> "History":
        self.open("repair").add("repair", "fact", "taken", {"uid": "uid-live-0", "name": "live-0", "plural": "jobs"})
        self.watch("jobs.batch", "live-0", "DELETED", owner="live")
        for name in "ab":
            self.pod(f"live-0-{name}", owner="live-0", kind="DELETED")
        if again:
            self.watch("jobs.batch", "live-1", owner="live").pod("live-1-a", owner="live-1")
            self.pod("live-1-b", owner="live-1")
        return self.close("repair")

    def changed(self, *, follows: bool = True) -> "History":
        self.open("update-0").call("update-0", "PATCH", "toys.example.com/ns/live", 200)
        for name in "ab" if follows else "":
            self.pod(f"live-1-{name}", owner="live-1", kind="DELETED")
        self.close("update-0").open("update-1").call("update-1", "PATCH", "toys.example.com/ns/live", 200)
        for name in "cd" if follows else "":
            self.pod(f"live-1-{name}", owner="live-1")
        return self.close("update-1")

    def ended(self, *, left: str = "") -> "History":
        self.open("end").call("end", "DELETE", "toys.example.com/ns/live", 200)
        if left != "toy":
            self.toy("live", kind="DELETED")
        if left != "job":
            self.watch("jobs.batch", "live-1", "DELETED", owner="live")
        for name in "cd":
            self.pod(f"live-1-{name}", owner="live-1", kind="DELETED")
        return self.close("end")

    def canary(self, *, denied: int = 403, message: str = "", reached: bool = True, allowed: bool = True) -> "History":
        text = 'admission webhook "canary.aiconform.dev" denied the request: the canary says no: abc'
        said = {"text": "ok abc"} if reached else {"error": "timed out"}
        self.add("calling", "probe", "pods/ns/caller/probe", {"probe": "caller/1", **said})
        self.add("calling", "fact", "word", "abc").open("calling")
        self.call("calling-deny", "POST", "configmaps/ns/deny-me", denied, message or (text if denied == 403 else ""))
        if denied == 403 and allowed:
            self.call("calling-allow", "POST", "configmaps/ns/allow-me", 201)
        return self.close("calling")

    # -- verdicts ----------------------------------------------------------------------------------------------------

    def recording(self) -> Recording:
        return Recording(
            format=FORMAT, run="r", check=CHECK.requirement, via="toys", suite=SUITE,
            settings={"deadlines": {k: d.seconds for k, d in CHECK.deadlines.items()}}, facts=self.facts,
            observations=tuple(replace(o, seq=i) for i, o in enumerate(self.seen, 1)), ending=self.ending, sha256="0",
        )  # fmt: skip

    def judged(self) -> Verdict:
        return judge(self.recording(), SUITE)

    def says(self, clause: str) -> tuple[str, str]:
        """(outcome, code) of one clause."""
        found = next(f for f in self.judged().findings if f.clause == clause)
        assert found.code != "judge-crashed", found.because
        return found.outcome.value, found.code


def sound() -> History:
    """Everything went well, with the operator's own webhook."""
    return History().begun().refused().twins().made().stated().repaired().changed().ended().own()


def hookless() -> History:
    """The same without a webhook, and with the canary."""
    history = History().begun(hooks=[]).refused(status=201).open("report-0").toy("wrong-0")
    history.event("BadToy", "wrong-0").close("report-0")
    return history.twins().made().stated().repaired().changed().ended().canary().own()
