"""Machine output on stdout, everything else on stderr."""

import os
import sys
from io import StringIO
from typing import Any

import msgspec
import yaml
from rich.console import Console, RenderableType

from aiconform.cli.errors import usage
from aiconform.model import encode_pretty

FORMATS = ("table", "json", "yaml", "name")


def colour() -> bool:
    """Colour only on a terminal, and never with NO_COLOR set."""
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ


def console(*, stderr: bool = False) -> Console:
    """A console that is plain, and wide enough for whole names, where output is no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 200
    no_color = True if "NO_COLOR" in os.environ else None
    return Console(stderr=stderr, no_color=no_color, highlight=False, soft_wrap=True, width=width)


def check_format(name: str, allowed: tuple[str, ...] = FORMATS) -> None:
    """Raises a usage error for an unknown --output."""
    if name not in allowed:
        raise usage(f"--output knows {', '.join(allowed)}, not {name!r}")


def dump(value: Any, form: str) -> None:
    """Prints a value of the model as JSON or YAML."""
    print(text(value, form), end="")


def text(value: Any, form: str) -> str:
    """A value of the model as JSON or YAML."""
    data = encode_pretty(value)
    if form == "yaml":
        return yaml.safe_dump(msgspec.json.decode(data), sort_keys=False, allow_unicode=True)
    return data.decode()


def plain(renderable: RenderableType) -> str:
    """What a terminal would show, as plain lines for a file."""
    out = StringIO()
    Console(file=out, no_color=True, highlight=False, width=200, soft_wrap=True).print(renderable)
    return out.getvalue()


def say(text: str) -> None:
    """A line for the reader, on stderr."""
    print(text, file=sys.stderr, flush=True)
