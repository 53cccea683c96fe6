"""Quantities as Kubernetes writes them ("500m", "1.5Gi", "2e3")."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

_SHAPE = re.compile(r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|)$")
_POWERS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def quantity(value: Any) -> Decimal | None:
    """The number, None if it is no quantity."""
    found = _SHAPE.match(str(value).strip())
    if not found or isinstance(value, bool):
        return None
    try:
        number = Decimal(found[1])
    except InvalidOperation:
        return None
    if found[2] in _BINARY:
        return number * Decimal(1024 ** (_BINARY.index(found[2]) + 1))
    return number.scaleb(_POWERS[found[2]])


def written(value: Decimal) -> str:
    """A quantity as people write it: "16Gi" for whole binary multiples, "500m" for parts, else the plain number."""
    for power, unit in reversed(list(enumerate(_BINARY, start=1))):
        if value >= 1024**power and value % 1024**power == 0:
            return f"{value // 1024**power}{unit}"
    if value != value.to_integral_value():
        return f"{(value * 1000).normalize():f}m"
    return f"{value.normalize():f}"
