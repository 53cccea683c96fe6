"""e2e.log and results.json: the report as `go test -v` and `go test -json` would write it. Pure.

Test names are "aiconform/<requirement>" and "aiconform/<requirement>/<clause>", and never those of the
programme's own suite. Link to "results.json#aiconform/gang_scheduling". What becomes a failed and what a skipped
test is said in `cases`.
"""

import json
from collections.abc import Mapping

from aiconform.model import Assessment, Check, Recording, Verdict
from aiconform.report import view
from aiconform.report.cases import Case, cases

PACKAGE = "aiconform"


def e2e_log(
    assessment: Assessment,
    verdicts: tuple[Verdict, ...],
    recordings: tuple[Recording, ...],
    checks: Mapping[str, Check],
) -> str:
    """Lines of results ("--- PASS: aiconform/gang_scheduling (182.00s)"), each followed by why, indented."""
    found = cases(view.build(assessment, verdicts, recordings, checks))
    lines = []
    for c in found:
        lines.append(_result(c))
        if c.message:
            lines.append(f"        aiconform: {c.message}")
    failed = any(c.status == "fail" for c in found)
    return "\n".join([*lines, "FAIL" if failed else "PASS", ""])


def results_json(
    assessment: Assessment,
    verdicts: tuple[Verdict, ...],
    recordings: tuple[Recording, ...],
    checks: Mapping[str, Check],
) -> str:
    """One JSON object a line: start; run, output and result of each test; output and result of the package."""
    found = cases(view.build(assessment, verdicts, recordings, checks))
    begin = assessment.started
    end = max([c.at for c in found] + [begin])
    failed = any(c.status == "fail" for c in found)
    events: list[dict[str, object]] = [_event(begin, "start")]
    for c in found:
        name = f"{PACKAGE}/{c.name}"
        events.append(_event(c.at, "run", Test=name))
        if c.message:
            events.append(_event(c.at, "output", Test=name, Output=f"        aiconform: {c.message}\n"))
        events.append(_event(c.at, "output", Test=name, Output=_result(c) + "\n"))
        events.append(_event(c.at, c.status, Test=name, Elapsed=round(c.seconds, 2)))
    events.append(_event(end, "output", Output="FAIL\n" if failed else "PASS\n"))
    longest = max((c.seconds for c in found), default=0.0)
    events.append(_event(end, "fail" if failed else "pass", Elapsed=round(longest, 2)))
    return "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in events)


def _result(c: Case) -> str:
    return f"--- {c.status.upper()}: {PACKAGE}/{c.name} ({c.seconds:.2f}s)"


def _event(time: str, action: str, **more: object) -> dict[str, object]:
    """Go leaves out an empty time, and so do we: an empty string would not be a time."""
    return {**({"Time": time} if time else {}), "Action": action, "Package": PACKAGE, **more}
