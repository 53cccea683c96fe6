"""What the sources said over time: one reading a scrape, device by device. Pure.

A view is what one source says in one family. Several may be there (two exporters, or one that speaks twice); the
requirement asks for one that works.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from aiconform.checks.accelerator_metrics.families import Family, Reading, families, readings, recognised
from aiconform.judging import facts, probes
from aiconform.judging.metrics import Exposition, Malformed, Sample, parse, vector
from aiconform.model import Observation, Recording

What = Literal["utilisation", "memory"]
BOTH: tuple[What, What] = ("utilisation", "memory")
BURNER = "burner/1"


@dataclass(frozen=True)
class Shot:
    """One scrape of a source. `error` says why it could not be read; `declared`: the family's names were there."""

    seq: int
    t: float
    step: str
    devices: dict[str, Reading]
    declared: bool
    error: str = ""

    def value(self, device: str, what: What) -> float | None:
        reading = self.devices.get(device)
        if reading is None:
            return None
        return reading.utilisation if what == "utilisation" else reading.memory


@dataclass(frozen=True)
class View:
    """One source in one family. `source` is its entry in the fact `sources`."""

    source: dict[str, Any]
    family: Family
    shots: tuple[Shot, ...]

    @property
    def name(self) -> str:
        return str(self.source["name"])

    def during(self, *steps: str) -> tuple[Shot, ...]:
        """Scrapes of these steps that could be read."""
        return tuple(s for s in self.shots if s.step in steps and not s.error)

    def devices(self, *steps: str) -> tuple[str, ...]:
        """Every device that was named in these steps."""
        return tuple(sorted({d for s in self.during(*steps) for d in s.devices}))


def sources(rec: Recording) -> tuple[dict[str, Any], ...]:
    """What was scraped, as found in the beginning."""
    found = facts(rec, "sources", step="find")
    return tuple(found[-1].body) if found else ()


def known_families(rec: Recording) -> tuple[Family, ...]:
    return families(rec.facts.get("families", ()))


def answers(rec: Recording, source: Mapping[str, Any]) -> tuple[Observation, ...]:
    """What a source answered, scrape by scrape."""
    return tuple(o for o in rec.observations if o.kind == "http" and o.subject == source["subject"])


def views(rec: Recording) -> tuple[View, ...]:
    """Every source in every family that it was seen to speak."""
    found = []
    for source in sources(rec):
        for family in known_families(rec):
            if family.name in source["families"]:
                shots = tuple(shot(o, source, family) for o in answers(rec, source))
                found.append(View(dict(source), family, shots))
    return tuple(found)


def shot(o: Observation, source: Mapping[str, Any], family: Family) -> Shot:
    """One answer as a reading."""
    body = o.body
    if body["status"] != 200:
        return Shot(o.seq, o.t, o.step, {}, False, f"it answered with status {body['status']}")
    text = body["body"]
    try:
        seen = exposition(text, str((body.get("headers") or {}).get("content-type", "")), source["kind"] == "store")
    except Malformed as error:
        return Shot(o.seq, o.t, o.step, {}, bool(recognised(text, (family,))), str(error))
    samples = of_node(seen.samples, source.get("where") or {})
    declared = any(family.named(n) for n in (*seen.declared, *(s.name for s in samples)))
    return Shot(o.seq, o.t, o.step, readings(samples, family), declared)


@lru_cache(maxsize=512)
def exposition(text: str, content_type: str, store: bool) -> Exposition:
    """The samples of an answer: of a store, or of an exporter. Raises Malformed."""
    return Exposition(vector(text)) if store else parse(text, content_type)


def of_node(samples: Iterable[Sample], where: Mapping[str, str]) -> list[Sample]:
    """Samples with these labels: a store knows other nodes, too."""
    return [s for s in samples if all(s.labels.get(k) == v for k, v in where.items())]


@dataclass(frozen=True)
class Report:
    """What the burner said of itself. `busy` is the share of the time since its load began in which it computed."""

    seq: int
    t: float
    body: dict[str, Any]

    @property
    def phase(self) -> str:
        return str(self.body.get("phase", ""))

    @property
    def busy(self) -> float:
        return float(self.body.get("busy", 0.0))

    @property
    def bytes(self) -> int:
        return int(self.body.get("bytes", 0))

    @property
    def error(self) -> str:
        return str(self.body.get("error", ""))

    @property
    def identities(self) -> tuple[str, ...]:
        return tuple(str(i) for i in self.body.get("identities", ()))


def reports(rec: Recording) -> tuple[Report, ...]:
    """The burner's reports in order."""
    found = (o for o in probes(rec) if isinstance(o.body, dict) and o.body.get("probe") == BURNER)
    return tuple(Report(o.seq, o.t, o.body) for o in found)


def idle_shots(view: View, said: tuple[Report, ...]) -> tuple[Shot, ...]:
    """Scrapes of the second half of the idle time: while the holder was there, before it began to compute.

    Exporters average over some time, so the first ones still show how the holder was started. The last one is left
    out where there are others: the burner's report after it may have been late.
    """
    last = max((r.seq for r in said if r.phase == "idle"), default=0)
    sure = [s for s in view.during("idle") if s.seq < last]
    return tuple(sure[len(sure) // 2 : -1] or sure[-1:])


def load_shots(view: View, said: tuple[Report, ...]) -> tuple[Shot, ...]:
    """Scrapes after the burner had said that it computes, and before it was ended."""
    first = min((r.seq for r in said if r.phase == "load"), default=None)
    return tuple(s for s in view.during("load") if first is not None and s.seq > first)


@dataclass(frozen=True)
class Rise:
    """How a value went from the idle time to the load: `low` and `high`, and the scrapes that show it."""

    low: float
    high: float
    cites: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def height(self) -> float:
        return self.high - self.low

    @property
    def constant(self) -> bool:
        """Whether every single value was the same."""
        return len(set(self.values)) == 1


def rise(view: View, device: str, what: What, said: tuple[Report, ...]) -> Rise | None:
    """The rise of one device's value; None if it was not told before, or not during the load.

    Utilisation rises from its highest idle value: noise is no load. Memory rises from its last idle value.
    """
    before = _told(idle_shots(view, said), device, what)
    loaded = _told(load_shots(view, said), device, what)
    if not before and loaded and view.family.only_under_load:
        before = [(loaded[0][0], 0.0)]
    if not before or not loaded:
        return None
    low = max(v for _, v in before) if what == "utilisation" else before[-1][1]
    at, high = max(loaded, key=lambda told: told[1])
    return Rise(low, high, (before[-1][0], at), tuple(v for _, v in (*before, *loaded)))


def _told(shots: Iterable[Shot], device: str, what: What) -> list[tuple[int, float]]:
    values = ((s.seq, s.value(device, what)) for s in shots)
    return [(seq, v) for seq, v in values if v is not None]
