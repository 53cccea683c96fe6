"""Loads a checklist version from its data file."""

from functools import cache
from importlib import resources

import msgspec
import yaml

from aiconform.model import Checklist

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnknownChecklist(Exception):
    """A version was asked for that this release does not know. The message names those that it does."""


def versions() -> tuple[str, ...]:
    """All known versions, oldest first: ("v1.33", ...)."""
    names = [f.name for f in resources.files(__package__).iterdir() if f.name.endswith(".yaml")]
    return tuple(sorted((n.removesuffix(".yaml") for n in names), key=_minor))


@cache
def load(version: str) -> Checklist:
    """The checklist of "1.37" or "v1.37"; raises UnknownChecklist."""
    wanted = "v" + version.removeprefix("v")
    if wanted not in versions():
        raise UnknownChecklist(
            f"checklist {version!r} is not known: choose one of {', '.join(v[1:] for v in versions())}"
        )
    text = resources.files(__package__).joinpath(f"{wanted}.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.load(text, Loader=_LOADER), Checklist)


def for_server(minor: int) -> Checklist:
    """The checklist for a Kubernetes minor version; the newest known one for a newer server."""
    known = versions()
    name = f"v1.{minor}"
    return load(name if name in known else known[-1])


def _minor(version: str) -> int:
    return int(version.split(".")[1])
