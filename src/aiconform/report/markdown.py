"""report.md: the same content as report.html as text, for a repository. Pure.

Everything that came from a cluster is escaped: no message can make a heading, a link, a mention or HTML.
"""

import re
from collections.abc import Iterable, Mapping

from aiconform.model import Assessment, Check, Claim, Outcome, Recording, Verdict
from aiconform.report import html, view
from aiconform.report.history import history
from aiconform.report.records import cited, title
from aiconform.report.view import AttemptView, RequirementView


def render(
    assessment: Assessment,
    verdicts: tuple[Verdict, ...],
    recordings: tuple[Recording, ...],
    checks: Mapping[str, Check],
) -> str:
    """The whole report. Recorded objects are not repeated: cited ones are named by seq, one line each."""
    report = view.build(assessment, verdicts, recordings, checks)
    out = [f"# {text(assessment.platform or 'Platform not named')}", ""]
    out += [f"Kubernetes AI Conformance, checklist {text(assessment.checklist)}.", *view.headline(assessment), ""]
    failures = view.causes(report, Outcome.FAIL)
    if failures:
        out += ["## What failed", ""]
        for f in failures:
            clause = code(f.clause.finding.clause)
            where = f"{code(f.requirement.row.requirement)}, {clause} by {code(f.attempt.verdict.via)}"
            out.append(f"- **{text(f.clause.finding.because)}** ({where})")
        out.append("")
    unproved = view.unproved(report)
    if unproved:
        out += ["## What could not be proved", ""]
        out += [f"- {text(r.because)} ({code(r.row.requirement)} {code(r.row.code)})" for r in unproved]
        out.append("")
    out += ["## Requirements", "", *_rows(report.covered, checked=True), ""]
    if report.uncovered:
        out += ["### No check in this version of the suite", "", "Nothing is known about these.", ""]
        out += [*_rows(report.uncovered, checked=False), ""]
    out += ["## What was tested, and with what", ""]
    out += _table(("", ""), ((text(k), text(v)) for k, v in html.facts(assessment)))
    for r in report.requirements:
        if r.row.covered or r.row.claims:
            out += ["", *requirement(r)]
    out += ["", "---", "", _FOOT, ""]
    return "\n".join(out)


_FOOT = (
    "Derived from sealed recordings; `aiconform report` writes the same bytes again, and `aiconform verify` proves "
    "that the recordings are unchanged. Certification is decided by the CNCF programme, not by this report."
)


def _rows(requirements: Iterable[RequirementView], *, checked: bool) -> list[str]:
    def cells(r: RequirementView) -> tuple[str, ...]:
        name = code(r.row.requirement)
        if checked or r.row.claims:
            name = f"[{name}](#{r.row.requirement})"
        seen = text(r.because) if checked else text(r.row.summary)
        return outcome(r.row.outcome), name, r.row.level, seen + (" With limits." if r.row.limits else "")

    head = ("Outcome", "Requirement", "Level", "What was seen" if checked else "What it asks for")
    return _table(head, (cells(r) for r in requirements))


def requirement(r: RequirementView) -> list[str]:
    """One requirement, with everything that was tried for it, as lines."""
    row = r.row
    out = [
        f"## {row.requirement}",
        "",
        f"{outcome(row.outcome)} {row.level}, {text(row.section)}. {text(row.summary)}",
        "",
    ]
    if r.because:
        out += [f"**{text(r.because)}**" + (f" {code(row.code)}" if row.code else ""), ""]
    out += _list("Limits of what was proved:", row.limits)
    for claim in row.claims:
        out += _claim(claim)
    for attempt in r.attempts:
        out += _attempt(r, attempt)
    return out[:-1] if out[-1] == "" else out


def _claim(c: Claim) -> list[str]:
    layer = f" Provided by: {text(c.layer)}." if c.layer else ""
    said = f"{text(c.who)} said on {text(c.when)}: “{text(c.says)}”. Why: {text(c.why)}{layer}"
    return [f"> A claim by a person, not proved by this run: {said}", ""]


def _attempt(r: RequirementView, a: AttemptView) -> list[str]:
    took = f", {a.seconds:.0f} s" if a.seconds else ""
    out = [f"### {text(a.verdict.via)}: {outcome(a.verdict.outcome)}{took}", ""]
    out += [f"- {text(view.words(k))}: {text(view.text_of(v))}" for k, v in sorted(a.verdict.facts.items())]
    out += [""] if a.verdict.facts else []
    out += ["Clauses:", ""]
    for c in a.clauses:
        f = c.finding
        out.append(f"- {outcome(f.outcome)} {code(f.clause)}: {text(c.sentence)}")
        out.append(f"  {text(f.because)}" + (f" {code(f.code)}" if f.code else ""))
        if c.clause and c.clause.control:
            out.append(f"  Control: {text(c.clause.control)}.")
        if c.clause and c.clause.optional:
            out.append(f"  Counted only where it can be judged: {text(c.clause.when)}.")
        if f.remedy:
            out.append(f"  **What to do:** {text(f.remedy)}")
        if f.cites:
            out.append(f"  Seen in observations {', '.join(map(str, f.cites))}.")
    out.append("")
    if a.verdict.limits != r.row.limits:
        out += _list("Limits of what this attempt proved:", a.verdict.limits)
    out += _list("Left over after cleanup (this changes no verdict):", a.leftovers)
    return out + _happened(a)


def _happened(a: AttemptView) -> list[str]:
    if a.recording is None:
        return ["The recording of this attempt was not given to the report.", ""]
    by = cited(a.verdict)
    past = history(a.recording, frozenset(by))
    pods = [(s.name, p) for s in past.steps for p in s.pods]
    out: list[str] = []
    if pods:
        out += ["What happened (seconds from the start of the attempt):", ""]
        head = ("Step", "Pod", "Role", "Created", "Bound", "Started", "Ended", "Node")
        out += _table(
            head,
            (
                (
                    text(step),
                    text(p.name),
                    text(p.role),
                    f"{p.created:.1f}",
                    *map(_time, (p.bound, p.started, p.ended)),
                    text(p.node),
                )
                for step, p in pods
            ),
        )
        out.append("")
    out += [f"- Window {code(w.name)}: {w.start:.1f} to {w.end:.1f} s. {text(w.text)}".rstrip() for w in past.windows]
    out += [
        f"- Gap in the watch of {code(g.name)}: {g.start:.1f} to {g.end:.1f} s. {text(g.text)}".rstrip()
        for g in past.gaps
    ]
    seen = [past.by_seq[s] for s in sorted(by) if s in past.by_seq]
    out += [f"- Observation {o.seq} at {o.t:.1f} s: {text(title(o))}" for o in seen]
    out += ["", f"All of it is in {code(f'recorded/{a.id}/')}, recording sha256 {code(a.recording.sha256)}.", ""]
    return out


def _time(t: float | None) -> str:
    return "–" if t is None else f"{t:.1f}"


def _list(heading: str, items: tuple[str, ...]) -> list[str]:
    return [heading, "", *(f"- {text(i)}" for i in items), ""] if items else []


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def outcome(value: Outcome) -> str:
    return f"{view.SIGN[value]} **{value.value.replace('_', ' ')}**"


def text(value: str) -> str:
    """Words as Markdown that shows exactly them, on one line."""
    line = " ".join(value.split())
    line = re.sub(r"([\\`*_\[\]|~#])", r"\\\1", line)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    # At the start of a line these would begin a list or a rule; "1.37" does not.
    line = re.sub(r"^([-+=])", r"\\\1", line)
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", line)


def code(value: str) -> str:
    """An identifier in code type; a pipe would end a table's cell even there."""
    return "`" + " ".join(value.split()).replace("`", "'").replace("|", "\\|") + "`"
