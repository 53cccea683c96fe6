"""Judges a recording of accelerator_metrics. Pure: one function per clause; sentences are for readers.

Every source is judged in every family that it speaks; the best of these verdicts is the attempt's, because the
requirement asks for one metrics solution that works.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from aiconform.checks.accelerator_metrics import coverage, identity, loaded, released
from aiconform.checks.accelerator_metrics.check import CHECK
from aiconform.checks.accelerator_metrics.moves import foreign, load_of
from aiconform.checks.accelerator_metrics.series import View, sources, views
from aiconform.judging import Judge, verdict
from aiconform.judging.combine import ORDER
from aiconform.model import Finding, Outcome, Recording, Suite, Verdict

Of = Callable[[Recording, View | None], Finding]

JUDGES: dict[str, Of] = {
    "serves_readable_metrics": coverage.serves_readable_metrics,
    "covers_every_device": coverage.covers_every_device,
    "shows_utilisation": loaded.shows_utilisation,
    "shows_memory": loaded.shows_memory,
    "names_the_right_device": identity.names_the_right_device,
    "shows_the_release": released.shows_the_release,
}


def judge(rec: Recording, judged_by: Suite) -> Verdict:
    """One finding per clause, of the source and family that fares best. See check.py for what each one asks."""
    made = [_of_view(rec, view, judged_by) for view in views(rec) or (None,)]
    return min(made, key=_badness)


def _of_view(rec: Recording, view: View | None, judged_by: Suite) -> Verdict:
    judges: dict[str, Judge] = {clause: partial(_one, of, view) for clause, of in JUDGES.items()}
    return verdict(
        CHECK, rec, judges, judged_by=judged_by, limits=partial(_limits, view), facts=lambda r: _facts(r, view)
    )


def _one(of: Of, view: View | None, rec: Recording) -> Finding:
    return of(rec, view)


def _badness(v: Verdict) -> tuple[int, int, int]:
    outcomes = [f.outcome for f in v.findings]
    return (ORDER.index(v.outcome), outcomes.count(Outcome.FAIL), outcomes.count(Outcome.UNKNOWN))


def _limits(view: View | None, rec: Recording, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    if view is None or all(f.outcome is Outcome.UNKNOWN for f in findings):
        return ()
    out = [f"one node was tested: {rec.facts['node']}"]
    others = [s["name"] for s in sources(rec) if s["name"] != view.name and s["families"]]
    if others:
        out.append(f"judged is what {view.name} says; other sources were not: {', '.join(sorted(others))}")
    if rec.facts.get("accelerator", {}).get("shared"):
        out.append("units are shares of a device: the device as a whole was judged, and its count was not")
    load = load_of(rec, view)
    if load.by_name and not load.own:
        out.append("the device was recognised by its holder's name in the samples, not by an identity of its own")
    if foreign(rec):
        out.append("other pods held devices of the node, so what those devices showed was not judged")
    return tuple(out)


def _facts(rec: Recording, view: View | None) -> dict[str, Any]:
    if not rec.facts.get("accelerator"):
        return {}
    said: dict[str, Any] = {"accelerator": rec.facts["accelerator"]["id"], "node": rec.facts["node"]}
    if view is None:
        return said
    said |= {"source": view.name, "family": view.family.name, "devices": len(view.devices("baseline"))}
    return said | coverage.beside(rec, view)
