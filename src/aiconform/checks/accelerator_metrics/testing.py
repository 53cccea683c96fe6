"""Builds hand-made histories for this check's tests."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from aiconform.checks.accelerator_metrics.check import CHECK
from aiconform.checks.accelerator_metrics.judge import judge
from aiconform.checks.accelerator_metrics.via import vendors
from aiconform.model import FORMAT, Ending, Observation, Recording, Suite, Verdict

NODE, MIB, SIZE = "n1", 2**20, 256
SUITE = Suite(version="0")
CLAUSES = {c.id for c in CHECK.clauses}
SUBJECT = "GET pods/exporter:9400/metrics"
# Device -> (utilisation in percent, memory in MiB).
Values = Mapping[str, tuple[float | None, float | None]]


def text(values: Values, labels: str = "") -> str:
    """What an exporter with DCGM's names says of these devices."""
    lines = ["# HELP DCGM_FI_DEV_GPU_UTIL u", "# TYPE DCGM_FI_DEV_GPU_UTIL gauge"]
    for name, at in (("DCGM_FI_DEV_GPU_UTIL", 0), ("DCGM_FI_DEV_FB_USED", 1)):
        for device, pair in values.items():
            if pair[at] is not None:
                lines.append(f'{name}{{UUID="{device}"{labels}}} {pair[at]:g}')
    return "\n".join([*lines, ""])


def idle(count: int = 4, **changed: tuple[float | None, float | None]) -> Values:
    return {f"d{i}": changed.get(f"d{i}", (0.0, 0.0)) for i in range(count)}


class History:
    """A sound recording of a load on d0, one of four devices; tests take it apart."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {
            "node": NODE, "units": 4, "nodes": 1,
            "accelerator": {"id": "sim", "form": "dra", "shared": False, "driver": "d", "resource": ""},
            "families": [asdict(f) for v in vendors() for f in v.families],
        }  # fmt: skip
        self.seen: list[Observation] = []
        self.ending: Ending | None = Ending(how="complete", at="", t=999)
        self.t = 0.0
        self.source: dict[str, Any] = {
            "kind": "exporter",
            "name": "exporter",
            "subject": SUBJECT,
            "where": {},
            "families": ["dcgm"],
        }

    def add(self, step: str, kind: str, subject: str, what: Any = None, seconds: float = 1.0) -> Observation:
        self.t += seconds
        seq = len(self.seen) + 1
        o = Observation(seq=seq, t=self.t, at="", step=step, kind=kind, subject=subject, body=what)
        self.seen.append(o)
        return o

    def found(self, **more: Any) -> "History":
        self.source |= more
        self.add("find", "fact", "sources", [self.source])
        return self

    def says(self, step: str, *values: Values | str, seconds: float = 10.0, status: int = 200) -> "History":
        for v in values:
            body = v if isinstance(v, str) else text(v)
            answer = {"status": status, "headers": {"content-type": "text/plain"}, "body": body}
            self.add(step, "http", str(self.source["subject"]), answer, seconds)
        return self

    def free(self, step: str, held: int) -> "History":
        self.add(step, "fact", f"free/{NODE}", {"free": 4 - held, "advertised": 4, "held": held})
        return self

    def holder(self, state: str) -> "History":
        kind = "DELETED" if state == "DELETED" else "MODIFIED"
        meta = {"name": "holder", "namespace": "a", "uid": "u", "labels": {"aiconform.dev/role": "holder"}}
        obj = {"metadata": meta, "spec": {"nodeName": NODE}, "status": {"phase": "Running"}}
        self.add("hold", "watch", "pods/a/holder", {"type": kind, "object": obj})
        return self

    def burner(self, phase: str, busy: float = 1.0, **more: Any) -> "History":
        body = {
            "probe": "burner/1", "phase": phase, "identities": ["d0"], "error": "",
            "bytes": SIZE * MIB if phase == "load" else 0, "busy": busy if phase == "load" else 0.0,
        }  # fmt: skip
        self.add(phase, "probe", "pods/a/holder/probe", body | more)
        return self

    def began(self, before: Values | str | None = None, held: int = 0) -> "History":
        self.found().says("baseline", *[before or idle()] * 3)
        return self.free("canary", held).holder("Running")

    def idled(self, *values: Values | str) -> "History":
        for v in values or (idle(d0=(1.0, 10.0)),) * 5:
            self.burner("idle").says("idle", v)
        return self.burner("idle")

    def loaded(self, *values: Values | str, busy: float = 1.0, held: int = 1, **more: Any) -> "History":
        for v in values or (idle(d0=(99.0, 10.0 + SIZE)),) * 10:
            self.burner("load", busy, **more).says("load", v, seconds=12.0)
        return self.burner("load", busy, **more).free("load", held)

    def released(self, *values: Values | str, held: int = 0) -> "History":
        self.holder("DELETED")
        return self.says("release", *(values or (idle(),)), seconds=100.0).free("release", held)

    def recording(self) -> Recording:
        deadlines = {k: d.seconds for k, d in CHECK.deadlines.items()}
        observations = tuple(replace(o, seq=i) for i, o in enumerate(self.seen, 1))
        return Recording(
            format=FORMAT, run="r", check=CHECK.requirement, via="sim", suite=SUITE,
            settings={"deadlines": deadlines}, facts=self.facts, observations=observations, ending=self.ending,
            sha256="0",
        )  # fmt: skip

    def judged(self) -> Verdict:
        return judge(self.recording(), SUITE)

    def of(self, clause: str) -> tuple[str, str]:
        """(outcome, code) of one clause."""
        found = next(f for f in self.judged().findings if f.clause == clause)
        assert found.code != "judge-crashed", found.because
        return found.outcome.value, found.code

    def failing(self) -> set[str]:
        crashed = [f.because for f in self.judged().findings if f.code == "judge-crashed"]
        assert not crashed, crashed
        return {f.clause for f in self.judged().findings if f.outcome == "FAIL"}


def sound() -> History:
    return History().began().idled().loaded().released()
