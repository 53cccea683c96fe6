"""Shorthands of the tests: port one text, and look at what came out."""

from typing import Any

import yaml

from aiconform.model import Inventory, PortRow
from aiconform.porting.port import Ported, port


def move(text: str, target: Inventory, source: Inventory | None = None, **maps: str) -> Ported:
    return port({"a.yaml": text.encode()}, target=target, source=source, maps=maps)


def after(ported: Ported) -> str:
    return ported.files["a.yaml"].decode()


def objects(ported: Ported) -> list[dict[str, Any]]:
    return [d for d in yaml.safe_load_all(after(ported)) if d]


def rows(ported: Ported, kind: str = "") -> list[PortRow]:
    return [r for r in ported.report.rows if not kind or r.kind == kind]


def row(ported: Ported, kind: str, name: str = "") -> PortRow:
    found = [r for r in rows(ported, kind) if not name or r.name == name]
    assert len(found) == 1, ported.report.rows
    return found[0]


def pod(spec: str) -> str:
    """A Pod manifest around the lines of its spec."""
    lines = "\n".join("  " + line for line in spec.strip("\n").splitlines())
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n{lines}\n"
