"""The lab's two ways of refusing."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what was asked. The message is one sentence: what, where, and what to do (exit code 3)."""


class UnknownName(LabError):
    """A fault, node or component that does not exist (exit code 64)."""
