"""What `aiconform submission new` does: judge, fill in, write, and say what the gate would still refuse."""

from pathlib import Path

from aiconform.cli import output
from aiconform.cli.errors import Problem, usage
from aiconform.cli.product import ARTIFACTS, files, keep_by_hand
from aiconform.cli.suite import judging_suite
from aiconform.cli.template import fetch
from aiconform.engine.claims import load_claims
from aiconform.engine.judge import Judged, judge_run
from aiconform.model import Outcome
from aiconform.report import product_yaml
from aiconform.submission import artifacts, checker, forms
from aiconform.submission import write as writing
from aiconform.submission.beside import LARGEST_ARTIFACT
from aiconform.submission.files import NAME, Unreadable, place, read_bytes
from aiconform.submission.parse import parse
from aiconform.submission.product_file import BadProduct, ProductFile, read


def write(
    directory: Path,
    product: Path,
    out: Path,
    template: str,
    upstream: Path | None,
    *,
    accept_upstream: bool,
    checklist: str,
) -> int:
    """Writes the folder and prints the file's path. Every error is a Problem."""
    if accept_upstream and upstream is None:
        raise usage("--accept-upstream needs --upstream DIR, the folder with upstream's results")
    judged = judge_run(directory, judged_by=judging_suite(), checklist=checklist)
    rows = judged.assessment
    _right_folder(out, rows.checklist)
    about = _product(product, tuple(r.requirement for r in rows.rows))
    results = _upstream(upstream) if upstream else {}
    tests = writing.upstream({name: artifacts.read(name, data) for name, data in results.items()})
    linked = writing.evidence_links(rows)
    answers = writing.answers(rows, linked, about.layers, tests, accept_upstream=accept_upstream)
    text = fetch(template, version=rows.checklist.removeprefix("v"), sha256=rows.official_sha256)
    metadata = {**_blank(text), **about.metadata}
    try:
        filled = product_yaml.render(text, rows, metadata, linked, answers)
    except product_yaml.TemplateError as error:
        raise Problem(str(error)) from None
    keep_by_hand(out / NAME, template, chosen=True)
    _put(out, judged, filled, results)
    _say(out, judged, filled, about, with_upstream=bool(tests))
    _say_idle_claims(directory, judged)
    print(out / NAME)
    return 0


def _right_folder(out: Path, version: str) -> None:
    if place(out / NAME)[0] != version:
        raise usage(f"-o must lie below a folder {version}, as in {version}/example: the gate reads the version there")


def _product(path: Path, known: tuple[str, ...]) -> ProductFile:
    try:
        return read(read_bytes(path), known)
    except Unreadable as error:
        raise usage(str(error)) from None
    except BadProduct as error:
        raise usage(f"{path}: {error}") from None


def _blank(template: str) -> dict[str, str]:
    """Optional metadata that still holds a placeholder: the gate refuses that, and takes an empty text."""
    head = parse(template.encode(errors="replace"))
    return {name: "" for name in product_yaml.OPTIONAL if head.text(name).startswith("[")}


def _upstream(folder: Path) -> dict[str, bytes]:
    """The files of upstream's results, by the names that the gate parses."""
    found = {}
    for name in ARTIFACTS:
        path = folder / name
        if path.exists():
            found[name] = read_bytes(path, LARGEST_ARTIFACT)
            try:
                artifacts.read(name, found[name])
            except artifacts.BadArtifact as error:
                raise Problem(f"{path} {error}; give the output of upstream's suite as it is") from None
    if not found:
        raise usage(f"--upstream: {folder} holds none of {', '.join(ARTIFACTS)}")
    return found


def _put(out: Path, judged: Judged, filled: str, upstream: dict[str, bytes]) -> None:
    made = files(judged, filled)
    if _failed(judged):
        # A failed test in a file makes the gate refuse it, so what cannot be linked is not submitted.
        made = {name: data for name, data in made.items() if name not in ARTIFACTS}
    made |= {f"{writing.UPSTREAM_FOLDER}/{name}": data for name, data in upstream.items()}
    for path in (out / name for name in ARTIFACTS):
        # Results of an earlier run must not stay behind as if they were this one's.
        if path.exists() and b"aiconform" not in read_bytes(path, LARGEST_ARTIFACT):
            raise Problem(
                f"{path} is there already and not of aiconform; put it into another folder or name it otherwise"
            )
        path.unlink(missing_ok=True)
    for row in judged.assessment.rows:
        page = out / f"evidence/{row.requirement}.md"
        if page.is_file() and page.read_bytes().startswith(f"# {row.requirement}: ".encode()):
            page.unlink()
    for name, data in made.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)


def _say(out: Path, judged: Judged, filled: str, about: ProductFile, *, with_upstream: bool) -> None:
    rows = judged.assessment.rows
    proved = sum(r.outcome is Outcome.PASS for r in rows)
    output.say(f"{proved} of {len(rows)} rows proved by this run; the others need work or evidence by hand")
    if failed := _failed(judged):
        output.say(f"{', '.join(failed)} failed: the run's test results are left out, as the gate would refuse them")
    stated = product_yaml.stated(filled)
    if by_hand := [name for name in failed if name in stated]:
        output.say(f"answered by hand, though this run saw it fail: {', '.join(by_hand)}; look at that answer again")
    if with_upstream:
        output.say("what upstream's suite says is linked and named as upstream's")
    if about.layers and (without := [r.requirement for r in rows if r.requirement not in about.layers]):
        output.say(f"no layer is named for {', '.join(without)}")
    checked = next(iter(checker.check([out / NAME], checker.Asked(advice=False))))
    blank = [r.requirement for r in rows if r.level == "MUST" and r.requirement not in stated]
    if blank:
        output.say(f"every MUST needs an answer, and these have none: {', '.join(blank)}")
    told = (r for r in checked.remarks if r.level in ("error", "warning") and r.row not in blank)
    for remark in told:
        output.say(f"{remark.level}: line {remark.mark.line}: {forms.sentence(remark)}")
    if errors := sum(r.level == "error" for r in checked.remarks):
        output.say(f"the gate would still refuse it: {errors} error{'s' if errors > 1 else ''}")


def _say_idle_claims(directory: Path, judged: Judged) -> None:
    """Claims that no row takes: of a name that the checklist does not have, or with words other than N/A."""
    known = {r.requirement for r in judged.assessment.rows}
    for claim in load_claims(directory):
        if claim.requirement not in known:
            output.say(f"claims.yaml: {claim.requirement} is no row of this checklist; mend the name")
        elif claim.says.upper() not in product_yaml.SAY_NA:
            output.say(f"claims.yaml: {claim.requirement} says {claim.says!r}, which fills in no row; only N/A does")


def _failed(judged: Judged) -> list[str]:
    return [r.requirement for r in judged.assessment.rows if r.outcome is Outcome.FAIL]
