"""A whole run, as `run.json` and the plan describe it."""

from dataclasses import dataclass, field
from typing import Any

from aiconform.model.options import Options
from aiconform.model.recording import FORMAT, Suite


@dataclass(frozen=True, kw_only=True)
class Run:
    """`run.json`: what was run, when, with which settings, and which attempts were planned.

    `id` is on every object that the run made, as label aiconform.dev/run. `at` is UTC. `platform` and
    `context` name the cluster; its address and user are not recorded.
    """

    id: str
    at: str
    platform: str
    context: str
    server_version: str
    checklist: str
    suite: Suite
    options: Options
    attempts: tuple[str, ...]
    format: str = FORMAT
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Slot:
    """When an attempt runs: after `after`, which hold something it needs; beside `beside`, which do not.

    In its middle it waits for `turn`, which hold something that it needs only then.
    `minutes` is when it is expected to start, from the beginning of the run. `why` is for the reader.
    """

    attempt: str
    after: tuple[str, ...]
    beside: tuple[str, ...]
    turn: tuple[str, ...] = ()
    minutes: float
    why: str
