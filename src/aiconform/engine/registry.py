"""Finds checks by their folders and loads them when they are needed."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import aiconform.checks
from aiconform.model import Attempt, Check, Inventory, Level, Mechanism, Options, Recording, Suite, Verdict

Observe = Callable[[Attempt, Any, Mechanism], Awaitable[None]]
Judge = Callable[[Recording, Suite], Verdict]
Attempts = Callable[[Inventory, Options, Level], list[Attempt]]


class UnknownCheck(Exception):
    """No check of that name. The message names those that there are."""


@dataclass(frozen=True)
class Loaded:
    """One check's folder. Its parts are imported on first use: judging needs no cluster code."""

    id: str

    @property
    def check(self) -> Check:
        return cast(Check, _module(self.id, "check").CHECK)

    @property
    def attempts(self) -> Attempts:
        return cast(Attempts, _module(self.id, "plan").attempts)

    @property
    def observe(self) -> Observe:
        return cast(Observe, _module(self.id, "observe").observe)

    @property
    def judge(self) -> Judge:
        return cast(Judge, _module(self.id, "judge").judge)

    def mechanisms(self) -> tuple[Mechanism, ...]:
        """The adapters in the check's `via` folder: every module there that has a MECHANISM."""
        package = _module(self.id, "via")
        found = (_module(self.id, f"via.{m.name}") for m in pkgutil.iter_modules(package.__path__))
        return tuple(cast(Mechanism, m.MECHANISM) for m in found if hasattr(m, "MECHANISM"))

    def mechanism(self, attempt: Attempt) -> Mechanism:
        """The adapter that an attempt names: `facts["mechanism"]`, or its `via` where that is the product."""
        wanted = attempt.facts.get("mechanism", attempt.via)
        known = {m.product: m for m in self.mechanisms()}
        if wanted not in known:
            raise UnknownCheck(f"{self.id} has no adapter {wanted!r}: it has {', '.join(sorted(known))}")
        return known[wanted]


def names() -> tuple[str, ...]:
    """The requirements that this version has a check for, sorted."""
    root = aiconform.checks.__path__
    return tuple(sorted(m.name for m in pkgutil.iter_modules(root) if m.ispkg))


def load(check_id: str) -> Loaded:
    """Raises UnknownCheck."""
    if check_id not in names():
        raise UnknownCheck(f"there is no check {check_id!r}: the checks are {', '.join(names())}")
    return Loaded(check_id)


def folder(check_id: str) -> Path:
    """Where a check's files lie."""
    return Path(str(aiconform.checks.__path__[0])) / check_id


@cache
def _module(check_id: str, part: str) -> ModuleType:
    return importlib.import_module(f"aiconform.checks.{check_id}.{part}")
