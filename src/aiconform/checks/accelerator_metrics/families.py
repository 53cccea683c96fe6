"""Families of metrics: by which names, units and labels an exporter tells what a device does. Pure.

A family is data. The plan puts those that fit the accelerator into the attempt's facts, so that a recording can be
judged by itself.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from aiconform.judging.metrics import Sample, usable

# Under which names exporters and collectors give the holder's pod and namespace. A collector that does not honour
# the labels of its targets renames them to exported_*, and then `pod` is the exporter's own.
POD_LABELS = ("exported_pod", "pod", "pod_name", "kube_pod", "k8s_pod_name")
NAMESPACE_LABELS = ("exported_namespace", "namespace", "pod_namespace", "kube_namespace", "k8s_namespace_name")


@dataclass(frozen=True, kw_only=True)
class Values:
    """The samples that give one quantity.

    `names`: patterns of whole metric names. `scale` makes percent (utilisation) or bytes (memory) out of a value.
    `where`: label -> pattern that its whole value must match; a label that is missing has the value "". `add`: the
    samples of one device are parts of the whole; otherwise the greatest one counts.
    """

    names: tuple[str, ...]
    scale: float = 1.0
    where: dict[str, str] = field(default_factory=dict)
    add: bool = False

    def takes(self, sample: Sample) -> bool:
        """Whether this sample is one of them."""
        return self.named(sample.name) and all(
            _pattern(p).fullmatch(sample.labels.get(label, "")) for label, p in self.where.items()
        )

    def named(self, name: str) -> bool:
        return any(_pattern(p).fullmatch(name) for p in self.names)


@dataclass(frozen=True, kw_only=True)
class Family:
    """How one kind of exporter speaks.

    `utilisation` and `memory`: ways to say it; of several for one device the greatest counts. `identity`: labels that
    name a device, the first that a sample has is taken. `parts`: labels that name a part of it (an instance).
    `also`: what it may tell beside that, name -> pattern of metric names. `only_under_load`: there are no samples of a
    device that nobody uses.
    """

    name: str
    utilisation: tuple[Values, ...]
    memory: tuple[Values, ...]
    identity: tuple[str, ...]
    parts: tuple[str, ...] = ()
    also: dict[str, str] = field(default_factory=dict)
    only_under_load: bool = False

    def named(self, name: str) -> bool:
        """Whether a metric of this name gives utilisation or memory."""
        return any(v.named(name) for v in (*self.utilisation, *self.memory))

    def device(self, labels: Mapping[str, str]) -> str:
        """The device that a sample is about: identity, then parts. "" if it names none."""
        own = next((labels[i] for i in self.identity if labels.get(i)), "")
        return "/".join([own, *(labels[p] for p in self.parts if labels.get(p))]) if own else ""


@dataclass(frozen=True)
class Reading:
    """What one scrape said of one device: percent and bytes, None where it said nothing."""

    utilisation: float | None
    memory: float | None
    labels: dict[str, str]

    def holder(self) -> tuple[str, str]:
        """(namespace, pod) that the samples name; "" for what they do not."""
        found = (next((self.labels[n] for n in names if self.labels.get(n)), "") for names in _HOLDER)
        namespace, pod = found
        return namespace, pod


_HOLDER = (NAMESPACE_LABELS, POD_LABELS)


def families(data: Iterable[Mapping[str, Any]]) -> tuple[Family, ...]:
    """Families out of an attempt's facts."""
    return tuple(msgspec.convert(dict(f), Family) for f in data)


def readings(samples: Iterable[Sample], family: Family) -> dict[str, Reading]:
    """Device -> what was said of it. Samples without a number say nothing."""
    by_device: dict[str, list[Sample]] = {}
    for s in samples:
        if usable(s.value) and any(v.takes(s) for v in (*family.utilisation, *family.memory)):
            by_device.setdefault(family.device(s.labels), []).append(s)
    return {
        device: Reading(_value(found, family.utilisation), _value(found, family.memory), _common(found))
        for device, found in sorted(by_device.items())
    }


def _value(samples: list[Sample], ways: tuple[Values, ...]) -> float | None:
    said = []
    for way in ways:
        values = [s.value * way.scale for s in samples if way.takes(s)]
        if values:
            said.append(sum(values) if way.add else max(values))
    return max(said, default=None)


def _common(samples: list[Sample]) -> dict[str, str]:
    """Labels of a device's samples; of different values the first that is not empty."""
    labels: dict[str, str] = {}
    for s in samples:
        for k, v in s.labels.items():
            labels[k] = labels.get(k) or v
    return labels


def recognised(text: str, known: Iterable[Family]) -> tuple[str, ...]:
    """Names of the families that a text belongs to, whether it can be parsed or not: by the names that begin its
    lines or stand in HELP and TYPE lines."""
    names = {m[1] for m in _NAME.finditer(text)}
    return tuple(f.name for f in known if any(f.named(n) for n in names))


# A name at a line's beginning, after "# HELP " or "# TYPE ", or in quotes and braces (UTF-8 names).
_NAME = re.compile(r'^(?:# (?:HELP|TYPE) |\{)?"?([A-Za-z_:][\w:.]*)', re.MULTILINE)
# How metrics of accelerators that no family covers may be called.
_LIKELY = re.compile(
    r"(gpu|npu|tpu|xpu|ipu|accel|chip|device)\w*(util|duty|activ|busy|occupan|memory|mem_|hbm|vram)",
    re.IGNORECASE,
)


def likely(text: str) -> bool:
    """Whether a text may be about accelerators although no family covers it."""
    return any(_LIKELY.search(m[1]) for m in _NAME.finditer(text))


def likely_name(name: str) -> bool:
    """The same for one metric's name."""
    return bool(_LIKELY.search(name))


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)
