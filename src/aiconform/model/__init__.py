"""The types that every part shares. No I/O here, and nothing but the standard library and the codec."""

from aiconform.model.accelerator import Accelerator, ProbeHints
from aiconform.model.check import (
    Attempt,
    Check,
    Clause,
    Deadline,
    Detection,
    Mechanism,
    Permission,
)
from aiconform.model.codec import decode, encode, encode_line, encode_pretty, schema
from aiconform.model.inventory import ApiResource, Gap, Inventory, Node, Product
from aiconform.model.options import PROBE_IMAGE, Options
from aiconform.model.outcome import Outcome
from aiconform.model.recording import FORMAT, Begin, Ending, Observation, Recording, Suite
from aiconform.model.requirement import Checklist, Level, Requirement
from aiconform.model.run import Run, Slot
from aiconform.model.verdict import Assessment, Claim, Finding, Row, Verdict

__all__ = [
    "FORMAT",
    "PROBE_IMAGE",
    "Accelerator",
    "ApiResource",
    "Assessment",
    "Attempt",
    "Begin",
    "Check",
    "Checklist",
    "Claim",
    "Clause",
    "Deadline",
    "Detection",
    "Ending",
    "Finding",
    "Gap",
    "Inventory",
    "Level",
    "Mechanism",
    "Node",
    "Observation",
    "Options",
    "Outcome",
    "Permission",
    "ProbeHints",
    "Product",
    "Recording",
    "Requirement",
    "Row",
    "Run",
    "Slot",
    "Suite",
    "Verdict",
    "decode",
    "encode",
    "encode_line",
    "encode_pretty",
    "schema",
]
