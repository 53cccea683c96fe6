"""`aiconform product`: the official PRODUCT.yaml, filled in from a run, with its evidence beside it."""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from aiconform.cli import derived, output
from aiconform.cli.errors import Problem, usage
from aiconform.cli.settings import ChecklistVersion
from aiconform.cli.suite import judging_suite
from aiconform.cli.template import fetch
from aiconform.engine import registry
from aiconform.engine.judge import Judged, judge_run
from aiconform.model import Outcome
from aiconform.report import evidence_page, product_yaml

ARTIFACTS = ("junit.xml", "e2e.log", "results.json")


def product(
    directory: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    out: Annotated[
        Path | None,
        typer.Option("--output-dir", "-o", help="Where to write. Default: the run's derived/.", metavar="FOLDER"),
    ] = None,
    template: Annotated[
        str,
        typer.Option(
            "--template", help="Official checklist (file or URL). Default: the programme's, cached.", metavar="FILE|URL"
        ),
    ] = "",
    metadata: Annotated[
        Path | None,
        typer.Option("--metadata", help="YAML file with the product's metadata (vendorName: ...).", metavar="FILE"),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", help="One metadata field: NAME=VALUE (repeatable).", metavar="NAME=VALUE"),
    ] = None,
    checklist: ChecklistVersion = "",
) -> int:
    """Fill in the official PRODUCT.yaml from a run, and write the evidence that it links to.

    Only what a run proved becomes Implemented. Other rows stay blank, with a note of what is missing.
    """
    judged = judge_run(directory, judged_by=judging_suite(), checklist=checklist)
    rows = judged.assessment
    text = fetch(template, version=rows.checklist.removeprefix("v"), sha256=rows.official_sha256)
    try:
        filled = product_yaml.render(text, rows, _metadata(metadata, given or []), product_yaml.links(rows))
        missing = product_yaml.unfilled(filled)
    except product_yaml.TemplateError as error:
        raise Problem(str(error)) from None
    folder = out or directory / "derived"
    keep_by_hand(folder / "PRODUCT.yaml", template, out is not None)
    for name, data in files(judged, filled).items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    _say_what_is_left(judged, filled, missing)
    print(folder / "PRODUCT.yaml")
    return 0


def files(judged: Judged, filled: str) -> dict[str, bytes]:
    """PRODUCT.yaml and the evidence that it may link to, by their names."""
    made = derived.files(judged)
    checks = {v.check: registry.load(v.check).check for v in judged.verdicts}
    pages = evidence_page.render(judged.assessment, judged.verdicts, judged.recordings, checks)
    return {
        "PRODUCT.yaml": filled.encode(),
        **{name: made[name] for name in ARTIFACTS},
        **{f"evidence/{name}.md": page.encode() for name, page in pages.items()},
    }


def _metadata(path: Path | None, given: list[str]) -> dict[str, str]:
    found: dict[str, Any] = {}
    if path is not None:
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise usage(f"{path} is no YAML: {str(error).splitlines()[0]}") from None
        except OSError as error:
            raise usage(f"{path} cannot be read: {error.strerror}") from None
        if not isinstance(content, dict):
            raise usage(f"{path} must hold names and values, such as `vendorName: Example`")
        found |= content.get("metadata", content)
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            raise usage(f"--set needs NAME=VALUE, not {item!r}")
        found[name] = value
    return found


def keep_by_hand(path: Path, template: str, chosen: bool) -> None:
    """What somebody filled in is only written over if it was the template, whose answers are kept."""
    if chosen and path.exists() and (not template or Path(template).resolve() != path.resolve()):
        raise Problem(f"{path} is there already: give it as --template, so that what is filled in by hand is kept")


def _say_what_is_left(judged: Judged, filled: str, missing: tuple[str, ...]) -> None:
    rows = judged.assessment.rows
    proved = sum(r.outcome is Outcome.PASS for r in rows)
    output.say(f"{proved} of {len(rows)} rows proved; the others need work or evidence by hand")
    if missing:
        output.say(f"metadata still to be filled in (--set NAME=VALUE): {', '.join(missing)}")
    if failed := [r.requirement for r in rows if r.outcome is Outcome.FAIL]:
        by_hand = [name for name in failed if name in product_yaml.stated(filled)]
        for name in by_hand:
            output.say(f"{name} is answered by hand, and this run saw it FAIL: look at that answer again")
        output.say(f"the programme's gate refuses artifacts that hold a failed test, and {', '.join(failed)} failed")
