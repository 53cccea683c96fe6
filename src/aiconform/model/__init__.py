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
from aiconform.model.inventory import ApiResource, Gap, Inventory, Node, Offer, Product
from aiconform.model.operator import Operator
from aiconform.model.options import PROBE_IMAGE, Options
from aiconform.model.outcome import Outcome
from aiconform.model.port import PortEdit, PortReport, PortRow, Status
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
    "Offer",
    "Operator",
    "Options",
    "Outcome",
    "Permission",
    "PortEdit",
    "PortReport",
    "PortRow",
    "ProbeHints",
    "Product",
    "Recording",
    "Requirement",
    "Row",
    "Run",
    "Slot",
    "Status",
    "Suite",
    "Verdict",
    "decode",
    "encode",
    "encode_line",
    "encode_pretty",
    "schema",
]
