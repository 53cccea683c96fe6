"""Writes what is derived from a recording. All of it can be deleted and made again."""

import shutil
from pathlib import Path

from aiconform.engine import registry
from aiconform.engine.judge import Judged
from aiconform.model import encode_pretty
from aiconform.report import gotest, html, junit, markdown

FILES = ("report.html", "report.md", "junit.xml", "e2e.log", "results.json")


def write(directory: Path, judged: Judged) -> Path:
    """Fills `directory/derived` and returns it. Equal recordings give equal bytes."""
    derived = directory / "derived"
    fresh = directory / ".derived.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, data in files(judged).items():
        (fresh / name).write_bytes(data)
    shutil.rmtree(derived, ignore_errors=True)
    fresh.rename(derived)
    return derived


def files(judged: Judged) -> dict[str, bytes]:
    """Every derived file by its name."""
    checks = {v.check: registry.load(v.check).check for v in judged.verdicts}
    texts = {
        "report.html": html.render(judged.assessment, judged.verdicts, judged.recordings, checks),
        "report.md": markdown.render(judged.assessment, judged.verdicts, judged.recordings, checks),
        "junit.xml": junit.render(judged.assessment, judged.verdicts, judged.recordings, checks),
        "e2e.log": gotest.e2e_log(judged.assessment, judged.verdicts, judged.recordings, checks),
        "results.json": gotest.results_json(judged.assessment, judged.verdicts, judged.recordings, checks),
    }
    return {
        "verdicts.json": encode_pretty(judged.verdicts),
        f"assessment-{judged.assessment.checklist}.json": encode_pretty(judged.assessment),
        **{name: text.encode() for name, text in texts.items()},
    }
