"""What porting a workload from one cluster to another came to."""

from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """What the target has of one need. RENAMED: it is there, and takes an edit."""

    THERE = "there"
    RENAMED = "renamed"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class PortEdit:
    """One change of a manifest. `path` is dotted; `before` and `after` are in YAML's flow style ("" for nothing)."""

    file: str
    object: str
    path: str
    before: str = ""
    after: str = ""
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class PortRow:
    """One need, what the target has of it, and the edits that it takes.

    `requirement` is the row of the checklist that gives such a thing, "" where none does. `wanted_by` names the
    objects, as "Job train (train.yaml)".
    """

    kind: str
    name: str
    status: Status
    because: str
    target: str = ""
    requirement: str = ""
    wanted_by: tuple[str, ...] = ()
    edits: tuple[PortEdit, ...] = field(default_factory=tuple)


@dataclass(frozen=True, kw_only=True)
class PortReport:
    """All needs of some manifests. `source` is "" if none was given. `notes` decide nothing.

    `status` is the worst of the rows': missing, else unknown, else renamed, else there. `diff` is a unified diff of
    every file that changes.
    """

    source: str
    target: str
    status: Status
    rows: tuple[PortRow, ...]
    notes: tuple[str, ...] = ()
    diff: str = ""
