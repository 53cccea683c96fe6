"""`aiconform survey`: what is there."""

from rich.table import Table

from aiconform.cli import output
from aiconform.cli.settings import Context, Kubeconfig, LabName, Output
from aiconform.cli.target import on_cluster, target
from aiconform.inventory.survey import survey as look
from aiconform.model import Inventory


def survey(
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    lab: LabName = None,
    form: Output = "table",
) -> int:
    """Look at a cluster: version, nodes, accelerators, products, and what could not be read. Reads only."""
    output.check_format(form)
    inventory = on_cluster(target(kubeconfig, context, lab), look)
    if form in ("json", "yaml"):
        output.dump(inventory, form)
    elif form == "name":
        print("\n".join(a.id for a in inventory.accelerators))
    else:
        _show(inventory)
    return 0


def _show(inventory: Inventory) -> None:
    console = output.console()
    ready = sum(n.ready for n in inventory.nodes)
    console.print(f"{inventory.platform}, Kubernetes {inventory.server_version}")
    console.print(f"nodes: {len(inventory.nodes)}, {ready} of them Ready")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("accelerator", "model", "asked for as", "units by node"):
        table.add_column(name, overflow="fold")
    for a in inventory.accelerators:
        how = a.resource if a.form != "dra" else f"claim of class {a.device_class}"
        known = "" if a.recognised else " (unrecognised)"
        where = ", ".join(f"{n}: {units}" for n, units in list(a.nodes.items())[:8])
        table.add_row(a.id + known, a.model or "?", how, where + (" ..." if len(a.nodes) > 8 else ""))
    console.print(table if inventory.accelerators else "accelerators: none found")
    products = ", ".join(f"{p.name} ({p.version})" for p in inventory.products)
    console.print(f"products, by their APIs: {products or 'none known'}")
    for gap in (*inventory.gaps, *inventory.unread):
        console.print(f"could not read {gap.what}: {gap.why}")
