"""CEL selectors of DeviceClasses, as far as they can be judged without the scheduler. Pure."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

_DRIVER = re.compile(r"""device\.driver\s*==\s*['"]([^'"]+)['"]$""")
_ATTRIBUTE = re.compile(
    r"""device\.attributes\[['"]([^'"]+)['"]\]\.(\w+)\s*==\s*(?:['"]([^'"]*)['"]|(true|false)|(-?\d+))$"""
)

_Equality = tuple[str, str, Any]  # domain and name of an attribute, and its value; "" and "" are the driver


def may_match(expression: str, driver: str, attributes: Mapping[str, Any]) -> bool:
    """False only if a CEL selector surely leaves a device out: by one of its equalities, joined by `&&`.

    Everything else (`||`, functions, comparisons) is taken as a match: the scheduler decides. `attributes` are
    plain values by the names that the slice gives them.
    """
    return all(_holds(term, driver, attributes) for term in _equalities(expression))


# A handful of expressions, asked of every device of the cluster.
@cache
def _equalities(expression: str) -> tuple[_Equality, ...]:
    if "||" in expression or "?" in expression:
        return ()
    found: list[_Equality] = []
    for part in expression.split("&&"):
        term = part.strip().strip("()").strip()
        if driver := _DRIVER.match(term):
            found.append(("", "", driver[1]))
        elif attribute := _ATTRIBUTE.match(term):
            domain, name, text, boolean, number = attribute.groups()
            found.append((domain, name, text if text is not None else (boolean == "true" if boolean else int(number))))
    return tuple(found)


def _holds(equality: _Equality, driver: str, attributes: Mapping[str, Any]) -> bool:
    domain, name, wanted = equality
    if not name:
        return bool(driver == wanted)
    here = attributes.get(name) if domain == driver else None
    return bool(attributes.get(f"{domain}/{name}", here) == wanted)
