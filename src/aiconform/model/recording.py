"""What an attempt left on disk, as judges see it."""

from dataclasses import dataclass, field
from typing import Any, Literal

FORMAT = "aiconform.dev/recording/v1"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One thing that was seen or done, written when it happened and never changed.

    `seq` counts from 1 without holes; `t` is monotonic seconds since the attempt began; `at` is UTC.
    `step` is the check's own step. Large bodies lie in `blobs/<blob>` (named by sha256) instead of `body`.

    Kinds, with what `subject` and `body` hold:

    ============ ======================= ==========================================================
    call         "POST pods/ns/name"     {status, request?, response?, message?, reason?, ms}
    watch        "pods/ns/name"          {type: ADDED|MODIFIED|DELETED, object}
    watch.start  "pods/ns" or "nodes"    {group, version, resourceVersion, selector}
    watch.gap    same                    {why}: events may have been missed before this point
    watch.end    same                    {why}
    window.open  step                    {why}: from here on an absence is meaningful
    window.close step                    {}
    probe        "pods/ns/name/container" the JSON that a probe printed
    exec         same                    {command, stdout, stderr, exit}
    log          same                    {text}
    http         "GET http://..."        {status, headers, body}
    fact         a name                  anything the check measured, e.g. free units on a node
    unable       step                    {code, because}: this step could not be tried
    note         a name                  {text}: for the reader; no judge depends on it
    redaction    rule                    {count}: what was left out of the next observation, by which rule
    leftover     "pods/ns/name"          {}: still there after cleanup
    ============ ======================= ==========================================================
    """

    seq: int
    t: float
    at: str
    step: str
    kind: str
    subject: str
    body: Any = None
    blob: str | None = None


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Which aiconform made or judged something. `commit` is "" for an installed release."""

    version: str
    commit: str = ""


@dataclass(frozen=True, kw_only=True)
class Begin:
    """`begin.json`: written before anything is touched."""

    format: str
    run: str
    check: str
    via: str
    suite: Suite
    settings: dict[str, Any]
    facts: dict[str, Any]
    at: str


@dataclass(frozen=True, kw_only=True)
class Ending:
    """`end.json`. `failed` carries the suite's own error; a recording without this file was interrupted."""

    how: Literal["complete", "failed", "interrupted"]
    at: str
    t: float
    error: str = ""
    code: str = ""
    leftovers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recording:
    """All of one attempt. `sha256` is over the names and digests of its files.

    `observations` have their blobs loaded into `body`. `ending` is None if the suite was killed.
    """

    format: str
    run: str
    check: str
    via: str
    suite: Suite
    settings: dict[str, Any]
    facts: dict[str, Any]
    observations: tuple[Observation, ...]
    ending: Ending | None
    sha256: str
    damage: tuple[str, ...] = field(default=())

    def deadline(self, name: str) -> float:
        """Seconds, as used in this run."""
        return float(self.settings["deadlines"][name])
