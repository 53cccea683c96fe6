"""Which recorded observations a report carries, and how their bodies are cut to size. Pure."""

import json
from dataclasses import dataclass
from typing import Any

from aiconform.model import Observation, Outcome, Verdict
from aiconform.report.history import part
from aiconform.report.view import AttemptView

# Bytes of text: one observation, and all those of one report. The whole file then stays near 2 MB at most.
ONE = 20_000
ALL = 1_400_000
_ALWAYS = ("window.open", "window.close", "unable", "note", "fact", "watch.gap", "leftover", "redaction")
_WRITES = ("POST ", "PUT ", "PATCH ", "DELETE ")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One observation as it is shown. `by` names the clauses that cite it, `cut` counts characters left out."""

    observation: Observation
    by: tuple[str, ...]
    title: str
    text: str
    cut: int


@dataclass(frozen=True, kw_only=True)
class Records:
    """Those that are shown, in order of seq, and how many the recording holds beside them."""

    shown: tuple[Record, ...]
    omitted: int

    def __contains__(self, seq: object) -> bool:
        return any(r.observation.seq == seq for r in self.shown)


def cited(verdict: Verdict) -> dict[int, tuple[str, ...]]:
    """Seq number -> clauses that rest on it."""
    found: dict[int, tuple[str, ...]] = {}
    for f in verdict.findings:
        for seq in f.cites:
            found[seq] = (*found.get(seq, ()), f.clause)
    return found


def deciding(verdict: Verdict) -> frozenset[int]:
    """The seq numbers that a FAIL rests on."""
    return frozenset(s for f in verdict.findings if f.outcome is Outcome.FAIL for s in f.cites)


def choose(attempt: AttemptView, budget: int) -> Records:
    """Cited observations first, then what the suite measured, then what it wrote, until `budget` is spent."""
    if attempt.recording is None:
        return Records(shown=(), omitted=0)
    by = cited(attempt.verdict)
    seen = attempt.recording.observations
    ranked = sorted((o for o in seen if _rank(o, by) < 3), key=lambda o: (_rank(o, by), o.seq))
    shown: list[Record] = []
    # What a clause rests on is always shown, if need be cut short.
    limit = max(400, min(ONE, budget // max(1, len(by))))
    for o in ranked:
        record = _record(o, by.get(o.seq, ()), limit)
        if budget < len(record.text) and o.seq not in by:
            continue
        budget -= len(record.text) + len(record.title) + 400  # 400: the markup around one record
        shown.append(record)
    shown.sort(key=lambda r: r.observation.seq)
    return Records(shown=tuple(shown), omitted=len(seen) - len(shown))


def _rank(o: Observation, by: dict[int, tuple[str, ...]]) -> int:
    if o.seq in by:
        return 0
    if o.kind in _ALWAYS:
        return 1
    return 2 if o.kind == "call" and o.subject.startswith(_WRITES) else 3


def _record(o: Observation, by: tuple[str, ...], limit: int) -> Record:
    text = json.dumps(pruned(o.body), indent=1, sort_keys=True, ensure_ascii=False)
    over = max(0, len(text) - limit)
    return Record(observation=o, by=by, title=title(o), text=text[:limit], cut=over)


def title(o: Observation) -> str:
    """One line for an observation: what happened to what."""
    body = part(o.body)
    if o.kind == "watch":
        phase = part(body, "object", "status").get("phase", "")
        return f"{body.get('type', 'watch')} {o.subject}" + (f" · {phase}" if isinstance(phase, str) and phase else "")
    if o.kind == "call":
        return f"{o.subject} → {body.get('status', 'no answer')}"
    extra = body.get("why") or body.get("because") or (body.get("text") if o.kind == "note" else "")
    return f"{o.kind} {o.subject}" + (f": {str(extra)[:160]}" if extra else "")


def pruned(value: Any) -> Any:
    """A body without what tells a reader nothing: managedFields, and the copy that kubectl apply keeps."""
    if isinstance(value, dict):
        return {
            str(k): pruned(v)
            for k, v in value.items()
            if k not in ("managedFields", "kubectl.kubernetes.io/last-applied-configuration")
        }
    return [pruned(v) for v in value] if isinstance(value, (list, tuple)) else value
