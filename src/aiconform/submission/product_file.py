"""product.toml: what only the product's makers know. Pure.

[metadata]                      # the fields of the official file
platformName = "Example Platform"

[layers]                        # for a layered product: who provides what a row asks for
ai_inference = "Example Platform"

[layers.gang_scheduling]
by = "Example Platform"
component = "a gang scheduler 1.2"
base = "extended"               # what became of the base's own: inherited, matched, extended, replaced or absent
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiconform.report.product_yaml import OPTIONAL, REQUIRED

_BASE = ("inherited", "matched", "extended", "replaced", "absent")


class BadProduct(Exception):
    """The file cannot be used. The message is one sentence without the file's name."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Who provides a row. `base` says what became of the base platform's own; "" if nothing was said."""

    by: str
    component: str = ""
    base: str = ""

    def words(self) -> str:
        """For the row's notes."""
        component = f" ({self.component})" if self.component else ""
        base = f"; the base platform's own is {self.base}" if self.base else ""
        return f"Layer: {self.by}{component}{base}."


@dataclass(frozen=True, kw_only=True)
class ProductFile:
    """`metadata` by the official names, `layers` by requirement."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, Layer] = field(default_factory=dict)


def read(data: bytes, known: tuple[str, ...]) -> ProductFile:
    """The file's content; `known` are the requirements that a layer may be named for. Raises BadProduct."""
    try:
        found = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadProduct("it is no UTF-8 text; save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadProduct(f"it is no TOML: {str(error) or 'nested too deeply'}") from None
    if odd := sorted(found.keys() - {"metadata", "layers"}):
        raise BadProduct(f"{odd[0]} is not known: it has the tables metadata and layers")
    metadata, layers = _table(found, "metadata"), _table(found, "layers")
    for name, value in metadata.items():
        if name not in (*REQUIRED, *OPTIONAL):
            raise BadProduct(f"there is no metadata field {name}: the fields are {', '.join((*REQUIRED, *OPTIONAL))}")
        if not isinstance(value, str):
            raise BadProduct(f"metadata {name} must be a text: put {value} in quotes")
    return ProductFile(metadata=metadata, layers={name: _layer(name, value, known) for name, value in layers.items()})


def _table(found: dict[str, Any], name: str) -> dict[str, Any]:
    table = found.get(name, {})
    if not isinstance(table, dict):
        raise BadProduct(f"{name} must be a table: [{name}]")
    return table


def _layer(name: str, value: object, known: tuple[str, ...]) -> Layer:
    if name not in known:
        raise BadProduct(f"layers names {name}, which is no row: the rows are {', '.join(known)}")
    if isinstance(value, str):
        value = {"by": value}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise BadProduct(f"the layer of {name} must be a text, or a table of texts: by, component, base")
    if odd := sorted(value.keys() - {"by", "component", "base"}):
        raise BadProduct(f"the layer of {name} has {odd[0]}: it knows by, component and base")
    if not value.get("by", "").strip():
        raise BadProduct(f"the layer of {name} does not say by whom: give `by`")
    if value.get("base", "") not in ("", *_BASE):
        raise BadProduct(f"base of {name} is {value['base']!r}: choose from {', '.join(_BASE)}")
    return Layer(**value)
