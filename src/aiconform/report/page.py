"""What every page of ours shares: it is one file, opens from disk, and loads nothing."""

import base64
import hashlib
from functools import cache
from importlib import resources

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from aiconform.report import view

_REPORT = "aiconform.report"


@cache
def environment(package: str = _REPORT) -> Environment:
    """Templates of a package, and those of the report, with everything escaped."""
    packages = dict.fromkeys((package, _REPORT))
    env = Environment(
        loader=ChoiceLoader([PackageLoader(p) for p in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.globals.update(sign=view.SIGN, word=view.WORD, text_of=view.text_of, words=view.words, no_check=view.NO_CHECK)
    return env


@cache
def asset(name: str, package: str = _REPORT) -> str:
    """The text of a file beside a package's templates."""
    return resources.files(package).joinpath("templates", name).read_text(encoding="utf-8")


def digest(script: str) -> str:
    """The script's hash for the page's Content-Security-Policy, which forbids everything else."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
