"""Builds hand-made histories for this check's tests."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiconform.checks.secure_accelerator_access.check import CHECK
from aiconform.checks.secure_accelerator_access.judge import judge
from aiconform.model import FORMAT, Ending, Observation, Recording, Suite, Verdict

NODE = "n1"
SUITE = Suite(version="0")
CLAUSES = {c.id for c in CHECK.clauses}
HINTS = {"hint_env": {"SIM_VISIBLE": "all"}, "device_paths": ["/dev/sim[0-9]*"]}


def node(n: int, result: str = "ok", *, path: str = "", kind: str = "device") -> dict[str, Any]:
    pattern = "/dev/sim[0-9]*" if kind == "device" else ""
    return {"path": path or f"/dev/sim{n}", "major": 4, "minor": n, "kind": kind, "pattern": pattern, "open": result}


def body(*nodes: dict[str, Any], told: list[str] | None = None, made: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "probe": "devices/1",
        "kernel": "6.1",
        "nodes": list(nodes),
        "made": made or {"control": "ok", "folder": "/dev", "results": {"EPERM": [[4, 60], [4, 61]]}},
        "told": {"names": [], "identity": told or [], "command": None},
    }


class History:
    """A sound recording of three holders on a node with four units; tests take it apart."""

    def __init__(self, form: str = "dra") -> None:
        self.facts: dict[str, Any] = {
            "node": NODE,
            "kernel": "6.1",
            "accelerator": {
                "id": f"sim-{form}", "form": form, "recognised": True, "shared": False, "hints": copy.deepcopy(HINTS),
                "resource": "", "device_class": "c", "driver": "d", "model": "",
            },
        }  # fmt: skip
        self.seen: list[Observation] = []
        self.ending: Ending | None = Ending(how="complete", at="", t=99)

    def add(self, step: str, kind: str, subject: str, what: Any = None) -> Observation:
        seq = len(self.seen) + 1
        o = Observation(seq=seq, t=float(seq), at="", step=step, kind=kind, subject=subject, body=what)
        self.seen.append(o)
        return o

    def pod(self, step: str, name: str, *states: str, ns: str = "a", role: str = "") -> None:
        """The pod goes through these states: Pending, Running, DELETED."""
        for state in states or ("Running",):
            status: dict[str, Any] = {"phase": state if state != "DELETED" else "Running"}
            if state != "Pending":
                status["containerStatuses"] = [{"name": name, "state": {"running": {}}}]
            labels = {"aiconform.dev/step": step, "aiconform.dev/role": role or step}
            meta = {"name": name, "namespace": ns, "uid": f"{ns}/{name}", "labels": labels}
            obj = {"metadata": meta, "spec": {"nodeName": NODE} if state != "Pending" else {}, "status": status}
            kind = "DELETED" if state == "DELETED" else "MODIFIED"
            self.add(step, "watch", f"pods/{ns}/{name}", {"type": kind, "object": obj})

    def probe(self, step: str, pod: str, container: str, answer: dict[str, Any], ns: str = "a") -> None:
        self.add(step, "probe", f"pods/{ns}/{pod}/{container}", answer)

    def claim(self, status: int, *, admin: bool, kept: bool = True, message: str = "") -> None:
        def made(with_admin: bool) -> dict[str, Any]:
            return {"spec": {"devices": {"requests": [{"exactly": {"adminAccess": True} if with_admin else {}}]}}}

        answer = made(admin and kept) if status < 300 else {}
        call = {"status": status, "request": made(admin), "response": answer, "message": message}
        self.add("admin", "call", "POST resourceclaims.resource.k8s.io/a/admin", call)

    def start(self, free: int = 4) -> "History":
        self.add("", "watch.start", "pods/a", {})
        self.add("", "watch.start", "pods/b", {})
        self.add("canary", "fact", f"free/{NODE}", {"free": free, "advertised": free, "held": 0})
        self.pod("holder", "holder", role="holder")
        return self

    def held(self, *nodes: dict[str, Any], told: list[str] | None = None) -> "History":
        self.probe("holder", "holder", "holder", body(*(nodes or (node(0),)), told=told or ["u0"]))
        self.probe("holder", "holder", "neighbour", body())
        return self

    def beside(self, *, second: bool = True) -> "History":
        if self.facts["accelerator"]["form"] == "dra":
            self.claim(201, admin=False)
            self.claim(422, admin=True, message="admin access needs a label")
            self.pod("foreign", "foreign", "Pending", ns="b")
            self.add("foreign", "window.open", "foreign", {"why": ""})
        self.pod("plain", "plain", role="plain")
        self.probe("plain", "plain", "plain", body())
        if second:
            self.probe("second", "second", "second", body(node(1), told=["u1"]))
        self.pod("hint", "hint-0", role="default")
        self.probe("hint", "hint-0", "hint", body(told=["all"]))
        if self.facts["accelerator"]["form"] == "dra":
            self.seen.append(replace(self.add("foreign", "window.close", "foreign", {}), seq=len(self.seen), t=500.0))
            self.seen.pop(-2)
        return self

    def released(self, *later: dict[str, Any], running: int | None = None) -> "History":
        answers = later or tuple(body(node(i), told=[f"u{i}"]) for i in range(2))
        self.pod("holder", "holder", "DELETED", role="holder")
        self.pod("plain", "plain", "DELETED", role="plain")
        self.add("release", "fact", "release", {"waited_out": False})
        for i, answer in enumerate(answers):
            ran = running is None or i < running
            self.pod("reuse", f"reuse-{i}", "Running" if ran else "Pending", ns="b")
            if ran:
                self.probe("reuse", f"reuse-{i}", "reuse", answer, ns="b")
        held = len(answers) if running is None else running
        self.add("reuse", "fact", f"free/{NODE}", {"free": 0, "advertised": 4, "held": held})
        self.add("reuse", "fact", "reuse", {"asked": len(answers), "ran": held, "bound": held, "free": 0})
        return self

    def judged(self) -> Verdict:
        deadlines = {k: d.seconds for k, d in CHECK.deadlines.items()}
        observations = tuple(replace(o, seq=i) for i, o in enumerate(self.seen, 1))
        return judge(
            Recording(
                format=FORMAT, run="r", check=CHECK.requirement, via="sim", suite=SUITE,
                settings={"deadlines": deadlines}, facts=self.facts, observations=observations, ending=self.ending,
                sha256="0",
            ),
            SUITE,
        )  # fmt: skip

    def says(self, clause: str) -> tuple[str, str]:
        """(outcome, code) of one clause."""
        found = next(f for f in self.judged().findings if f.clause == clause)
        assert found.code != "judge-crashed", found.because
        return found.outcome.value, found.code


def sound(form: str = "dra") -> History:
    return History(form).start().held().beside().released()


def without(history: History, test: Callable[[Observation], bool]) -> History:
    history.seen = [o for o in history.seen if not test(o)]
    return history
