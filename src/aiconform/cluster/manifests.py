"""Manifests with parameters: YAML in which `${name}` stands for a value."""

import re
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import yaml

_PLACE = re.compile(r"\$(\$|\{([A-Za-z_][A-Za-z0-9_]*)\})")


class ManifestError(ValueError):
    """A manifest and its parameters do not fit together: a mistake in a check, not in the cluster."""


def fill(source: str | Path, **parameters: Any) -> list[dict[str, Any]]:
    """The objects of a YAML text (a Path: of that file), with every `${name}` replaced.

    A value that is one placeholder takes the parameter with its type (int, dict, list); inside longer text it
    must be a string or a number. Keys are filled, too. "$$" stands for "$". In YAML's flow style ({...}) a
    placeholder must be quoted. ManifestError for an unknown parameter, for one that no place asks for, and for
    anything that is not YAML of objects.
    """
    where = str(source) if isinstance(source, Path) else "the manifest"
    text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    try:
        documents = [d for d in yaml.load_all(text, Loader=_LOADER) if d is not None]
    except yaml.YAMLError as e:
        raise ManifestError(f"{where} is not valid YAML: {e}") from None
    used: set[str] = set()
    objects = [_filled(d, parameters, used, where) for d in documents]
    for obj in objects:
        if not isinstance(obj, dict) or not {"apiVersion", "kind"} <= set(obj):
            raise ManifestError(f"{where} holds something that is no Kubernetes object")
    _all_used(set(parameters) - used, where)
    return objects


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _all_used(unused: AbstractSet[str], where: str) -> None:
    if unused:
        raise ManifestError(f"{where} has no place for {', '.join(sorted(unused))}")


def _filled(node: Any, parameters: dict[str, Any], used: set[str], where: str) -> Any:
    if isinstance(node, dict):
        return {_key(k, parameters, used, where): _filled(v, parameters, used, where) for k, v in node.items()}
    if isinstance(node, list):
        return [_filled(v, parameters, used, where) for v in node]
    if not isinstance(node, str):
        return node
    whole = _PLACE.fullmatch(node)
    if whole and whole.group(2):
        return _value(whole.group(2), parameters, used, where)
    return _PLACE.sub(lambda m: _text(m, parameters, used, where), node)


def _key(key: Any, parameters: dict[str, Any], used: set[str], where: str) -> Any:
    return _PLACE.sub(lambda m: _text(m, parameters, used, where), key) if isinstance(key, str) else key


def _text(match: re.Match[str], parameters: dict[str, Any], used: set[str], where: str) -> str:
    if not match.group(2):
        return "$"
    value = _value(match.group(2), parameters, used, where)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ManifestError(f"{where}: ${{{match.group(2)}}} stands inside text, and {value!r} is no text or number")
    return str(value)


def _value(name: str, parameters: dict[str, Any], used: set[str], where: str) -> Any:
    if name not in parameters:
        raise ManifestError(f"{where} asks for ${{{name}}}, which was not given")
    used.add(name)
    return parameters[name]
