"""The faults and variants of a check, as its `faults/*.yaml` files describe them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class FaultError(Exception):
    """A fault file cannot be used. The message names the file and says why."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to break the lab (`fault`), or to make it sound but unusual (`variant`).

    `outcome` is what the check must then come to (`code`: the kind of UNKNOWN); `clauses` maps those clauses that
    must come to something in particular; those in `may_fail` may fail as well, by the same defect.
    """

    id: str
    kind: str
    title: str
    outcome: str
    clauses: dict[str, str]
    code: str = ""
    may_fail: tuple[str, ...] = ()


def load(check_folder: Path) -> tuple[Fault, ...]:
    """All of a check's, faults first, each sort in order of id. Raises FaultError."""
    found = [_load(p) for p in sorted((check_folder / "faults").glob("*.yaml"))]
    return tuple(sorted(found, key=lambda f: (f.kind != "fault", f.id)))


def _load(path: Path) -> Fault:
    where = f"{path.parent.parent.name}/faults/{path.name}"
    try:
        data: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError) as error:
        raise FaultError(f"{where} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict) or data.get("kind") not in ("fault", "variant"):
        raise FaultError(f"{where}: kind must be fault or variant")
    expect = data.get("expect") or {}
    return Fault(
        id=path.stem,
        kind=data["kind"],
        title=" ".join(str(data.get("title", "")).split()),
        outcome=str(expect.get("outcome", "")),
        clauses={str(k): str(v) for k, v in (expect.get("clauses") or {}).items()},
        code=str(expect.get("code", "")),
        may_fail=tuple(str(c) for c in expect.get("may_fail") or ()),
    )
