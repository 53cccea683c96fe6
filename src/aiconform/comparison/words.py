"""The sentences of a comparison. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aiconform.comparison.types import Change, ClauseChange, Comparison, FactChange, RowChange, Side
from aiconform.model import Outcome

SAYS = {
    Change.BROKE: "passed, fails now",
    Change.UNPROVED: "passed, is not proved now",
    Change.WAIVED: "passed, does not apply now",
    Change.VANISHED: "passed, is not there now",
}


_VERBS = {
    Change.BROKE: "broke",
    Change.UNPROVED: "not proved any more",
    Change.WAIVED: "said not to apply any more",
    Change.VANISHED: "not there any more",
}


def said(outcome: Outcome | None) -> str:
    """An outcome for a reader; "-" where nothing was judged."""
    return "-" if outcome is None else outcome.value.replace("_", " ")


def notes(before: Side, after: Side, rows: Iterable[RowChange], settings: tuple[FactChange, ...]) -> Iterator[str]:
    """What a reader must know before the differences mean anything."""
    a, b = before.run, after.run
    if a.id == b.id:
        yield f"both are the run {a.id}"
    if a.platform != b.platform:
        yield f"these are two platforms, {a.platform or 'not named'} and {b.platform or 'not named'}"
    elif b.at < a.at:
        yield f"the second run ({b.at}) is older than the first ({a.at}): what is called new is older"
    if a.platform == b.platform and a.context != b.context:
        yield (
            f"the contexts differ, {a.context or 'none'} and {b.context or 'none'}: by its name, {a.platform}, it is "
            "taken for one platform"
        )
    if a.platform == b.platform and _no_node_in_common(before, after):
        yield "no node of the first run is there in the second: if it is another cluster, read this as two platforms"
    if a.suite != b.suite:
        yield (
            f"recorded by different suites, aiconform {_suite(before)} and {_suite(after)}: what was done to the "
            "clusters may differ; both are judged by this release"
        )
    if before.assessment.checklist != after.assessment.checklist:
        yield (
            f"assessed against different checklists, {before.assessment.checklist} and {after.assessment.checklist}: "
            "choose one for both with --checklist"
        )
    if settings:
        yield f"run with different settings: {', '.join(s.what for s in settings)}"
    yield from _not_compared(rows, before, after)


def _no_node_in_common(before: Side, after: Side) -> bool:
    old, new = ({n.uid for n in s.inventory.nodes} for s in (before, after))
    return bool(old and new) and not old & new


def _suite(side: Side) -> str:
    suite = side.run.suite
    return f"{suite.version} ({suite.commit[:12]})" if suite.commit else suite.version


def _not_compared(rows: Iterable[RowChange], before: Side, after: Side) -> Iterator[str]:
    left = [r.requirement for r in rows if r.change is Change.NOT_COMPARED]
    out = {}
    for side, name in ((before, "first"), (after, "second")):
        here = {r.requirement: r.code for r in side.assessment.rows}
        if absent := [r for r in left if r not in here]:
            yield f"not in the checklist of the {name} run, so not compared: {', '.join(absent)}"
        out[name] = [r for r in left if here.get(r) == "not-selected"]
    both = [r for r in out["first"] if r in out["second"]]
    for name, these in (("both runs", both), ("the first run", out["first"]), ("the second run", out["second"])):
        if these := [r for r in these if name == "both runs" or r not in both]:
            yield f"left out of {name} by --only or --skip, so not compared: {', '.join(these)}"


def regressions(rows: Iterable[RowChange], facts: Iterable[FactChange]) -> Iterator[str]:
    """One sentence for each MUST row, each clause and each accelerator that got lost."""
    for row in rows:
        if row.regression:
            yield f"{row.requirement}: {SAYS[row.change]}"
        lost = [c for c in row.clauses if c.regression]
        for via in dict.fromkeys(c.via for c in lost if c.after is None and not c.via_after):
            gone = sum(c.via == via for c in lost)
            yield f"{row.requirement} by {via}: was tried and passed {gone} clauses, is not there now"
        yield from (f"{row.requirement} by {c.via}, {c.clause}: {SAYS[c.change]}" for c in lost if c.via_after)
    for fact in facts:
        if fact.regression:
            now = f"now {fact.after}" if fact.after else "is not there now"
            yield f"{fact.what}: had {fact.before}, {now}"


_WHOLE = {Change.NEW, Change.VANISHED, Change.NOT_COMPARED}


@dataclass(frozen=True)
class Attempt:
    """What changed in one attempt. `whole`: one thing is to be said of all of it, clauses need no line each."""

    via: str
    changed: tuple[ClauseChange, ...]
    whole: Change | None


def attempts(row: RowChange) -> list[Attempt]:
    """The attempts of a row in which something changed."""
    out = []
    for via in dict.fromkeys(c.via for c in row.clauses):
        here = [c for c in row.clauses if c.via == via]
        changed = tuple(c for c in here if c.change is not Change.SAME)
        kinds = {c.change for c in here}
        whole = here[0].change if len(kinds) == 1 and kinds <= _WHOLE else None
        if changed:
            out.append(Attempt(via, changed, whole))
    return out


def shown(rows: Iterable[RowChange]) -> list[RowChange]:
    """The rows in order of interest, without those that neither run was asked for."""
    quiet = (Change.SAME, Change.NOT_COMPARED)
    left = {row.requirement for row in rows if row.change is Change.NOT_COMPARED and row.before is row.after}
    return sorted((r for r in rows if r.requirement not in left), key=lambda r: r.change in quiet)


def headline(c: Comparison) -> Iterator[str]:
    """Which runs, and what it comes to."""
    for name, label in (("First", c.before), ("Second", c.after)):
        yield (
            f"{name}: {label.platform or 'platform not named'}, Kubernetes {label.server_version}, run {label.run} of "
            f"{label.started}, checklist {label.checklist}"
        )
    here = compared(c)
    same = sum(r.change is Change.SAME for r in here)
    yield f"{_some(len(here), 'requirement') or 'No requirement'} compared, {same} with the same outcome."
    yield f"{total(c)}:" if c.regressions else no_regression(c)
    yield from (f"  {r}" for r in c.regressions)


def compared(c: Comparison) -> list[RowChange]:
    """The rows that both runs were asked for, and that both checklists have."""
    return [r for r in c.rows if r.change is not Change.NOT_COMPARED]


def no_regression(c: Comparison) -> str:
    """What can be said where nothing is known to be lost; that which was not tried again is no proof of anything."""
    if not compared(c):
        return "Nothing could be compared, so nothing is known of regressions."
    gone = [r.requirement for r in c.rows if r.change is Change.NOT_COMPARED and r.before is Outcome.PASS]
    left = f" Passed in the first run, and not compared: {', '.join(gone)}." if gone else ""
    return f"No regression in what was compared: nothing that passed in the first run is lost in the second.{left}"


def total(c: Comparison) -> str:
    """How many regressions, and of which kinds: a platform that broke is not one that was not proved again."""
    rows = [r.change for r in c.rows if r.regression]
    clauses = [k.change for r in c.rows for k in r.clauses if k.regression]
    parts = []
    for kind, verb in _VERBS.items():
        counts = [_some(rows.count(kind), "requirement"), _some(clauses.count(kind), "clause")]
        if any(counts):
            parts.append(f"{' and '.join(c for c in counts if c)} {verb}")
    if lost := sum(f.regression for f in c.facts):
        parts.append(f"{_some(lost, 'kind')} of accelerator lost units")
    return f"Regressions: {'; '.join(parts)}"


def _some(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""
