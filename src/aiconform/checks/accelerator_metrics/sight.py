"""Whether `observe` has seen enough, so that it need not wait on. A judge never asks it. Pure."""

from dataclasses import dataclass, field
from typing import Any

from aiconform.checks.accelerator_metrics.families import Family, readings
from aiconform.checks.accelerator_metrics.moves import CLOSE, RISE, STILL
from aiconform.checks.accelerator_metrics.released import LEFT
from aiconform.checks.accelerator_metrics.series import exposition, of_node
from aiconform.judging.metrics import Malformed

Value = tuple[float | None, float | None]


@dataclass
class Sight:
    """The last values of every device in every source and family, step by step."""

    families: tuple[Family, ...]
    bytes: int
    last: dict[str, dict[tuple[str, str, str], Value]] = field(default_factory=dict)

    def look(self, step: str, source: dict[str, Any], status: int, headers: dict[str, str], body: str) -> None:
        """Takes one answer in. What cannot be read is a judge's business."""
        if status != 200:
            return
        try:
            seen = exposition(body, headers.get("content-type", ""), source["kind"] == "store")
        except Malformed:
            return
        now = {}
        samples = of_node(seen.samples, source["where"])
        for family in self.families:
            for device, r in readings(samples, family).items():
                now[source["name"], family.name, device] = (r.utilisation, r.memory)
        if step == "idle":
            # The last scrape of this time may show the load already: it begins by the holder's own clock.
            earlier = self.last.get(step, {})
            now = {key: _lower(value, earlier.get(key, value)) for key, value in now.items()}
        self.last.setdefault(step, {}).update(now)

    @property
    def moved(self) -> bool:
        """Whether some device shows the load, in both values: a tenant of another device may begin to compute, too."""
        before, now = self.last.get("idle", {}), self.last.get("load", {})
        return any(
            _rise(before, now, key, 0) >= RISE and abs(_rise(before, now, key, 1) - self.bytes) <= CLOSE * self.bytes
            for key in now
        )

    @property
    def back(self) -> bool:
        """Whether every device is there, and as it was in the beginning."""
        before, now = self.last.get("baseline", {}), self.last.get("release", {})
        return (
            bool(now)
            and before.keys() <= now.keys()
            and all(
                _rise(before, now, key, 0) < STILL and _rise(before, now, key, 1) <= LEFT * self.bytes for key in now
            )
        )


def _lower(one: Value, other: Value) -> Value:
    a, b = (min((v for v in pair if v is not None), default=None) for pair in zip(one, other, strict=True))
    return a, b


def _rise(
    before: dict[tuple[str, str, str], Value], now: dict[tuple[str, str, str], Value], key: tuple[str, str, str], i: int
) -> float:
    low, high = before.get(key, (0.0, 0.0))[i], now[key][i]
    return (high or 0.0) - (low or 0.0)
