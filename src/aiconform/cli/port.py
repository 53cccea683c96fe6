"""`aiconform port`: a workload from one cluster to another."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import yaml
from rich.table import Table
from rich.text import Text

from aiconform.cli import output
from aiconform.cli.errors import FAILED, PASSED, UNKNOWN, Problem, usage
from aiconform.cli.suite import judging_suite
from aiconform.model import Inventory, Outcome, PortReport, PortRow, Status, decode
from aiconform.porting.manifests import MOST_BYTES
from aiconform.porting.port import Ported, doubts
from aiconform.porting.port import port as rewrite

_SUFFIXES = (".yaml", ".yml", ".json")
_CODES = {Status.MISSING: FAILED, Status.UNKNOWN: UNKNOWN}


def port(
    manifests: Annotated[list[str], typer.Argument(help="Files, folders, or - for stdin.", metavar="MANIFESTS...")],
    to: Annotated[
        Path,
        typer.Option("--to", help="The target: a run's folder, or the output of survey -o json.", metavar="RUN|FILE"),
    ],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Where it runs now. Without it, names alone are compared.", metavar="RUN|FILE"),
    ] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="FROM=TO: this name there is that one (labels: KEY:VALUE=KEY:VALUE; repeatable).",
            metavar="FROM=TO",
        ),
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="Write the manifests for the target here.", metavar="FOLDER")
    ] = None,
    form: Annotated[str, typer.Option("--output", "-o", help="table, json or yaml.", metavar="FORMAT")] = "table",
) -> int:
    """Say what a workload needs, what another cluster has of it, and how its manifests must change. No cluster needed.

    Exit codes: 0 everything is there (maybe after the edits shown), 1 something is missing, 2 something is unknown.
    """
    output.check_format(form, ("table", "json", "yaml"))
    ported = rewrite(
        _read(manifests), target=_inventory(to), source=_inventory(source) if source else None, maps=_maps(maps or [])
    )
    if write is not None:
        _write(ported, write)
    before = f"{source}: {ported.report.source}" if source else ""
    notes = (*ported.report.notes, *doubts(ported.report, _failed(to)))
    report = replace(ported.report, source=before, target=f"{to}: {ported.report.target}", notes=notes)
    if form == "table":
        _show(report)
    else:
        output.dump(report, form)
    return _CODES.get(report.status, PASSED)


def _maps(given: list[str]) -> dict[str, str]:
    found = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not name or not equals or not value:
            raise usage(f"--map needs FROM=TO, not {item!r}")
        found[name] = value
    return found


def _inventory(path: Path) -> Inventory:
    """A survey's output, or the inventory of a run's folder."""
    if path.is_dir():
        places = (path / "recorded" / "inventory.json", path / "inventory.json")
        found = next((p for p in places if p.is_file()), None)
        if found is None:
            raise Problem(f"{path} is no run: it has no recorded/inventory.json")
        path = found
    data = _bytes(path)
    try:
        if data.lstrip()[:1] == b"{":
            return decode(data, Inventory)
        return msgspec.convert(yaml.load(data, Loader=yaml.CSafeLoader), Inventory)
    except (msgspec.DecodeError, msgspec.ValidationError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else "it is no inventory"
        raise Problem(f"{path} is no inventory ({first}): make one by `aiconform survey -o json`") from None


def _failed(path: Path) -> dict[str, str]:
    """Requirement -> why, of what a run saw fail. Nothing for a mere inventory."""
    if not (path / "recorded" / "run.json").is_file():
        return {}
    from aiconform.engine.judge import judge_run

    rows = judge_run(path, judged_by=judging_suite()).assessment.rows
    return {r.requirement: r.because for r in rows if r.outcome is Outcome.FAIL}


def _read(names: list[str]) -> dict[str, bytes]:
    """Name -> content. Files of a folder are named as they lie in it, others by their own name."""
    found: dict[str, bytes] = {}
    for given in names:
        for name, path in _files(given):
            if name in found:
                raise usage(f"two of the manifests would both be {name}: give the folder above them instead")
            # A byte more than is read shows that there is too much.
            found[name] = sys.stdin.buffer.read(MOST_BYTES + 1) if path is None else _bytes(path, MOST_BYTES + 1)
    return found


def _files(given: str) -> list[tuple[str, Path | None]]:
    if given == "-":
        return [("stdin.yaml", None)]
    path = Path(given)
    if not path.is_dir():
        return [(path.name, path)]
    inside = sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES and p.is_file())
    kept = [(p.relative_to(path), p) for p in inside]
    kept = [(name, p) for name, p in kept if not any(part.startswith(".") for part in name.parts)]
    if not kept:
        raise usage(f"{path} holds no manifests ({', '.join(_SUFFIXES)})")
    return [(name.as_posix(), p) for name, p in kept]


def _bytes(path: Path, most: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise usage(f"{path} cannot be read: {error.strerror}; check its name and permissions") from None


def _write(ported: Ported, folder: Path) -> None:
    """All files, changed or not. What is there already and differs is never written over."""
    for name, data in ported.files.items():
        path = folder / name
        if path.exists() and (not path.is_file() or path.read_bytes() != data):
            raise usage(f"{path} is there already, and is not the same: give --write an empty folder")
    for name, data in ported.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    output.say(f"written to {folder}: {', '.join(ported.files)}")


def _show(report: PortReport) -> None:
    console = output.console()
    console.print(f"from: {report.source or '(not given)'}", f"to: {report.target}", sep="\n", markup=False)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("there?", "need", "name", "at the target", "wanted by"):
        table.add_column(name, overflow="fold")
    for row in report.rows:
        table.add_row(*(Text(_printable(t)) for t in _cells(row)))
    console.print(table)
    for note in report.notes:
        console.print(_printable(f"note: {note}"), markup=False)
    edits = [e for r in report.rows for e in r.edits]
    if edits:
        console.print(f"\nedits ({len(edits)}):", markup=False)
    for edit in edits:
        change = f"{edit.before} -> {edit.after}" if edit.before else edit.after
        place = " ".join(p for p in (edit.object, edit.path) if p)
        console.print(_printable(f"  {edit.file}: {place}: {change}"), markup=False)
    if report.diff:
        print(f"\n{report.diff}", end="")


def _printable(text: str) -> str:
    """No name in a manifest can be a terminal's command."""
    return "".join(c if c.isprintable() else " " for c in text)


def _cells(row: PortRow) -> tuple[str, ...]:
    there = row.target if row.target not in ("", row.name) else ""
    gives = f"(requirement {row.requirement})" if row.requirement and row.status is Status.MISSING else ""
    said = ": ".join(p for p in (there, row.because) if p)
    who = ", ".join(row.wanted_by[:3]) + (f" and {len(row.wanted_by) - 3} more" if len(row.wanted_by) > 3 else "")
    return row.status.value, row.kind, row.name, " ".join(p for p in (said, gives) if p), who
