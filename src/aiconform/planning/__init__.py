"""What the plans of all checks share: nodes and accelerators to choose from, and how an attempt is made. Pure."""

from aiconform.planning import claims
from aiconform.planning.accelerators import FORMS, as_fact, called, nowhere, richest
from aiconform.planning.attempts import PLANNED, Planner, Unable
from aiconform.planning.nodes import NO_NODE, gentlest, on, place, simulated
from aiconform.planning.policies import policy_apis

__all__ = [
    "FORMS",
    "NO_NODE",
    "PLANNED",
    "Planner",
    "Unable",
    "as_fact",
    "called",
    "claims",
    "gentlest",
    "nowhere",
    "on",
    "place",
    "policy_apis",
    "richest",
    "simulated",
]
