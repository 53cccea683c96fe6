"""Habits that a reader relies on, held by tests."""

import ast
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


def test_only_two_broad_excepts() -> None:
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception",))
            ):
                found.add(str(path.relative_to(ROOT)))
    assert {f for f in found if not f.startswith("checks/")} == BROAD


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_readable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    limit = 600 if path.name.startswith("test_") else 400
    assert len(text.splitlines()) <= limit, "split this file"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 80, f"{node.name} has {length} lines: split it"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_vendors_are_named_in_adapters_only(path: Path) -> None:
    relative = str(path.relative_to(ROOT))
    if relative.startswith("inventory/accelerators/") or "/via/" in relative or path.name.startswith("test_"):
        return
    code = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(n.body[0].value)
        for n in ast.walk(code)
        if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and n.body
        and isinstance(n.body[0], ast.Expr)
    }
    for node in ast.walk(code):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            assert not any(v in node.value.lower() for v in VENDORS), f"{relative}: {node.value[:60]!r}"


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
