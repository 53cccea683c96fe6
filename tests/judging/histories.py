"""Small recordings, made by hand."""

from typing import Any

from aiconform.model import FORMAT, Ending, Observation, Recording, Suite


class History:
    """Collects observations; `seq` and `t` count up by one."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def add(self, kind: str, subject: str, body: Any = None, step: str = "s") -> "History":
        n = len(self.seen) + 1
        self.seen.append(
            Observation(
                seq=n, t=float(n), at="2026-01-01T00:00:00.000Z", step=step, kind=kind, subject=subject, body=body
            )
        )
        return self

    def watch(self, subject: str = "pods/ns") -> "History":
        return self.add("watch.start", subject, {})

    def open(self, step: str = "s") -> "History":
        return self.add("window.open", step, {"why": ""}, step)

    def close(self, step: str = "s") -> "History":
        return self.add("window.close", step, {}, step)

    def pod(
        self, name: str, kind: str = "MODIFIED", *, node: str = "", phase: str = "Pending", state: str = ""
    ) -> "History":
        obj: dict[str, Any] = {
            "metadata": {
                "name": name,
                "namespace": "ns",
                "uid": f"uid-{name}",
                "labels": {"aiconform.dev/role": "member"},
            },
            "spec": {"nodeName": node} if node else {},
            "status": {"phase": phase},
        }
        if state:
            obj["status"]["containerStatuses"] = [{"name": "main", "state": {state: {}}}]
        return self.add("watch", f"pods/ns/{name}", {"type": kind, "object": obj})

    def recording(self, how: str | None = "complete", **more: Any) -> Recording:
        ending = None if how is None else Ending(how=how, at="", t=float(len(self.seen)))  # type: ignore[arg-type]
        values: dict[str, Any] = {
            "format": FORMAT,
            "run": "r",
            "check": "c",
            "via": "v",
            "suite": Suite(version="0"),
            "settings": {"deadlines": {}},
            "facts": {},
            "observations": tuple(self.seen),
            "ending": ending,
            "sha256": "0" * 64,
        }
        return Recording(**(values | more))
