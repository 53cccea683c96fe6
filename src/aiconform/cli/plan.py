"""`aiconform plan`: what would run, by what, when and why, and what it needs."""

from rich.table import Table

from aiconform.cli import output, session
from aiconform.cli.chosen import Chosen, takes_run_options
from aiconform.cli.settings import Output
from aiconform.cli.target import on_cluster
from aiconform.engine import registry
from aiconform.engine.plan import Plan
from aiconform.engine.schedule import chains
from aiconform.model import Attempt, Checklist, Inventory, Permission


@takes_run_options
def plan(
    chosen: Chosen,
    form: Output = "table",
) -> int:
    """Show what a run would do here: mechanism, node, accelerators, minutes, permissions, schedule. Reads only."""
    output.check_format(form)
    found = on_cluster(chosen.connect, lambda cluster: session.look(cluster, chosen.options))
    show_plan(*found, form=form, stderr=False)
    return 0


def show_plan(inventory: Inventory, checklist: Checklist, made: Plan, *, form: str, stderr: bool) -> None:
    """Prints a plan, as a table on stdout or stderr or as data on stdout."""
    if form in ("json", "yaml"):
        output.dump(made, form)
        return
    if form == "name":
        print("\n".join(a.id for a in made.attempts))
        return
    console = output.console(stderr=stderr)
    console.print(
        f"{inventory.platform}, Kubernetes {inventory.server_version}, checklist {checklist.version}: "
        f"{len(made.attempts)} attempts, about {made.minutes:.0f} min"
    )
    console.print(_schedule(made))
    for line in _notes(inventory, made):
        console.print(line)


def _schedule(made: Plan) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), title=None)
    for name in ("starts", "attempt", "min", "does", "holds (and shares)", "why then"):
        table.add_column(name, overflow="fold")
    for slot in sorted(made.slots, key=lambda s: (s.minutes, s.attempt)):
        a = made.attempt(slot.attempt)
        why = f"UNKNOWN({a.unable[0]}): {a.unable[1]}" if a.unable else slot.why
        start, minutes = f"{slot.minutes:.0f} min", f"{a.minutes:g}"
        table.add_row(start, a.id, minutes, a.disruption, _claims(a), why)
    return table


def _claims(a: Attempt) -> str:
    """What it holds for itself, and in brackets what it uses beside others."""
    held = ", ".join(a.holds) or "nothing"
    return held + (f" ({', '.join(a.shares)})" if a.shares else "")


def _notes(inventory: Inventory, made: Plan) -> list[str]:
    lines = [f"could not read {g.what}: {g.why}" for g in inventory.gaps]
    lines += [
        f"{name}: {', then '.join(users)}" for name, users in chains(made.attempts, made.slots).items() if users[1:]
    ]
    missing = [r for r, why in made.untried.items() if why != "not selected"]
    if missing:
        lines.append(f"no check in this version for: {', '.join(missing)}")
    checks = sorted({a.check for a in made.attempts if not a.unable})
    for check in checks:
        loaded = registry.load(check)
        by = [loaded.mechanism(a) for a in made.attempts if a.check == check and not a.unable]
        asked = (*loaded.check.permissions, *(p for m in by for p in getattr(m, "permissions", ())))
        rules = "; ".join(dict.fromkeys(_rule(p) for p in asked))
        lines.append(f"{check} needs: {rules}")
    return lines


def _rule(p: Permission) -> str:
    where = "cluster-wide" if p.scope == "cluster" else "in its own namespaces"
    names = ", ".join(r + (f".{p.group}" if p.group else "") for r in p.resources)
    return f"{'/'.join(p.verbs)} {names} ({where})"
