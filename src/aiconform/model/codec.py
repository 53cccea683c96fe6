"""JSON in and out, by the types. Equal values give equal bytes."""

import inspect
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_encoder = msgspec.json.Encoder(order="deterministic")


def encode(value: Any) -> bytes:
    """Compact JSON with sorted keys."""
    return _encoder.encode(value)


def encode_line(value: Any) -> bytes:
    """One line of JSON Lines."""
    return _encoder.encode(value) + b"\n"


def encode_pretty(value: Any) -> bytes:
    """Indented JSON with sorted keys and a final newline, for files that people read."""
    return msgspec.json.format(_encoder.encode(value), indent=2) + b"\n"


def decode(data: bytes | str, kind: type[T]) -> T:
    """Strict decoding; raises msgspec.ValidationError or msgspec.DecodeError with a path to the fault."""
    return msgspec.json.decode(data, type=kind)


def schema(kind: type) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a type, the same by every version of msgspec.

    Some versions keep the indentation of docstrings, and only some write the default of a field that is made anew.
    """
    plain: dict[str, Any] = _plain(msgspec.json.schema(kind))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **plain}


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    said = node.get("description")
    described = {"description": inspect.cleandoc(said)} if isinstance(said, str) else {}
    return {k: _plain(v) for k, v in node.items() if (k, v) != ("default", {})} | described
