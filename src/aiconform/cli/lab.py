"""`aiconform lab`: the embedded cluster."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from aiconform.cli.errors import usage
from aiconform.cli.output import check_format, console, dump, say
from aiconform.lab.errors import UnknownName

if TYPE_CHECKING:
    from aiconform.lab import Lab, LabStatus

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="An embedded Kubernetes with simulated accelerators, on this machine (Linux, root).",
)
NameOption = typer.Option("default", "--name", help="Name of the lab; several may run side by side.", metavar="NAME")
OutputOption = typer.Option("table", "--output", "-o", help="table, json or yaml.", metavar="FORMAT")


def _lab(name: str) -> "Lab":
    from aiconform.lab import Lab

    try:
        return Lab(name)
    except UnknownName as error:
        raise usage(str(error)) from error


@app.command("up")
def up(
    name: str = NameOption,
    kwok_nodes: int | None = typer.Option(
        None, min=0, max=1000, help="Simulated nodes beside the real ones.", metavar="NUMBER"
    ),
    nodes: int | None = typer.Option(
        None, min=2, max=4, help="Real nodes (default 2; 4 with --profile full).", metavar="NUMBER"
    ),
    accelerators: int | None = typer.Option(
        None, min=1, max=8, help="Accelerators on each real node (default 4).", metavar="NUMBER"
    ),
    kubernetes: str | None = typer.Option(
        None,
        help="Minor version: 1.37 (default), or 1.34, 1.35, 1.36 (built on demand, some 8 min each).",
        metavar="VERSION",
    ),
    profile: str = typer.Option(
        "core", help="core, or full: with what the checks of every MUST need.", metavar="PROFILE"
    ),
    addon: list[str] | None = typer.Option(
        None, "--addon", help="Also bring up this addon; may be repeated.", metavar="ADDON"
    ),
) -> None:
    """Make the lab, or repair it. Says first what it will install and build."""
    from aiconform.lab.addons import PROFILES

    if profile not in PROFILES:
        raise usage(f"there is no profile {profile!r}: take {' or '.join(PROFILES)}")
    addon = [*PROFILES[profile], *(addon or [])]
    if nodes is None and profile == "full":
        nodes = 4
    _known_addons(addon)
    try:
        _lab(name).up(say, kwok_nodes=kwok_nodes, accelerators=accelerators, kubernetes=kubernetes, nodes=nodes)
    except UnknownName as error:
        raise usage(str(error)) from error
    if addon:
        _lab(name).add(addon, say)


@app.command("build")
def build(
    names: list[str] | None = typer.Argument(
        None, help="Addons; none builds only what every lab needs.", metavar="ADDON"
    ),
    kubernetes: str | None = typer.Option(None, help="Minor version, as of `lab up`.", metavar="VERSION"),
) -> None:
    """Install and build what a lab with these addons needs, and start nothing."""
    _known_addons(names or [])
    try:
        _lab("default").build(names or [], say, kubernetes)
    except UnknownName as error:
        raise usage(str(error)) from error


@app.command("addon")
def addon(
    names: list[str] | None = typer.Argument(
        None, help="Addons to bring up; none lists those that there are.", metavar="ADDON"
    ),
    name: str = NameOption,
) -> None:
    """Bring addons up in a lab that is up: real third parties, such as an autoscaler."""
    from aiconform.lab import addons

    if not names:
        for known in addons.names():
            sys.stdout.write(f"{known}\t{addons.find(known).title}\n")
        return
    _known_addons(names)
    _lab(name).add(names, say)


def _known_addons(names: list[str]) -> None:
    from aiconform.lab import addons

    try:
        for name in names:
            addons.find(name)
    except UnknownName as error:
        raise usage(str(error)) from error


@app.command("down")
def down(name: str = NameOption) -> None:
    """Remove the lab and everything that it made, in whatever state it is."""
    _lab(name).down(say)


@app.command("status")
def status(name: str = NameOption, output: str = OutputOption) -> None:
    """Show what runs, which nodes are Ready, and which fault is active."""
    check_format(output, ("table", "json", "yaml"))
    found = _lab(name).status()
    if output == "table":
        _print_status(found)
    else:
        dump(found, output)


@app.command("break")
def break_(
    fault: str | None = typer.Argument(
        None, help="Id of a fault or variant, or the path of its YAML file.", metavar="FAULT"
    ),
    name: str = NameOption,
    list_: bool = typer.Option(False, "--list", help="List all faults and variants."),
    output: str = OutputOption,
) -> None:
    """Break the lab in one known way (or make it unusual), until `lab mend`."""
    check_format(output, ("table", "json", "yaml"))
    if list_:
        _print_faults(output)
        return
    if fault is None:
        raise usage("which fault? `aiconform lab break --list` names them")
    try:
        _lab(name).break_(fault, say)
    except UnknownName as error:
        raise usage(str(error)) from error


@app.command("mend")
def mend(name: str = NameOption) -> None:
    """Take the active fault back; the lab is sound again."""
    _lab(name).mend(say)


@app.command("exec", context_settings={"ignore_unknown_options": True})
def exec_(
    node: str = typer.Argument(..., help="lab-node-1, lab-node-2, or a further one if there is one.", metavar="NODE"),
    command: list[str] = typer.Argument(..., help="The command, after `--`.", metavar="COMMAND"),
    name: str = NameOption,
) -> None:
    """Run a command in a node of the lab."""
    try:
        done = _lab(name).node_exec(node, command)
    except UnknownName as error:
        raise usage(str(error)) from error
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    raise typer.Exit(done.returncode)


def _print_faults(output: str) -> None:
    from rich.table import Table

    from aiconform.lab.fault_files import every

    rows = [{"id": f.id, "check": f.check, "kind": f.kind, "title": f.title} for f in every()]
    if output != "table":
        dump(rows, output)
        return
    table = Table("id", "check", "kind", "title", box=None)
    for row in rows:
        table.add_row(*row.values())
    console().print(table)


def _print_status(found: "LabStatus") -> None:
    from rich.table import Table

    out = console()
    out.print(f"lab {found.name}: {found.state}" + (f", Kubernetes {found.kubernetes}" if found.kubernetes else ""))
    if found.state == "absent":
        return
    if found.fault:
        out.print(f"fault active: {found.fault} (`aiconform lab mend` takes it back)")
    for node, ready in found.nodes.items():
        if not re.match("kwok-node-", node) or not ready:
            out.print(f"node {node}: {'Ready' if ready else 'not Ready'}")
    table = Table("process", "pid", "RSS MiB", "log", box=None)
    for component in found.components:
        log = Path(component.log)
        table.add_row(component.name, str(component.pid or "ended"), f"{component.rss_mib:.0f}", str(log))
    out.print(table)
    if found.kubeconfig:
        out.print(f"memory {found.rss_mib:.0f} MiB; export KUBECONFIG={found.kubeconfig}")
