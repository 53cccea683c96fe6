"""What judges say, and what comes of it for a checklist."""

from dataclasses import dataclass, field
from typing import Any

from aiconform.model.outcome import Outcome
from aiconform.model.recording import Suite
from aiconform.model.requirement import Level


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One clause, judged. `because` is a sentence for a reader; `cites` are seq numbers it rests on.

    `code` names the kind of UNKNOWN (checks: `rbac-denied`, `no-accelerator`, ...); "" otherwise.
    """

    clause: str
    outcome: Outcome
    because: str
    cites: tuple[int, ...] = ()
    code: str = ""
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One recording, judged. `limits` say what a PASS does not prove; they are always shown.

    `recording` is the recording's sha256. `facts` are for the reader (node, mechanism version ...).
    """

    check: str
    via: str
    outcome: Outcome
    findings: tuple[Finding, ...]
    limits: tuple[str, ...]
    recording: str
    judged_by: Suite
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A human's statement in claims.yaml. It is printed beside a verdict and never mixed into it."""

    requirement: str
    says: str
    who: str
    when: str
    why: str
    layer: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One requirement of a checklist. `covered` is False if this version of the suite has no check for it."""

    requirement: str
    level: Level
    section: str
    summary: str
    outcome: Outcome
    because: str
    code: str = ""
    covered: bool = True
    via: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """A run, held against one checklist version."""

    checklist: str
    official_sha256: str
    run: str
    platform: str
    server_version: str
    rows: tuple[Row, ...]
    judged_by: Suite
    started: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
