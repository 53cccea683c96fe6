"""What a cluster offers by name, beside accelerators: classes, queues, gateways, metrics. One list each, side by side.

A resource that is not served offers nothing, and that is known; one that cannot be read is noted with its reason.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from aiconform.cluster.api import Cluster, Objects
from aiconform.cluster.errors import ClusterError, Refused
from aiconform.inventory.products import table
from aiconform.model import ApiResource, Gap, Offer, Permission, encode

METRICS = ("custom.metrics.k8s.io", "external.metrics.k8s.io")
_MOST_METRICS = 5000


@dataclass(kw_only=True)
class Found:
    """What there is, what was read to its end, and what could not be."""

    offers: list[Offer] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    unread: list[Gap] = field(default_factory=list)


def permissions() -> tuple[Permission, ...]:
    """What reading the offers takes: one permission a group."""
    groups: dict[str, list[str]] = {}
    for row in table()["offers"]:
        group, plural = row["api"].split("/")
        groups.setdefault(group, []).append(plural)
    return tuple(
        Permission(group=g, resources=tuple(plurals), verbs=("list",), scope="cluster", why="what workloads name")
        for g, plurals in groups.items()
    )


async def look(cluster: Cluster, apis: Iterable[ApiResource], known: Mapping[str, Objects] | None = None) -> Found:
    """Every offer. Raises ApiLost if the API server is gone; anything else becomes a gap.

    `known`: objects by qualified plural that need not be listed again.
    """
    apis, found = tuple(apis), Found()
    served: dict[tuple[str, str], str] = {}
    for a in apis:
        served.setdefault((a.group, a.plural), a.version)
    lists = (_objects(cluster, row, served, found, known or {}) for row in table()["offers"])
    metrics = (_metrics(cluster, group, apis, found) for group in METRICS)
    await asyncio.gather(*lists, *metrics)
    found.offers.sort(key=lambda o: (o.resource, o.namespace, o.name))
    found.listed.sort()
    found.unread.sort(key=lambda g: g.what)
    return found


async def _objects(
    cluster: Cluster,
    row: Mapping[str, Any],
    served: Mapping[tuple[str, str], str],
    found: Found,
    known: Mapping[str, Objects],
) -> None:
    group, plural = row["api"].split("/")
    resource, version = f"{plural}.{group}", served.get((group, plural))
    try:
        if resource in known:
            items = known[resource]
        else:
            items = await cluster.list(f"{group}/{version}", plural) if version else []
    except Refused as refused:
        found.unread.append(Gap(what=resource, why=refused.message, refused=True))
        return
    except ClusterError as error:
        found.unread.append(Gap(what=resource, why=str(error)))
        return
    found.listed.append(resource)
    found.offers += [_offer(resource, row, item) for item in items]


def _offer(resource: str, row: Mapping[str, Any], item: Mapping[str, Any]) -> Offer:
    meta = item["metadata"]
    facts = {name: _at(item, where) for name, where in (row.get("keep") or {}).items()}
    facts |= {name: _digest(_at(item, where)) for name, where in (row.get("digest") or {}).items()}
    return Offer(
        resource=resource,
        name=meta["name"],
        namespace=meta.get("namespace", ""),
        default=(meta.get("annotations") or {}).get(row.get("default", "")) == "true",
        facts={name: value for name, value in facts.items() if value is not None},
    )


def _at(item: Any, where: str) -> Any:
    return reduce(lambda found, name: found.get(name) if isinstance(found, dict) else None, where.split("."), item)


def _digest(value: Any) -> str:
    return hashlib.sha256(encode(value or {})).hexdigest()[:16]


async def _metrics(cluster: Cluster, group: str, apis: Iterable[ApiResource], found: Found) -> None:
    """Names of a metrics API, which stand in its own list of resources ("pods/queue_length")."""
    resource = f"metrics.{group}"
    version = next((a.version for a in apis if a.group == group), "")
    if not version:
        # Discovery shows no group without resources, and an adapter has none before it has seen a series.
        answer = await cluster.request("GET", f"/apis/{group}")
        if answer.status == 404:
            found.listed.append(resource)
            return
        preferred = (answer.body or {}).get("preferredVersion") if isinstance(answer.body, dict) else None
        version = (preferred or {}).get("version", "") if answer.ok else ""
    answer = await cluster.request("GET", f"/apis/{group}/{version}")
    if not version or not answer.ok or not isinstance(answer.body, dict):
        found.unread.append(Gap(what=resource, why=f"its API answers {answer.status}", refused=answer.status == 403))
        return
    names = sorted({r["name"] for r in answer.body.get("resources") or []})
    found.offers += [Offer(resource=resource, name=n) for n in names[:_MOST_METRICS]]
    # The API itself, so that it is known to be there without any metric.
    found.offers.append(Offer(resource=f"apis.{group}", name=version))
    if len(names) <= _MOST_METRICS:
        found.listed.append(resource)
    else:
        found.unread.append(Gap(what=resource, why=f"there are more than {_MOST_METRICS}"))
