"""Metrics of no known family that behave as an accelerator's do: named to the user, never judged. Pure."""

from collections.abc import Iterable

from aiconform.checks.accelerator_metrics.families import likely_name
from aiconform.checks.accelerator_metrics.moves import CLOSE, RISE
from aiconform.checks.accelerator_metrics.series import Report, answers, exposition, reports, sources
from aiconform.judging.metrics import Malformed, usable
from aiconform.model import Observation, Recording

Key = tuple[str, tuple[tuple[str, str], ...]]
# Labels that change with the holder: the same device must be found again when they do.
_HOLDERS = ("namespace", "pod", "container", "exported_namespace", "exported_pod", "exported_container")


def candidates(rec: Recording) -> tuple[str, ...]:
    """Names of metrics of which one series rose with the load, sorted."""
    said = reports(rec)
    found: set[str] = set()
    for source in sources(rec):
        before = _greatest(_when(answers(rec, source), "idle"), source["kind"] == "store")
        during = _greatest(_when(answers(rec, source), "load"), source["kind"] == "store")
        for key, high in during.items():
            if key in before and likely_name(key[0]) and _moved(high - before[key], high, said):
                found.add(key[0])
    return tuple(sorted(found))


def _moved(height: float, high: float, said: tuple[Report, ...]) -> bool:
    wanted = max((r.bytes for r in said), default=0)
    as_memory = any(abs(height * unit - wanted) <= CLOSE * wanted for unit in (1, 2**10, 2**20)) if wanted else False
    as_ratio = RISE / 100 <= height <= 1.0 and high <= 1.0
    return as_memory or as_ratio or (RISE <= height <= 100.0 and high <= 100.0)


def _when(seen: tuple[Observation, ...], step: str) -> list[Observation]:
    of_step = [o for o in seen if o.step == step]
    return of_step[len(of_step) // 2 :] if step == "idle" else of_step


def _greatest(seen: Iterable[Observation], store: bool) -> dict[Key, float]:
    out: dict[Key, float] = {}
    for o in seen:
        if o.body["status"] != 200:
            continue
        try:
            samples = exposition(o.body["body"], str((o.body.get("headers") or {}).get("content-type", "")), store)
        except Malformed:
            continue
        for s in samples.samples:
            key = (s.name, tuple(sorted((k, v) for k, v in s.labels.items() if k not in _HOLDERS)))
            if usable(s.value):
                out[key] = max(s.value, out.get(key, s.value))
    return out
