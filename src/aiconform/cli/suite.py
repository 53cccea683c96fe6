"""Which aiconform this is."""

from aiconform import __version__
from aiconform.cli.derived import commit
from aiconform.model import Suite


def this_suite() -> Suite:
    """Version and, in a checkout, commit. Judged files name the version only, so that they stay comparable."""
    return Suite(version=__version__, commit=commit())


def judging_suite() -> Suite:
    """What verdicts name. Without a commit: equal code gives equal bytes wherever it is installed."""
    return Suite(version=__version__)
