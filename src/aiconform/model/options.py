"""What the user chose for a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiconform.model.check import Check, Deadline
from aiconform.model.operator import Operator

# A public image with python3 in it. Probes are scripts from ConfigMaps, so any such image will do.
PROBE_IMAGE = "docker.io/library/python:3.13-slim"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings of a run, after flags, file and defaults were put together.

    `accelerator`: ids or names (resource, device class, driver) of the accelerators to use; empty = all.
    `mechanism`: requirement -> the product or products that the user insists on. `deadlines`: "check.name" ->
    seconds, overriding a check's own. `allow`: opt-in parts ("extended", "scales"). `node_selector`: only nodes with
    these labels are used. `fast` shortens the windows of absences, and tries one mechanism where one is enough.
    `image_map` (FROM -> TO), `registry` (a prefix) and `pull_secret` ("NAMESPACE/NAME") say where images come from:
    see cluster/images.py. `operators` describe operators that no adapter knows. `metrics_url` is the base of a
    Prometheus HTTP API, `metrics_token_file` holds a bearer token for it.
    """

    checklist: str = ""
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    timeout_factor: float = 1.0
    accelerator: tuple[str, ...] = ()
    mechanism: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    probe_image: str = PROBE_IMAGE
    node_selector: dict[str, str] = field(default_factory=dict)
    deadlines: dict[str, float] = field(default_factory=dict)
    allow: tuple[str, ...] = ()
    image_map: dict[str, str] = field(default_factory=dict)
    registry: str = ""
    pull_secret: str = ""
    fast: bool = False
    operators: tuple[Operator, ...] = ()
    metrics_url: str = ""
    metrics_token_file: str = ""

    def mechanisms(self, check: str) -> tuple[str, ...]:
        """The products that the user insists on for a check, in the order given; none: whatever is found."""
        named = self.mechanism.get(check, ())
        return (named,) if isinstance(named, str) else named

    def _usual(self, deadline: Deadline) -> float:
        seconds = deadline.seconds * self.timeout_factor
        return min(seconds, deadline.fast) if self.fast and deadline.fast is not None else seconds

    def settings_for(self, check: Check) -> dict[str, Any]:
        """The settings that every attempt of a check records: its deadlines in seconds, and the choices."""
        own = {
            name: self.deadlines.get(f"{check.requirement}.{name}", self._usual(d))
            for name, d in check.deadlines.items()
        }
        return {
            "deadlines": own,
            "timeout_factor": self.timeout_factor,
            "probe_image": self.probe_image,
            "node_selector": self.node_selector,
            "allow": list(self.allow),
            "images": {"image_map": self.image_map, "registry": self.registry, "pull_secret": self.pull_secret},
        }
