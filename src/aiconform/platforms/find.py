"""Which platforms are what somebody needs. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from aiconform.checklists import load, versions
from aiconform.platforms.mechanisms import known
from aiconform.platforms.types import Entry, Platform, Registry, Strength
from aiconform.platforms.words import copied

KINDS = ("hosted", "cloud", "on-prem")


class WrongCriterion(Exception):
    """A criterion that nothing could meet. The message says what there is."""


@dataclass(frozen=True)
class Wanted:
    """A requirement that has to be Implemented, by this mechanism ("": by any)."""

    requirement: str
    mechanism: str = ""


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """What a platform has to have; empty or None: anything.

    `evidence` is the weakest evidence that counts for each wanted requirement. `version` is such as "v1.35". All of
    `kinds` and `accelerators` have to be there. `repeated`: only submissions that repeat all evidence of the last one.
    """

    musts: tuple[Wanted, ...] = ()
    valid_on: date | None = None
    kinds: tuple[str, ...] = ()
    accelerators: tuple[str, ...] = ()
    version: str = ""
    evidence: Strength | None = None
    text: str = ""
    repeated: bool = False


@dataclass(frozen=True, kw_only=True)
class Found:
    """The newest submission of each platform that meets everything.

    `undated` and `unclassified` name platforms that meet everything else, where it is not known when they were
    certified or where they run: a search can neither find them nor rule them out.
    """

    entries: tuple[Entry, ...]
    undated: tuple[str, ...]
    unclassified: tuple[str, ...]


def wanted(text: str) -> Wanted:
    """ "gang_scheduling" or "gang_scheduling:kueue". Raises WrongCriterion."""
    requirement, _, mechanism = text.partition(":")
    ids = list(dict.fromkeys(r.id for v in versions() for r in load(v).requirements))
    if requirement not in ids:
        raise WrongCriterion(f"there is no requirement {requirement!r}: the requirements are {', '.join(ids)}")
    if mechanism and mechanism not in known(requirement):
        names = ", ".join(known(requirement)) or "none"
        raise WrongCriterion(f"no mechanism {mechanism!r} is known for {requirement}: known are {names}")
    return Wanted(requirement, mechanism)


def find(registry: Registry, criteria: Criteria) -> Found:
    """Looks through every submission of every platform, and gives each platform's newest that meets the criteria."""
    entries: list[Entry] = []
    undated, unclassified = [], []
    for platform in registry.platforms:
        fitting = [e for e in platform.entries if _fits(e, criteria)]
        sure = [e for e in fitting if _valid(e, criteria) and _runs(e, criteria)]
        if sure:
            entries.append(sure[-1])
        elif any(_valid(e, criteria) is None and _runs(e, criteria) is not False for e in fitting):
            undated.append(platform.id)
        elif any(_valid(e, criteria) and _runs(e, criteria) is None for e in fitting):
            unclassified.append(platform.id)
    return Found(entries=tuple(entries), undated=tuple(undated), unclassified=tuple(unclassified))


def platform(registry: Registry, name: str) -> tuple[Platform, Entry]:
    """A platform by "gke", "gke@1.35" or "v1.35/gke", with the submission that is meant (the newest by default).

    Raises WrongCriterion, which names near ones.
    """
    wanted_version, slash, product = name.rpartition("/") if "/" in name else ("", "", name)
    product, _, after = product.partition("@")
    version = (wanted_version if slash else after).removeprefix("v")
    found = next((p for p in registry.platforms if p.id == product.lower()), None)
    if found is None:
        near = [p.id for p in registry.platforms if product and _near(product.lower(), p)]
        hint = f"did you mean {', '.join(near)}?" if near else "`aiconform registry list -o name` lists all"
        raise WrongCriterion(f"there is no platform {product!r} in the registry; {hint}")
    if not version:
        return found, found.newest
    entry = next((e for e in found.entries if e.version == f"v{version}"), None)
    if entry is None:
        there = ", ".join(e.version for e in found.entries)
        raise WrongCriterion(f"{found.id} has no submission for v{version}: it has {there}")
    return found, entry


def _near(product: str, platform: Platform) -> bool:
    words = [platform.id, platform.newest.name.lower(), platform.newest.vendor.lower()]
    return any(product in w or (len(w) > 2 and w in product) for w in words)


def _fits(entry: Entry, criteria: Criteria) -> bool:
    text = criteria.text.lower()
    about = " ".join((entry.product, entry.name, entry.vendor, entry.description)).lower()
    return (
        criteria.version in ("", entry.version)
        and text in about
        and (copied(entry) or not criteria.repeated)
        and set(criteria.accelerators) <= set(entry.accelerators)
        and all(_has(entry, w, criteria.evidence) for w in criteria.musts)
    )


def _has(entry: Entry, wanted: Wanted, weakest: Strength | None) -> bool:
    row = entry.row(wanted.requirement)
    if row is None or not row.implemented or (wanted.mechanism and wanted.mechanism not in row.mechanisms):
        return False
    return weakest is None or at_least(row.strength, weakest)


def at_least(strength: Strength, weakest: Strength) -> bool:
    """Whether evidence is as strong as that, or stronger."""
    order = list(Strength)
    return order.index(strength) <= order.index(weakest)


def _valid(entry: Entry, criteria: Criteria) -> bool | None:
    return True if criteria.valid_on is None else entry.valid(criteria.valid_on)


def _runs(entry: Entry, criteria: Criteria) -> bool | None:
    if not criteria.kinds:
        return True
    return _all(criteria.kinds, entry.kinds) if entry.kinds else None


def _all(these: Iterable[str], those: Iterable[str]) -> bool:
    return set(these) <= set(those)


def accelerators() -> tuple[str, ...]:
    """The accelerator vendors that the table of mechanisms knows."""
    return known("accelerators")
