"""Metrics: the text formats that Prometheus reads, and the answers of its query API."""

import json
import math
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

OPENMETRICS = "application/openmetrics-text"
_TYPES = frozenset(
    {"counter", "gauge", "histogram", "summary", "untyped", "unknown", "info", "stateset", "gaugehistogram"}
)


class Malformed(ValueError):
    """Text or JSON that is not what it should be. The message names the line and what is wrong with it."""


@dataclass(frozen=True)
class Sample:
    """One value. `at` is its own timestamp in seconds since 1970, None if it has none."""

    name: str
    labels: dict[str, str]
    value: float
    at: float | None = None


@dataclass(frozen=True)
class Exposition:
    """Everything that one scrape showed. `declared` are the names in HELP and TYPE lines."""

    samples: tuple[Sample, ...] = ()
    declared: frozenset[str] = field(default=frozenset())


def parse(text: str, content_type: str = "") -> Exposition:
    """The samples of a scrape, names and labels as they were sent. Raises Malformed.

    Each line is parsed by itself, so that a counter keeps its own name and an error names its line. OpenMetrics
    (by the content type) must end with `# EOF`: without it the text was cut off.
    """
    openmetrics = content_type.startswith(OPENMETRICS)
    lines = text.split("\n")
    samples: list[Sample] = []
    declared: set[str] = set()
    ended = False
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if ended and line:
            raise Malformed(f"line {number}: text after # EOF")
        if line.startswith("#"):
            declared |= _comment(line, number)
            ended = openmetrics and line == "# EOF"
        elif line:
            samples.append(_sample(line, number, openmetrics))
    if openmetrics and not ended:
        raise Malformed("it ends without # EOF, so a part of it is missing")
    return Exposition(tuple(samples), frozenset(declared))


def _comment(line: str, number: int) -> set[str]:
    parts = line.split(None, 3)
    if len(parts) < 3 or parts[0] != "#" or parts[1] not in ("HELP", "TYPE"):
        return set()
    if parts[1] == "TYPE" and (len(parts) < 4 or parts[3].strip() not in _TYPES):
        raise Malformed(f"line {number}: {_shown(line)} names no type")
    return {parts[2].strip('"')}


def _sample(line: str, number: int, openmetrics: bool) -> Sample:
    # An exemplar (OpenMetrics) says nothing about the value.
    plain = line.rpartition(" # {")[0] or line if openmetrics else line
    values = (plain.rpartition("}")[2] if "{" in plain else plain.partition(" ")[2]).split()
    try:
        (family,) = text_string_to_metric_families(plain)
        (found,) = family.samples
    except (ValueError, IndexError) as error:
        raise Malformed(f"line {number}: {_shown(line)} is no sample") from error
    if not 1 <= len(values) <= 2:
        raise Malformed(f"line {number}: {_shown(line)} has {len(values)} values")
    at = float(values[1]) if len(values) == 2 else None
    if at is not None and not openmetrics:
        at /= 1000  # the older format counts milliseconds
    return Sample(found.name, dict(found.labels), float(found.value), at)


def _shown(line: str) -> str:
    return repr(line if len(line) <= 120 else f"{line[:117]}...")


def vector(body: str) -> tuple[Sample, ...]:
    """The samples of an instant query's answer (/api/v1/query). Raises Malformed, also for an error that it states.

    The time in such an answer is when it was evaluated, not when the sample was taken, so it is left out.
    """
    try:
        answer = json.loads(body)
        if answer.get("status") != "success":
            raise Malformed(f"the store answered {answer.get('errorType', '')}: {answer.get('error', '')}")
        return tuple(_of_vector(row) for row in answer["data"]["result"])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(f"{_shown(body)} is no answer to a query") from error


def _of_vector(row: dict[str, object]) -> Sample:
    metric, value = row["metric"], row["value"]
    assert isinstance(metric, dict) and isinstance(value, list)
    labels = {str(k): str(v) for k, v in metric.items()}
    return Sample(labels.pop("__name__", ""), labels, float(value[1]))


def usable(value: float) -> bool:
    """Whether a value says anything: NaN stands for "not known"."""
    return math.isfinite(value)
