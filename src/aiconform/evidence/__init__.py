"""Recordings on disk: writing, redacting, reading, sealing. The only code that touches evidence files."""

from aiconform.evidence import seal
from aiconform.evidence.errors import EvidenceError
from aiconform.evidence.recorder import Recorder, utc_now
from aiconform.evidence.redact import RUN_LABEL, redact
from aiconform.evidence.store import load, load_run

__all__ = ["RUN_LABEL", "EvidenceError", "Recorder", "load", "load_run", "redact", "seal", "utc_now"]
