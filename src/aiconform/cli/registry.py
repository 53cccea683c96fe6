"""`aiconform registry`: the program's certified platforms, looked through offline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from aiconform import platforms
from aiconform.cli import output
from aiconform.cli.errors import USAGE, Problem, usage
from aiconform.platforms import find as finding
from aiconform.platforms import html, sheet, table, words
from aiconform.platforms.types import Entry, Strength

FORMATS = ("table", "json", "yaml", "csv", "html", "name")

app = typer.Typer(
    help="Look through the program's registry of certified platforms, as they were submitted.\n\n" + words.CAUTION,
    no_args_is_help=True,
    rich_markup_mode=None,
)

SourceOption = Annotated[
    str,
    typer.Option(
        "--source",
        metavar="DIR|GIT-URL",
        help=f"A checkout of the registry, or where git finds it. Default: {platforms.OFFICIAL}, kept in the cache.",
    ),
]
Form = Annotated[str, typer.Option("--output", "-o", help="table, json, yaml, csv, html or name.", metavar="FORMAT")]
File = Annotated[Path | None, typer.Option("--file", "-f", help="Write here instead of stdout.", metavar="FILE")]
Today = Annotated[
    str, typer.Option("--today", metavar="DATE", help="Count age and expiry from this day, such as 2026-12-01.")
]


@dataclass(frozen=True)
class _Asked:
    source: str


@app.callback()
def options(context: typer.Context, source: SourceOption = "") -> None:
    """Where the registry is read from, for every command below."""
    context.obj = _Asked(source)


@app.command("list")
def list_(
    context: typer.Context, source: SourceOption = "", form: Form = "table", file: File = None, today: Today = ""
) -> int:
    """List every submission: who, for which version, until when, and what kind of evidence carries it."""
    output.check_format(form, FORMATS)
    on = _day(today, "--today") or _now()
    registry = _read(context, source)
    _write(registry, registry.entries, form, file, on)
    return 0


@app.command("show")
def show(
    context: typer.Context,
    platform: Annotated[
        str, typer.Argument(metavar="PLATFORM", help="A platform such as gke; gke@1.35 for an older submission.")
    ],
    source: SourceOption = "",
    form: Form = "table",
    file: File = None,
    today: Today = "",
) -> int:
    """Show one submission, row by row, with what changed since the one before."""
    output.check_format(form, FORMATS)
    on = _day(today, "--today") or _now()
    registry = _read(context, source)
    whole, entry = _platform(registry, platform)
    if form == "table":
        _show(table.show(whole, entry, on), file)
    else:
        _write(registry, (entry,), form, file, on)
    return 0


@app.command("compare")
def compare(
    context: typer.Context,
    one: Annotated[str, typer.Argument(metavar="A", help="A platform, such as gke or gke@1.34.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another one, or another version of it.")],
    source: SourceOption = "",
    form: Form = "table",
    file: File = None,
    today: Today = "",
) -> int:
    """Put two submissions side by side: status, mechanisms and evidence of every row."""
    output.check_format(form, FORMATS)
    on = _day(today, "--today") or _now()
    registry = _read(context, source)
    first, second = _platform(registry, one)[1], _platform(registry, other)[1]
    if form == "table":
        _show(table.compare(first, second, on), file)
    else:
        _write(registry, (first, second), form, file, on)
    return 0


@app.command("find")
def find(
    context: typer.Context,
    must: Annotated[
        list[str] | None,
        typer.Option(
            "--must",
            metavar="REQUIREMENT[:MECHANISM]",
            help="Has to be Implemented, and to name this mechanism (repeatable).",
        ),
    ] = None,
    valid_on: Annotated[
        str, typer.Option("--valid-on", metavar="DATE", help="The certification has to hold on this day.")
    ] = "",
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--vendor-type", help="Where it runs: hosted (by the vendor), cloud, on-prem (repeatable).", metavar="TYPE"
        ),
    ] = None,
    accelerator: Annotated[
        list[str] | None,
        typer.Option(
            "--accelerator", help="Vendor of an accelerator that the submission names (repeatable).", metavar="NAME"
        ),
    ] = None,
    version: Annotated[
        str, typer.Option("--checklist", help="Checklist version, such as 1.36.", metavar="VERSION")
    ] = "",
    evidence: Annotated[
        str,
        typer.Option(
            "--evidence",
            help="Weakest evidence that counts for --must: log, report, script, documentation.",
            metavar="KIND",
        ),
    ] = "",
    text: Annotated[
        str, typer.Option("--text", help="Words in the product's name, vendor or description.", metavar="WORDS")
    ] = "",
    repeated: Annotated[
        bool, typer.Option("--repeated", help="Only submissions that repeat all evidence of the one before.")
    ] = False,
    source: SourceOption = "",
    form: Form = "table",
    file: File = None,
    today: Today = "",
) -> int:
    """Find the platforms whose submissions meet everything that is asked for."""
    output.check_format(form, FORMATS)
    on = _day(today, "--today") or _now()
    criteria = finding.Criteria(
        musts=tuple(_wanted(m) for m in must or ()),
        valid_on=_day(valid_on, "--valid-on"),
        kinds=_known(kind, finding.KINDS, "--vendor-type"),
        accelerators=_known(accelerator, finding.accelerators(), "--accelerator"),
        version=f"v{version.removeprefix('v')}" if version else "",
        evidence=_strength(evidence),
        text=text,
        repeated=repeated,
    )
    if evidence and not must:
        raise usage("--evidence is about the rows that --must names; give at least one --must")
    registry = _read(context, source)
    there = sorted({e.version for e in registry.entries})
    if version and criteria.version not in there:
        raise usage(f"--checklist: no submission is for {criteria.version}: there are {', '.join(there)}")
    found = finding.find(registry, criteria)
    asked = tuple(dict.fromkeys(m.requirement for m in criteria.musts))
    _write(registry, found.entries, form, file, criteria.valid_on or on, asked)
    for names, why in ((found.undated, "when they were certified"), (found.unclassified, "where they run")):
        if names:
            output.say(f"left out, because it is not known {why}, and they meet all else: {', '.join(names)}")
    if not found.entries:
        output.say("no platform meets all of this")
    return 0


def _read(context: typer.Context, source: str) -> platforms.Registry:
    asked = context.obj.source if isinstance(context.obj, _Asked) else ""
    try:
        registry = platforms.registry(platforms.open_source(source or asked or platforms.OFFICIAL, output.say))
    except platforms.SourceError as error:
        raise Problem(str(error), USAGE if error.usage else 3) from None
    for problem in registry.problems:
        output.say(f"left out: {problem}")
    return registry


def _platform(registry: platforms.Registry, name: str) -> tuple[platforms.Platform, Entry]:
    try:
        return finding.platform(registry, name)
    except finding.WrongCriterion as error:
        raise usage(str(error)) from None


def _wanted(text: str) -> finding.Wanted:
    try:
        return finding.wanted(text)
    except finding.WrongCriterion as error:
        raise usage(f"--must: {error}") from None


def _known(given: list[str] | None, there: Sequence[str], flag: str) -> tuple[str, ...]:
    for name in given or ():
        if name not in there:
            raise usage(f"{flag} knows {', '.join(there)}, not {name!r}")
    return tuple(given or ())


def _strength(text: str) -> Strength | None:
    if text and text not in [s.value for s in Strength if s is not Strength.NOTHING]:
        raise usage(f"--evidence knows log, report, script, documentation, not {text!r}")
    return Strength(text) if text else None


def _day(text: str, flag: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise usage(f"{flag} needs a day such as 2026-12-01, not {text!r}") from None


def _now() -> date:
    return date.today()


def _write(
    registry: platforms.Registry,
    entries: Sequence[Entry],
    form: str,
    file: Path | None,
    on: date,
    asked: Sequence[str] = (),
) -> None:
    if form == "table":
        _show(table.entries(entries, on, asked), file)
    elif form == "csv":
        _out(sheet.render(entries, on), file)
    elif form == "html":
        _out(html.render(registry, entries, on), file)
    elif form == "name":
        _out("".join(f"{e.path}\n" for e in entries), file)
    else:
        _out(output.text(tuple(entries), form), file)


def _show(found: RenderableType, file: Path | None) -> None:
    if file is None:
        output.console().print(found)
    else:
        _out(output.plain(found), file)


def _out(text: str, file: Path | None) -> None:
    if file is None:
        print(text, end="")
    else:
        file.write_text(text, encoding="utf-8")
