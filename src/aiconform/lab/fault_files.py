"""Faults and variants as files: checks/<check>/faults/<fault-id>.yaml, found by looking, loaded strictly.

A fault names one way in which a platform can be wrong; a variant one way in which it can be unusual and right.
`expect` and `run` are for the tests and are kept here as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

import aiconform

from . import yaml_files
from .errors import LabError, UnknownName

STEPS = (
    "component",
    "scheduler_config",
    "simaccel",
    "kubelet",
    "containerd",
    "apply",
    "controller",
    "node_exec",
    "node",
    "addon",
)


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A fault file. `lab` is a list of steps, each a map with one key of STEPS."""

    kind: Literal["fault", "variant"]
    title: str
    check: str
    expect: dict[str, Any] = {}
    run: dict[str, Any] = {}
    lab: list[dict[str, Any]] = []
    id: str = ""
    path: str = ""

    @property
    def folder(self) -> Path:
        """Where the files that its steps name are."""
        return Path(self.path).parent

    @property
    def several(self) -> bool:
        """Whether it is about several mechanisms of its check, which must all come to the expected outcome."""
        return len(self.run.get("mechanism") or ()) > 1


def _checks_folder() -> Path:
    return Path(aiconform.__file__).parent / "checks"


def load(path: Path) -> Fault:
    """Read a fault file. Raises LabError naming the file and the field."""
    try:
        document = yaml_files.one(path.read_text())
    except OSError as error:
        raise UnknownName(f"cannot read fault {path}: {error.strerror}; `lab break --list` names them all") from error
    except yaml.YAMLError as error:
        raise LabError(f"{path} is not YAML ({' '.join(str(error).split())}): correct the file") from error
    try:
        fault = msgspec.convert(document, type=Fault)
    except msgspec.ValidationError as error:
        raise LabError(f"{path} is not a fault file ({error}): correct that field") from error
    for number, step in enumerate(fault.lab, 1):
        if len(step) != 1 or next(iter(step)) not in STEPS:
            raise LabError(f"{path}: step {number} must have exactly one key of {', '.join(STEPS)}: correct it")
    return msgspec.structs.replace(fault, id=path.stem, path=str(path.resolve()))


def every(checks: Path | None = None) -> list[Fault]:
    """All faults and variants of the package, by check and id. Files whose names begin with _ are helpers."""
    found = sorted((checks or _checks_folder()).glob("*/faults/*.yaml"))
    return [load(path) for path in found if not path.name.startswith("_") and _is_fault(path)]


def _is_fault(path: Path) -> bool:
    """Manifests that a step applies may lie beside the faults: these are Kubernetes objects."""
    text = path.read_text()
    return not any(line.startswith("apiVersion:") for line in text.splitlines())


def find(name: str) -> Fault:
    """A fault by id, by check/id, or by path. Raises UnknownName."""
    if name.endswith((".yaml", ".yml")):
        return load(Path(name))
    matching = [fault for fault in every() if name in (fault.id, f"{fault.check}/{fault.id}")]
    if len(matching) == 1:
        return matching[0]
    if matching:
        both = ", ".join(f"{fault.check}/{fault.id}" for fault in matching)
        raise UnknownName(f"{name!r} is the name of more than one fault: write one of {both}")
    raise UnknownName(f"there is no fault {name!r}: `aiconform lab break --list` names them all")
