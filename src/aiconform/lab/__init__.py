"""The embedded lab: a real Kubernetes on one Linux machine, with simulated accelerators.

Names are loaded when they are first used: the other commands of aiconform import only the errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import LabError, UnknownName

if TYPE_CHECKING:
    from .lab import Lab
    from .status import LabStatus

__all__ = ["Lab", "LabError", "LabStatus", "UnknownName"]


def __getattr__(name: str) -> Any:
    if name == "Lab":
        from .lab import Lab

        return Lab
    if name == "LabStatus":
        from .status import LabStatus

        return LabStatus
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
