"""What differs between two runs: of one platform over time, or of two platforms."""

from aiconform.comparison.compare import compare
from aiconform.comparison.types import Change, ClauseChange, Comparison, FactChange, RowChange, RunLabel, Side

__all__ = ["Change", "ClauseChange", "Comparison", "FactChange", "RowChange", "RunLabel", "Side", "compare"]
