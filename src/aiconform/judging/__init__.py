"""The vocabulary of judges: pure functions over a Recording. No clock, file, network or randomness."""

from aiconform.judging.combine import across, exit_code, within
from aiconform.judging.findings import Judge, failed, not_applicable, passed, unknown, verdict
from aiconform.judging.pods import Moment, Pod, all_at_once, most_at_once, pods
from aiconform.judging.window import Window, calls, facts, probes, unable, window

__all__ = [
    "Judge",
    "Moment",
    "Pod",
    "Window",
    "across",
    "all_at_once",
    "calls",
    "exit_code",
    "facts",
    "failed",
    "most_at_once",
    "not_applicable",
    "passed",
    "pods",
    "probes",
    "unable",
    "unknown",
    "verdict",
    "window",
    "within",
]
