"""`aiconform explain`: what a requirement's check does."""

from typing import Annotated

import typer

from aiconform.checklists import load, versions
from aiconform.cli import output
from aiconform.engine import registry


def explain(
    name: Annotated[str, typer.Argument(help="A requirement, such as gang_scheduling.", metavar="ID")] = "",
) -> int:
    """Explain a requirement: what it asks, how it is proved, what a FAIL means. Without ID: list them all."""
    known = {r.id: r for v in versions() for r in load(v).requirements}
    if not name:
        for r in known.values():
            mark = "" if r.id in registry.names() else "  (no check in this version)"
            print(f"{r.id:30} {r.summary}{mark}")
        return 0
    if name not in known:
        raise registry.UnknownCheck(f"there is no requirement {name!r}: choose from {', '.join(known)}")
    levels = {v: row.level for v in versions() if (row := load(v).requirement(name))}
    where = [f"{v} {level}" for v, level in levels.items()]
    kar = f"; KAR-{known[name].kar}" if known[name].kar else ""
    print(f"{name}: {known[name].summary}\nIn the checklists: {', '.join(where)}{kar}")
    if name not in registry.names():
        output.say("this version of aiconform has no check for it yet")
        return 0
    check = registry.load(name).check
    print(f"\n{check.page.strip()}\n\nClauses: the platform")
    for clause in check.clauses:
        print(f"  {clause.id}{' (only where it can be tried)' if clause.optional else ''}\n      {clause.sentence}")
        if clause.control:
            print(f"      Control: {clause.control}")
    print("\nDeadlines (seconds):")
    for key, deadline in check.deadlines.items():
        print(f"  {key:24} {deadline.seconds:6g}  {deadline.reason}")
    return 0
