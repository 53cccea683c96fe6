"""`python -m aiconform.docs_gen [--check] [--docs DIR]`: writes docs/checks and docs/schemas, or compares them."""

import argparse
import sys
from pathlib import Path

import aiconform
from aiconform.docs_gen import checks, schemas
from aiconform.docs_gen.faults import FaultError

FOLDERS = ("checks", "schemas")


def generated() -> dict[str, str]:
    """Path below `docs/` -> text of everything that is generated. Raises FaultError."""
    return {**checks.pages(), **schemas.pages()}


def differences(docs: Path, wanted: dict[str, str]) -> list[str]:
    """What differs between `docs` and the generated text, one sentence a file. Both folders hold nothing else."""
    problems = []
    for name, text in sorted(wanted.items()):
        path = docs / name
        if not path.exists():
            problems.append(f"{path} is missing")
        elif path.read_text(encoding="utf-8") != text:
            problems.append(f"{path} differs")
    return problems + [f"{path} is not generated any more" for path in _extra(docs, wanted)]


def write(docs: Path, wanted: dict[str, str]) -> None:
    """Makes `docs` hold the generated text, and removes what is not generated any more."""
    for path in _extra(docs, wanted):
        path.unlink()
    for name, text in wanted.items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _extra(docs: Path, wanted: dict[str, str]) -> list[Path]:
    here = {p for folder in FOLDERS for p in (docs / folder).glob("*") if p.is_file()}
    return sorted(here - {docs / name for name in wanted})


def main(argv: list[str] | None = None) -> int:
    """0: written, or equal; 1: something differs; 64: usage."""
    parser = argparse.ArgumentParser(prog="python -m aiconform.docs_gen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; say what differs")
    parser.add_argument("--docs", type=Path, help="the docs folder (default: the one of this checkout)")
    options = parser.parse_args(argv)
    root = Path(aiconform.__file__).parents[2]
    if options.docs is None and not (root / "pyproject.toml").exists():
        print("this aiconform is not a checkout: name the folder with --docs DIR", file=sys.stderr)
        return 64
    docs = options.docs or root / "docs"
    try:
        wanted = generated()
        if not options.check:
            write(docs, wanted)
            return 0
        problems = differences(docs, wanted)
    except (FaultError, OSError) as error:
        print(str(error), file=sys.stderr)
        return 1
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print("run `python -m aiconform.docs_gen` and commit the result", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
