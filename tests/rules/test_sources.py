"""Habits that a reader relies on, held by tests."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import aiconform
from aiconform.engine import registry

ROOT = Path(aiconform.__file__).parent
SOURCES = sorted(p for p in ROOT.rglob("*.py") if "__pycache__" not in p.parts and "_go" not in p.parts)
# The two places where a crash must become a recorded outcome (ARCHITECTURE.md).
BROAD = {"judging/findings.py", "engine/observe.py"}
# Vendors are named in their adapters, in the product table and in what explains them, nowhere else.
VENDORS = ("nvidia", "amdgpu", "habana", "neuron", "ascend", "davinci")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_only_two_broad_excepts() -> None:
    found = set()
    for path in SOURCES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception",))
            ):
                found.add(str(path.relative_to(ROOT)))
    assert {f for f in found if not f.startswith("checks/")} == BROAD


def too_long(path: Path) -> Iterator[str]:
    name = path.relative_to(ROOT)
    limit = 600 if path.name.startswith("test_") else 400
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if lines > limit:
        yield f"{name} has {lines} lines: split it"
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > 80:
                yield f"{name}: {node.name} has {length} lines: split it"


# One test for all files: thousands of tests of a millisecond take a minute.
def test_files_and_functions_stay_readable() -> None:
    assert [complaint for path in SOURCES for complaint in too_long(path)] == []


def vendors_named(path: Path) -> Iterator[str]:
    relative = str(path.relative_to(ROOT))
    if relative.startswith("inventory/accelerators/") or "/via/" in relative or path.name.startswith("test_"):
        return
    code = parsed(path)
    docs = {
        id(n.body[0].value)
        for n in ast.walk(code)
        if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and n.body
        and isinstance(n.body[0], ast.Expr)
    }
    for node in ast.walk(code):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in docs:
            continue
        if any(v in node.value.lower() for v in VENDORS):
            yield f"{relative}: {node.value[:60]!r}"


def test_vendors_are_named_in_adapters_only() -> None:
    assert [complaint for path in SOURCES for complaint in vendors_named(path)] == []


@pytest.mark.parametrize("check", registry.names())
def test_a_check_folder_is_whole(check: str) -> None:
    loaded = registry.load(check)
    assert loaded.check.requirement == check
    assert loaded.check.page.strip()
    assert callable(loaded.judge) and callable(loaded.observe) and callable(loaded.attempts)
    assert loaded.mechanisms()
    for clause in loaded.check.clauses:
        assert clause.sentence.endswith("."), clause.id
        assert clause.remedy, f"{clause.id} has no remedy"
