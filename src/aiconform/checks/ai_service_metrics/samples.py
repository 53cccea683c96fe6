"""What the samples of this check mean: whose they are, and whether store and pod agree. Pure."""

import re
from collections.abc import Iterable
from functools import lru_cache

from aiconform.judging.metrics import Malformed, Sample, parse, vector

NONCE = "aiconform_nonce"
COUNTER = "aiconform:request_success_total"
CLAIMED = "aiconform:claimed"
RUN, TARGET = "aiconform_run", "aiconform_target"
# Names of labels by which collectors say where a series comes from.
NAMESPACES = ("namespace", "kubernetes_namespace", "k8s_namespace_name", "exported_namespace")
PODS = ("pod", "kubernetes_pod_name", "k8s_pod_name", "pod_name", "exported_pod")


# Every clause looks at the same pages and answers.
@lru_cache(maxsize=1024)
def exposed(text: str) -> tuple[Sample, ...]:
    """The samples of a page that a pod showed; none if it is malformed."""
    try:
        return parse(text).samples
    except Malformed:
        return ()


@lru_cache(maxsize=1024)
def answered(text: str) -> tuple[Sample, ...] | None:
    """The samples of an answer of /api/v1/query; None if it is no success."""
    try:
        return vector(text)
    except Malformed:
        return None


def target(sample: Sample) -> str:
    """Which of the run's pods wrote this series; "" if it does not say."""
    return sample.labels.get(TARGET, "")


def host(address: str) -> str:
    """An IP address as it is written before a port: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


def words(sample: Sample) -> tuple[str, ...]:
    """The values of its labels."""
    return tuple(sample.labels.values())


def plain(name: str) -> str:
    """A metric's name as every translation of it reads: colons and dots are underscores."""
    return re.sub(r"[^a-zA-Z0-9]", "_", name)


def named(sample: Sample, metric: str) -> bool:
    """Whether a stored series is this metric; the platform may have put a prefix before its name."""
    return plain(sample.name).endswith(plain(metric))


def nonces(seen: Iterable[Sample]) -> dict[float, Sample]:
    """The stored nonces by their values."""
    return {s.value: s for s in seen if named(s, NONCE)}


def same(stored: Sample, shown: Sample) -> bool:
    """Whether a stored series is the one that the pod shows as `shown`, whatever its value."""
    return named(stored, shown.name) and all(
        _equal(k, stored.labels.get(k, ""), v) for k, v in shown.labels.items() if k not in (*NAMESPACES, *PODS)
    )


def _equal(key: str, one: str, other: str) -> bool:
    if key == "le" and one and other:
        # Stores may write "1" as "1.0".
        return float(one.replace("+", "")) == float(other.replace("+", ""))
    return one == other


def differences(stored: Iterable[Sample], shown: Iterable[Sample]) -> list[str]:
    """In which metrics of a pod the store differs from what the pod shows, in words. [] if they agree."""
    stored, said = tuple(stored), []
    for want in shown:
        name = want.name + (f'{{le="{want.labels["le"]}"}}' if "le" in want.labels else "")
        values = sorted({s.value for s in stored if same(s, want)})
        if not values:
            said.append(f"{name} is missing")
        elif values != [want.value]:
            said.append(f"{name} is {', '.join(f'{v:.10g}' for v in values)} and not {want.value:.10g}")
    return said
