"""`aiconform submission`: predicts the programme's gate, and writes what is submitted."""

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiconform.cli.errors import BROKEN, FAILED, Problem, usage

if TYPE_CHECKING:
    from aiconform.submission.checker import Checked

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Submissions to the programme: write them, and check them."
)

FORMS = ("table", "json", "github", "sarif")


@app.command("check")
def check(
    paths: Annotated[
        list[Path], typer.Argument(help="PRODUCT.yaml files, or folders with any number below.", metavar="PATH...")
    ],
    online: Annotated[
        bool, typer.Option("--online/--offline", help="Follow links and fetch the members list, as the gate does.")
    ] = False,
    members: Annotated[
        Path | None,
        typer.Option("--members", help="The CNCF landscape's landscape.yml, to look the vendor up.", metavar="FILE"),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            "--template", help="Official checklist file of a version that is newer than this.", metavar="FILE"
        ),
    ] = None,
    advise: Annotated[bool, typer.Option("--advice/--no-advice", help="Say what goes beyond the gate.")] = True,
    certified: Annotated[
        str,
        typer.Option(
            "--certified", help="Day of the certification, as 2026-01-31. Default: git's history.", metavar="DATE"
        ),
    ] = "",
    form: Annotated[
        str, typer.Option("--output", "-o", help="table, json, github or sarif.", metavar="FORMAT")
    ] = "table",
) -> int:
    """Predict the programme's gate: the same errors and warnings, with places, and advice beyond it.

    Exit codes: 0 no error was found; 1 the gate would refuse a file; 3 a file cannot be judged; 64 wrong usage.
    """
    from aiconform.submission import checker, files

    if form not in FORMS:
        raise usage(f"--output knows {', '.join(FORMS)}, not {form!r}")
    asked = checker.Asked(
        members=_members(members, online),
        official=checker.as_checklist(template) if template else None,
        advice=advise,
        certified=_day(certified),
    )
    found = list(checker.check(files.find(paths), asked))
    if online:
        found = _followed(found)
    sys.stdout.write(_render(found, form))
    if any(c.verdict == "refused" for c in found):
        return FAILED
    return BROKEN if any(c.verdict == "unreadable" for c in found) else 0


@app.command("new")
def new(
    directory: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    product: Annotated[
        Path, typer.Option("--product", help="product.toml: metadata, and layers of a layered product.", metavar="FILE")
    ],
    out: Annotated[
        Path, typer.Option("--output-dir", "-o", help="The product's folder, such as v1.37/example.", metavar="FOLDER")
    ],
    template: Annotated[
        str,
        typer.Option(
            "--template", help="Official checklist (file or URL). Default: the programme's, cached.", metavar="FILE|URL"
        ),
    ] = "",
    upstream: Annotated[
        Path | None,
        typer.Option(
            "--upstream", help="Folder with junit.xml, e2e.log, results.json of upstream's suite.", metavar="FOLDER"
        ),
    ] = None,
    accept_upstream: Annotated[
        bool,
        typer.Option("--accept-upstream", help="Let a test of upstream make a row Implemented that is UNKNOWN here."),
    ] = False,
    checklist: Annotated[
        str, typer.Option("--checklist", help="Checklist version, such as 1.36. Default: the run's.", metavar="VERSION")
    ] = "",
) -> int:
    """Write a submission from a run: the official file filled in, and the evidence that it links to beside it.

    Only what the run proved becomes Implemented. Other rows stay blank, with a note of what is missing.
    """
    from aiconform.cli import submitting

    return submitting.write(
        directory, product, out, template, upstream, accept_upstream=accept_upstream, checklist=checklist
    )


def _render(found: "list[Checked]", form: str) -> str:
    from aiconform import __version__
    from aiconform.submission import forms

    if form == "sarif":
        return forms.sarif(found, __version__)
    return {"table": forms.table, "json": forms.as_json, "github": forms.github}[form](found)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise usage(f"--certified needs a day such as 2026-01-31, not {text!r}") from None


def _followed(found: "list[Checked]") -> "list[Checked]":
    from aiconform.cli import output
    from aiconform.submission import checker, follow, links

    urls = [link.url for c in found for link in c.links]
    output.say(f"following {len(set(urls))} links")
    try:
        answers = follow.follow(urls)
    except follow.NoNetwork as error:
        raise Problem(str(error)) from None
    return [checker.with_links(c, links.remarks(c, answers)) for c in found]


def _members(path: Path | None, online: bool) -> frozenset[str] | None:
    from aiconform.submission import files, members

    if path is None and not online:
        return None
    data = files.read_bytes(path, members.LARGEST) if path else _landscape()
    try:
        return members.members(data)
    except members.NoMembers as error:
        raise Problem(f"{path or members.URL} is no landscape: {error}; give landscape.yml of cncf/landscape") from None


def _landscape() -> bytes:
    from aiconform.submission import follow, members

    try:
        return follow.fetch(members.URL, members.LARGEST)
    except follow.NoNetwork as error:
        raise Problem(f"{error}; give the landscape's file with --members") from None
