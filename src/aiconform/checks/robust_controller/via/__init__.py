"""What an adapter for an operator must offer: a description of how to try it, and what that needs.

An operator is described by data (model.Operator), so that users can describe one that no adapter knows, in the same
words. Descriptions lie in `manifests/`, one file an operator; one module per product here exports MECHANISM.
"""

import importlib
import pkgutil
from pathlib import Path
from typing import Protocol, cast

import msgspec
import yaml

from aiconform.model import Detection, Inventory, Mechanism, Operator, Permission

_FOLDER = Path(__file__).parent.parent / "manifests"
# What is done to the resource under test; cleanup adds what it needs.
LIVES = ("create", "list", "watch", "patch", "delete")


class OperatorMechanism(Mechanism, Protocol):
    """An adapter.

    `proved`: on which version it was run for real, and where; or that it was not yet.
    `permissions`: what its objects need, beside the check's permissions.
    """

    product: str
    proved: str
    permissions: tuple[Permission, ...]

    def describe(self, inventory: Inventory) -> Operator:
        """How to try it here. Only called where it was detected."""


class Described:
    """An adapter whose operator is described by a file, and detected by the kind that it serves."""

    tried = "where found"

    def __init__(
        self, product: str, group: str, version: str, plural: str, *, proved: str, permissions: tuple[Permission, ...]
    ) -> None:
        self.product = product
        self.proved = proved
        self.permissions = permissions
        self._group, self._version, self._plural = group, version, plural

    def detect(self, inventory: Inventory) -> Detection:
        """By what the API server serves; whether it works is what the check is for."""
        name = f"{self._plural} of {self._group}/{self._version}"
        if inventory.serves(self._group, self._version, self._plural):
            return Detection(usable=True, because=f"the API server serves {name}", version=self._version)
        return Detection(usable=False, because=f"the API server does not serve {name}")

    def describe(self, inventory: Inventory) -> Operator:
        """The file of its name in `manifests/`."""
        del inventory
        return load(self.product)


def load(name: str, **words: str) -> Operator:
    """The description `manifests/<name>.yaml`. `words` replace ${word} in its text."""
    text = (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace("${" + word + "}", value)
    return msgspec.convert(yaml.safe_load(text), Operator)


def mechanisms() -> tuple[OperatorMechanism, ...]:
    """Every adapter in this folder, by module name."""
    found = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return tuple(cast(OperatorMechanism, m.MECHANISM) for m in found if hasattr(m, "MECHANISM"))


def children(group: str, *plurals: str) -> Permission:
    """What the operator makes: looked at, and one of it deleted to see it come again."""
    return Permission(group=group, resources=plurals, verbs=("list", "watch", "delete"), why="what the operator makes")


def watched(group: str, *plurals: str) -> Permission:
    """Kinds between the resource and its pods."""
    return Permission(
        group=group, resources=plurals, verbs=("list", "watch"), why="what stands between it and its pods"
    )
