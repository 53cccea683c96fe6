"""The little of CEL that claims for devices mostly use: equalities and least amounts, joined by &&. Pure."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiconform.model import Accelerator
from aiconform.porting.quantity import quantity

_DRIVER = re.compile(r"""device\.driver\s*==\s*['"]([^'"]+)['"]$""")
_EQUAL = re.compile(
    r"""device\.attributes\[['"]([^'"]+)['"]\]\.(\w+)\s*==\s*(?:['"]([^'"]*)['"]|(true|false)|(-?\d+))$"""
)
_LEAST = re.compile(
    r"""device\.capacity\[['"]([^'"]+)['"]\]\.(\w+)\.compareTo\(quantity\(['"]([^'"]+)['"]\)\)\s*(>=|>)\s*0$"""
)


@dataclass(frozen=True, kw_only=True)
class Term:
    """One part of a selector. `name` is the attribute's or capacity's, `value` what it must equal or reach.

    `kind`: driver, attribute, capacity, or other (which is not understood).
    """

    kind: str
    text: str
    domain: str = ""
    name: str = ""
    value: Any = None


def terms(expression: str) -> tuple[Term, ...]:
    """The parts that must all hold; a single one of kind "other" where that cannot be told."""
    if "||" in expression or "?" in expression:
        return (Term(kind="other", text=expression),)
    return tuple(_term(part.strip()) for part in expression.split("&&"))


def _term(text: str) -> Term:
    bare = text
    while bare.startswith("(") and bare.endswith(")"):
        bare = bare[1:-1].strip()
    if found := _DRIVER.match(bare):
        return Term(kind="driver", text=text, value=found[1])
    if found := _EQUAL.match(bare):
        domain, name, word, boolean, number = found.groups()
        value = word if word is not None else (boolean == "true" if boolean else int(number))
        return Term(kind="attribute", text=text, domain=domain, name=name, value=value)
    if (found := _LEAST.match(bare)) and found[4] == ">=" and quantity(found[3]) is not None:
        return Term(kind="capacity", text=text, domain=found[1], name=found[2], value=found[3])
    return Term(kind="other", text=text)


def holds(expression: str, accelerator: Accelerator) -> bool | None:
    """Whether some of its devices meet the selector; None where the inventory does not tell."""
    answers = [_holds(t, accelerator) for t in terms(expression)]
    if False in answers:
        return False
    # Two conditions that only some devices meet may be met by different ones.
    return None if None in answers or answers.count("some") > 1 else True


def _holds(term: Term, a: Accelerator) -> bool | str | None:
    if term.kind == "driver":
        return bool(term.value == a.driver)
    if term.kind == "other":
        return None
    names = (f"{term.domain}/{term.name}", *((term.name,) if term.domain == a.driver else ()))
    if term.kind == "capacity":
        found = next((a.capacity[n] for n in names if n in a.capacity), None)
        if found is None:
            return None
        enough = [_at_least(c, term.value) for c in found]
        return True if all(enough) else "some" if any(enough) else False
    if any(n in a.attributes for n in names):
        return any(a.attributes.get(n) == term.value for n in names)
    values = next((a.varying[n] for n in names if n in a.varying), None)
    if values is None:
        return None
    return "some" if term.value in values else False


def _at_least(amount: str, least: str) -> bool:
    here, wanted = quantity(amount), quantity(least)
    return here is not None and wanted is not None and here >= wanted


def equals(a: Accelerator, attribute: str, value: Any) -> str:
    """A selector for one attribute of a driver's devices."""
    domain, _, name = attribute.rpartition("/")
    return f"device.attributes[{json.dumps(domain or a.driver)}].{name} == {json.dumps(value)}"


def of_request(request: dict[str, Any]) -> list[str]:
    """The CEL expressions of a request (its `exactly` part)."""
    found: Iterable[Any] = request.get("selectors") or ()
    return [
        str(s["cel"].get("expression", "")) for s in found if isinstance(s, dict) and isinstance(s.get("cel"), dict)
    ]
