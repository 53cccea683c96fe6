"""Who may import whom (ARCHITECTURE.md). One table, checked against every import statement.

Scripts of faults are programs that run beside the lab: no part of aiconform imports them.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

import aiconform

ROOT = Path(aiconform.__file__).parent
ALLOWED = {
    "model": set(),
    "judging": {"model"},
    "planning": {"model"},
    "checklists": {"model"},
    "report": {"model"},
    "submission": {"model", "checklists", "report"},
    "platforms": {"model", "checklists", "report", "submission", "__version__"},
    "comparison": {"model", "judging", "report"},
    "evidence": {"model"},
    "cluster": {"model", "evidence"},
    "inventory": {"model", "evidence", "cluster"},
    "porting": {"model", "inventory"},
    "engine": {"model", "judging", "planning", "checklists", "evidence", "cluster", "inventory", "checks"},
    "docs_gen": {"model", "judging", "checklists", "evidence", "engine", "checks"},
    "lab": set(),
    "cli": {
        "model",
        "judging",
        "checklists",
        "report",
        "comparison",
        "platforms",
        "evidence",
        "cluster",
        "inventory",
        "engine",
        "lab",
        "porting",
        "submission",
    },
}
PURE = {"model", "judging", "planning"}
# What pure parts may use of third parties: the codec, the parser of metrics, and nothing else.
PURE_PACKAGES = {"msgspec", "prometheus_client", "aiconform"}
IN_A_CHECK = {
    "check": {"model", "judging"},
    "plan": {"model", "judging", "planning"},
    "judge": {"model", "judging"},
    "observe": {"model", "cluster", "evidence"},
    "via": {"model", "cluster"},
    "manifests": set(),
    "faults": {"lab"},
    "test": {"model", "judging", "cluster", "evidence", "inventory", "lab", "engine"},
}


@cache
def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            if node.module == "aiconform":
                found |= {f"aiconform.{a.name}" for a in node.names}
    return found


def parts(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).with_suffix("").parts


MODULES = sorted(p for p in ROOT.rglob("*.py") if "__pycache__" not in p.parts and "_go" not in p.parts)


def test_a_part_imports_only_what_it_may() -> None:
    for path in (m for m in MODULES if parts(m)[0] in ALLOWED):
        part = parts(path)[0]
        for name in imports(path):
            if name.startswith("aiconform."):
                other = name.split(".")[1]
                assert other in ALLOWED[part] | {part, "__version__"}, f"{path}: {part} must not import {name}"


def test_a_check_sees_only_its_own_folder_and_what_its_parts_may() -> None:
    for path in (m for m in MODULES if parts(m)[0] == "checks" and len(parts(m)) >= 3):
        names = parts(path)
        check, file = names[1], names[2]
        kind = "test" if names[-1].startswith("test_") else file
        allowed = IN_A_CHECK.get(kind, {"model", "cluster", "judging"} if kind != "__init__" else set())
        for name in imports(path):
            where = name.split(".")
            if where[0] != "aiconform" or len(where) < 2:
                continue
            if where[1] == "checks":
                assert where[2] == check, f"{path} must not import another check ({name})"
            else:
                assert where[1] in allowed, f"{path} must not import {name}"


@pytest.mark.parametrize("part", sorted(PURE))
def test_pure_parts_use_no_io_and_no_other_package(part: str) -> None:
    forbidden = {"os", "io", "socket", "pathlib", "time", "datetime", "random", "subprocess", "asyncio", "httpx2"}
    for path in (ROOT / part).rglob("*.py"):
        for name in imports(path):
            top = name.split(".")[0]
            assert top not in forbidden, f"{path} imports {name}"


def test_porting_thinks_and_does_not_look() -> None:
    """It sees an inventory, vendors' adapters and the product table; it asks no cluster and opens no file."""
    tables = {"aiconform.inventory.accelerators", "aiconform.inventory.products"}
    forbidden = {"os", "io", "socket", "time", "datetime", "random", "subprocess", "asyncio", "httpx2", "lightkube"}
    for path in (ROOT / "porting").rglob("*.py"):
        found = imports(path)
        assert {n for n in found if n.startswith("aiconform.inventory")} <= tables, path
        assert not {n.split(".")[0] for n in found} & forbidden, path


def test_nobody_imports_the_lab_or_the_command_line() -> None:
    for path in MODULES:
        part = parts(path)[0]
        if part in ("lab", "cli", "__main__") or parts(path)[-1].startswith("test_") or "faults" in parts(path):
            continue
        for name in imports(path):
            assert not name.startswith(("aiconform.lab", "aiconform.cli")), f"{path} imports {name}"


def test_every_part_is_in_the_table() -> None:
    found = {p.name for p in ROOT.iterdir() if p.is_dir() and p.name not in ("__pycache__", "checks", "_go")}
    assert found == set(ALLOWED) & found
    assert found - set(ALLOWED) == set()
