"""What was found, in the forms that people and programs read. Pure."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from aiconform.submission.checker import Checked
from aiconform.submission.remark import LEVELS, RULES, Remark

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_COMMANDS = {"error": "error", "warning": "warning", "advice": "notice", "unknown": "notice"}
_SARIF_LEVELS = {"error": "error", "warning": "warning", "advice": "note", "unknown": "none"}
_SAID = {
    "refused": "the gate would refuse it",
    "open": "nothing wrong in what was looked at",
    "accepted": "the gate would accept it",
    "unreadable": "not judged",
}


def counts(remarks: Sequence[Remark]) -> dict[str, int]:
    """Level -> how many, in the order of LEVELS, without those that are 0."""
    found = Counter(r.level for r in remarks)
    return {level: found[level] for level in LEVELS if found[level]}


def table(checked: Sequence[Checked]) -> str:
    """A heading for each file, a line for each remark, and a last line with the sum."""
    lines: list[str] = []
    for c in checked:
        lines.append(f"{_one_line(str(c.path))}: {_SAID[c.verdict]}{_in_words(counts(c.remarks))}")
        for r in c.remarks:
            place = f"{r.mark.line}:{r.mark.column}"
            lines.append(f"  {place:>7}  {r.level:7}  {sentence(r)}  [{r.rule}]")
        lines.append("")
    verdicts = Counter(c.verdict for c in checked)
    parts = [f"{verdicts[v]} {v}" for v in ("accepted", "open", "refused", "unreadable") if verdicts[v]]
    return "\n".join([*lines, f"{len(checked)} submission{'' if len(checked) == 1 else 's'}: {', '.join(parts)}", ""])


def sentence(r: Remark) -> str:
    """A remark in one line: what is wrong, and how to mend it."""
    later = " (the gate says so once the file can be loaded)" if r.behind else ""
    return _one_line(f"{r.message}{later}; {r.remedy}")


def as_json(checked: Sequence[Checked]) -> str:
    """{"files": [{"path", "version", "product", "verdict", "counts", "remarks": [...]}], "verdicts": {...}}."""
    files = [
        {
            "path": str(c.path),
            "version": c.version,
            "product": c.product,
            "verdict": c.verdict,
            "counts": counts(c.remarks),
            "remarks": [_remark(r) for r in c.remarks],
        }
        for c in checked
    ]
    return _dumps({"files": files, "verdicts": dict(Counter(c.verdict for c in checked))})


def github(checked: Sequence[Checked]) -> str:
    """Workflow commands that GitHub shows at the lines of a pull request."""
    lines = []
    for c in checked:
        for r in c.remarks:
            place = f"file={_property(_one_line(str(c.path)))},line={r.mark.line},col={r.mark.column}"
            lines.append(f"::{_COMMANDS[r.level]} {place},title={_property(r.rule)}::{_data(sentence(r))}")
    return "".join(line + "\n" for line in lines)


def sarif(checked: Sequence[Checked], version: str) -> str:
    """SARIF 2.1.0, for code scanning. What was not looked at is of kind "open"."""
    order = list(RULES)
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in RULES.items()]
    results = [
        {
            "ruleId": r.rule,
            "ruleIndex": order.index(r.rule),
            "level": _SARIF_LEVELS[r.level],
            "kind": "open" if r.level == "unknown" else "fail",
            "message": {"text": sentence(r)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(os.fsencode(c.path))},
                        "region": {"startLine": r.mark.line, "startColumn": r.mark.column},
                    }
                }
            ],
        }
        for c in checked
        for r in c.remarks
    ]
    driver = {"name": "aiconform", "version": version, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]})


def _remark(r: Remark) -> dict[str, Any]:
    found = {"level": r.level, "rule": r.rule, "row": r.row, "line": r.mark.line, "column": r.mark.column}
    return {**found, "message": r.message, "remedy": r.remedy, "behind": r.behind}


def _in_words(found: dict[str, int]) -> str:
    plural = {"error": "errors", "warning": "warnings"}
    said = [f"{n} {plural.get(level, level) if n > 1 else level}" for level, n in found.items()]
    return f" ({', '.join(said)})" if said else ""


def _one_line(text: str) -> str:
    """No text of a file can pass for a line of ours, or for a terminal's command."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _dumps(value: object) -> str:
    # Surrogates of odd file names cannot be written as UTF-8: they are escaped.
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"
