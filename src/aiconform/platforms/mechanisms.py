"""Which mechanisms a text names, by the table beside this file. Pure but for reading that table."""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import islice

import yaml


@dataclass(frozen=True)
class Named:
    """A mechanism's name in the table, and the pattern by which a text is known to name it."""

    name: str
    pattern: re.Pattern[str]


@cache
def table() -> dict[str, tuple[Named, ...]]:
    """Requirement -> the mechanisms that are known for it, in the file's order."""
    text = resources.files(__package__).joinpath("mechanisms.yaml").read_text(encoding="utf-8")
    data: dict[str, dict[str, list[str]]] = yaml.safe_load(text)
    return {
        requirement: tuple(Named(name, _pattern(phrases)) for name, phrases in names.items())
        for requirement, names in data.items()
    }


def known(requirement: str) -> tuple[str, ...]:
    """The names in the table for a requirement."""
    return tuple(n.name for n in table().get(requirement, ()))


@dataclass(frozen=True)
class Mentions:
    """`named` are mechanisms that a text names; `denied` are those that it only says are not there."""

    named: tuple[str, ...]
    denied: tuple[str, ...]


def mentions(requirement: str, text: str) -> Mentions:
    """What a text names for a requirement, in the table's order.

    A mention counts as denied if "not", "no", "without" or "conditional on" stands shortly before it in its sentence,
    or "is not" right behind it. One mention that is not denied is enough to be named.
    """
    split = _CAMEL.sub(" ", text)
    named: list[str] = []
    denied: list[str] = []
    for known in table().get(requirement, ()):
        found = [
            _is_denied(t, m) for t in dict.fromkeys((text, split)) for m in islice(known.pattern.finditer(t), _MOST)
        ]
        if found:
            (denied if all(found) else named).append(known.name)
    return Mentions(tuple(named), tuple(denied))


def _is_denied(text: str, match: re.Match[str]) -> bool:
    before, after = text[max(0, match.start() - 80) : match.start()], text[match.end() : match.end() + 40]
    return bool(_DENIED_BEFORE.search(before) or _DENIED_AFTER.match(after))


# Mentions that are looked at: a long log says the same thing thousands of times.
_MOST = 50
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DENIED_BEFORE = re.compile(
    r"\b(?:not|no|without|cannot|neither|nor|conditional on)\b(?! only\b| just\b)[^.;:,()\n]*$", re.IGNORECASE
)
_DENIED_AFTER = re.compile(r"[^.;:,\n]{0,20}\b(?:is|are|was|were) (?:currently )?not\b(?! only\b)", re.IGNORECASE)


def _pattern(phrases: list[str]) -> re.Pattern[str]:
    """Without look-behind of open length or nested repetition, so that no text makes it slow."""
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(_phrase, phrases))})(?![A-Za-z0-9])")


def _phrase(phrase: str) -> str:
    if phrase.startswith("="):
        return re.escape(phrase[1:])
    words = "[-_/ ]?".join(re.escape(w) for w in phrase.removesuffix("*").split())
    return f"(?i:{words}{'[a-z]*' if phrase.endswith('*') else ''})"
