"""The embedded lab: a real Kubernetes on one Linux machine, with simulated accelerators."""

from .errors import LabError, UnknownName
from .lab import Lab
from .status import LabStatus

__all__ = ["Lab", "LabError", "LabStatus", "UnknownName"]
