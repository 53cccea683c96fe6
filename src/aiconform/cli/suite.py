"""Which aiconform this is."""

import importlib.util
from pathlib import Path

from aiconform import __version__
from aiconform.model import Suite


def this_suite() -> Suite:
    """Version and, in a checkout, commit. Judged files name the version only, so that they stay comparable."""
    return Suite(version=__version__, commit=_commit())


def judging_suite() -> Suite:
    """What verdicts name. Without a commit: equal code gives equal bytes wherever it is installed."""
    return Suite(version=__version__)


def _commit() -> str:
    """The suite's own commit where it runs from a checkout; "" in an installed release."""
    spec = importlib.util.find_spec("aiconform")
    if spec is None or spec.origin is None:
        return ""
    head = Path(spec.origin).parents[2] / ".git" / "HEAD"
    try:
        text = head.read_text().strip()
        if text.startswith("ref: "):
            return (head.parent / text[5:]).read_text().strip()
    except OSError:
        return ""
    return text
