"""The errors that other parts raise for the user, and which exit code they have."""

from aiconform.checklists import UnknownChecklist
from aiconform.cluster.errors import ApiLost, ClusterError, Refused
from aiconform.engine.claims import ClaimsError
from aiconform.engine.registry import UnknownCheck
from aiconform.evidence.errors import EvidenceError
from aiconform.lab.errors import LabError

USAGE_ERRORS = (UnknownChecklist, UnknownCheck)
KNOWN_ERRORS = (ClusterError, Refused, ApiLost, EvidenceError, ClaimsError, LabError)
