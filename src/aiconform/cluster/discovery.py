"""What the API server serves: aggregated discovery (v2), or group by group where that is missing."""

from typing import TYPE_CHECKING, Any

from aiconform.cluster.errors import ClusterError
from aiconform.model import ApiResource

if TYPE_CHECKING:
    from aiconform.cluster.api import Cluster


async def discover(cluster: "Cluster", accept: str) -> tuple[ApiResource, ...]:
    """All resources of all groups and versions, the preferred version of a group first.

    A group whose server does not answer is left out.
    """
    out: list[ApiResource] = []
    for url in ("/api", "/apis"):
        answer = await cluster.request("GET", url, accept=accept)
        if not answer.ok or not isinstance(answer.body, dict):
            raise ClusterError(
                f"the API server's list of resources ({url}) cannot be read: {answer.message}", "no-discovery"
            )
        if answer.body.get("kind") == "APIGroupDiscoveryList":
            out += _aggregated(answer.body)
        else:
            out += await _one_by_one(cluster, url, answer.body)
    return tuple(out)


async def groups(cluster: "Cluster") -> list[str]:
    """Every "group/version" that is registered, also where it has no resources now; [] if that cannot be read."""
    answer = await cluster.request("GET", "/apis")
    listed = answer.body.get("groups") if answer.ok and isinstance(answer.body, dict) else None
    return sorted(v["groupVersion"] for g in listed or [] for v in g.get("versions") or [])


def _aggregated(content: dict[str, Any]) -> list[ApiResource]:
    out = []
    for group in content.get("items") or []:
        name = (group.get("metadata") or {}).get("name", "")
        for version in group.get("versions") or []:
            for r in version.get("resources") or []:
                kind = r.get("responseKind") or {}
                out.append(
                    ApiResource(
                        group=name,
                        version=version["version"],
                        plural=r["resource"],
                        kind=kind.get("kind", ""),
                        namespaced=r.get("scope") == "Namespaced",
                        verbs=tuple(r.get("verbs") or ()),
                    )
                )
    return out


async def _one_by_one(cluster: "Cluster", url: str, content: dict[str, Any]) -> list[ApiResource]:
    if url == "/api":
        wanted = [("", v) for v in content.get("versions") or []]
    else:
        wanted = []
        for g in content.get("groups") or []:
            preferred = (g.get("preferredVersion") or {}).get("version")
            versions = sorted((v["version"] for v in g["versions"]), key=lambda v: v != preferred)
            wanted += [(g["name"], v) for v in versions]
    out = []
    for group, version in wanted:
        answer = await cluster.request("GET", f"{url}/{group}/{version}" if group else f"{url}/{version}")
        if not answer.ok or not isinstance(answer.body, dict):
            continue  # an aggregated API that is down must not hide all the others
        out += [
            ApiResource(
                group=group,
                version=version,
                plural=r["name"],
                kind=r["kind"],
                namespaced=bool(r["namespaced"]),
                verbs=tuple(r.get("verbs") or ()),
            )
            for r in answer.body.get("resources") or []
            if "/" not in r["name"]
        ]
    return out
