"""API requests and bytes of each check of a run, from what the run itself recorded.

    python bench/api_requests.py RUN [RUN ...] [--json]

`requests`, `retries` (which come on top) and the bytes are the counts that each attempt records of itself at its end
(fact "calls"). Requests are all calls and the opening of every watch; bytes are those of bodies, without headers, and
without what arrives on watches and other streams. An attempt that was interrupted has no such fact: then the recorded
calls are counted, which are fewer, and marked ">=". `watched` are the objects that came by watches, `slowest ms` is the
longest call.
"""

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiconform.evidence import store
from aiconform.evidence.errors import EvidenceError
from aiconform.model import Recording

HEAD = ("attempt", "seconds", "requests", "retries", "sent KiB", "received KiB", "by verb", "watched", "slowest ms")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One attempt. `sure` is False if the counts come from recorded calls alone."""

    attempt: str
    seconds: float
    requests: int
    retries: int
    bytes_sent: int
    bytes_received: int
    verbs: dict[str, int]
    watched: int
    slowest_ms: float
    sure: bool


def row(recording: Recording) -> Row:
    """The figures of one attempt."""
    calls = [o for o in recording.observations if o.kind == "call"]
    bodies: list[dict[str, Any]] = [o.body if isinstance(o.body, dict) else {} for o in calls]
    told = [o.body for o in recording.observations if o.kind == "fact" and o.subject == "calls"]
    counts = told[-1] if told and isinstance(told[-1], dict) else {}
    return Row(
        attempt=f"{recording.check}.{recording.via}",
        seconds=recording.ending.t if recording.ending else max((o.t for o in recording.observations), default=0.0),
        requests=int(counts.get("requests", len(calls))),
        retries=int(counts.get("retries", sum(int(b.get("tries", 1)) - 1 for b in bodies))),
        bytes_sent=int(counts.get("bytes_sent", 0)),
        bytes_received=int(counts.get("bytes_received", sum(int(b.get("size", 0)) for b in bodies))),
        verbs=dict(Counter(o.subject.partition(" ")[0] for o in calls)),
        watched=sum(o.kind == "watch" for o in recording.observations),
        slowest_ms=max((float(b.get("ms", 0)) for b in bodies), default=0.0),
        sure=bool(counts),
    )


def table(rows: list[Row]) -> str:
    """Columns set with blanks, and a sum where there is more than one row."""
    lines = [HEAD, *(_cells(r) for r in rows)]
    if len(rows) > 1:
        lines.append(_cells(_sum(rows)))
    wide = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    out = []
    for line in lines:
        cells = [c.ljust(w) if i in (0, 6) else c.rjust(w) for i, (c, w) in enumerate(zip(line, wide, strict=True))]
        out.append("  ".join(cells).rstrip())
    return "\n".join(out)


def _cells(r: Row) -> tuple[str, ...]:
    least = "" if r.sure else ">= "
    verbs = ", ".join(f"{v} {n}" for v, n in sorted(r.verbs.items()))
    return (
        r.attempt, f"{r.seconds:.1f}", f"{least}{r.requests}", str(r.retries),
        f"{r.bytes_sent / 1024:.1f}" if r.sure else "-", f"{least}{r.bytes_received / 1024:.1f}", verbs, str(r.watched),
        f"{r.slowest_ms:.0f}",
    )  # fmt: skip


def _sum(rows: list[Row]) -> Row:
    verbs: Counter[str] = Counter()
    for r in rows:
        verbs.update(r.verbs)
    return Row(
        attempt="all",
        seconds=sum(r.seconds for r in rows),
        requests=sum(r.requests for r in rows),
        retries=sum(r.retries for r in rows),
        bytes_sent=sum(r.bytes_sent for r in rows),
        bytes_received=sum(r.bytes_received for r in rows),
        verbs=dict(verbs),
        watched=sum(r.watched for r in rows),
        slowest_ms=max(r.slowest_ms for r in rows),
        sure=all(r.sure for r in rows),
    )


def main(argv: list[str] | None = None) -> int:
    """0: printed; 3: a folder is no run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    rows = []
    for run in options.runs:
        try:
            found = [row(r) for r in store.load_run(run)]
        except EvidenceError as error:
            print(error, file=sys.stderr)
            return 3
        if not found:
            print(f"{run} holds no recording; name the folder of a run", file=sys.stderr)
            return 3
        rows += found
    rows.sort(key=lambda r: -r.requests)
    print(json.dumps([asdict(r) for r in rows], indent=2) if options.json else table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
