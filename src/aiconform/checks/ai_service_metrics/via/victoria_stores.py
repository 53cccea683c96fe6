"""Where VMSingles and VMClusters of operator.victoriametrics.com answer queries, and which of them an agent writes to.

Names, ports and paths as the operator 0.74 makes them: the Service of a VMSingle is vmsingle-NAME; a VMCluster is
written to at vminsert-NAME and asked at vmselect-NAME, with the number of the tenant in the path. Every one of these
Services calls its port "http".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiconform.checks.ai_service_metrics.via import Manifest, Objects, Place

GROUP = "operator.victoriametrics.com"
_TENANT = re.compile(r"/insert/([^/]+)/")


@dataclass(frozen=True)
class Written:
    """What an agent's remoteWrite leads to. `elsewhere`: why its samples may not be in `places`, "" if they must be."""

    places: tuple[Place, ...]
    elsewhere: str = ""


@dataclass(frozen=True)
class _Store:
    namespace: str
    services: frozenset[str]
    target: str
    path: str

    def place(self, tenant: str = "0") -> Place:
        return Place(namespace=self.namespace, target=self.target, prefix=self.path.format(tenant=tenant))


def own_name(item: Manifest, kind: str) -> str:
    """The name of what the operator makes for an object of a kind: VMAgent "vmagent", VMSingle "vmsingle"."""
    name = str(item["metadata"]["name"])
    return name if (item.get("spec") or {}).get("useLegacyNaming") else f"{kind}-{name}"


def single(item: Manifest) -> Place:
    """Where a VMSingle answers."""
    return _single(item).place()


def written(agent: Manifest, objects: Objects) -> Written:
    """Where the samples of a VMAgent can be asked for: in the stores that its remoteWrite names.

    Where it names none of those that are here, all of them are asked: it may write through a proxy.
    """
    stores = list(_stores(objects))
    found: dict[Place, bool] = {}
    others = []
    for remote in (agent.get("spec") or {}).get("remoteWrite") or []:
        url = urlsplit(str(remote.get("url") or ""))
        store = next((s for s in stores if _leads_to(url.hostname or "", agent["metadata"]["namespace"], s)), None)
        if store is None:
            others.append(url.hostname or "an address without a name")
            continue
        tenant = _TENANT.search(url.path)
        place = store.place(tenant[1] if tenant else "0")
        found[place] = found.get(place, False) or not _chooses(remote)
    if not found:
        named = ", ".join(dict.fromkeys(others)) or "nowhere"
        return Written(tuple(s.place() for s in stores), f"it writes to {named}, which is no store of the operator's")
    if not any(found.values()):
        return Written(tuple(found), "rules of its remoteWrite choose what goes into the stores that were found")
    return Written(tuple(found))


def _stores(objects: Objects) -> Iterator[_Store]:
    yield from (_cluster(o) for o in objects.get(f"vmclusters.{GROUP}", []))
    yield from (_single(o) for o in objects.get(f"vmsingles.{GROUP}", []))


def _single(item: Manifest) -> _Store:
    spec, name = item.get("spec") or {}, own_name(item, "vmsingle")
    return _Store(item["metadata"]["namespace"], _services(name, spec), *_at(name, spec, ""))


def _cluster(item: Manifest) -> _Store:
    spec, name = item.get("spec") or {}, item["metadata"]["name"]
    suffixed = spec.get("useLegacyNaming")
    insert, select = (f"{name}-{part}" if suffixed else f"{part}-{name}" for part in ("vminsert", "vmselect"))
    path = _at(select, spec.get("vmselect") or {}, "/select/{tenant}/prometheus")
    return _Store(item["metadata"]["namespace"], _services(insert, spec.get("vminsert") or {}), *path)


def _services(name: str, spec: dict[str, Any]) -> frozenset[str]:
    """The Service that the operator makes, and one more that the object may ask for."""
    more = ((spec.get("serviceSpec") or {}).get("metadata") or {}).get("name")
    return frozenset({name, f"{name}-additional-service", *([str(more)] if more else [])})


def _at(name: str, spec: dict[str, Any], path: str) -> tuple[str, str]:
    """(target, path) of a Service, by the flags of its program."""
    flags = spec.get("extraArgs") or {}
    secure = "https:" if str(flags.get("tls", "")).partition(",")[0].strip().lower() == "true" else ""
    before = str(flags.get("http.pathPrefix", "")).strip("/")
    return f"services/{secure}{name}:http", (f"/{before}" if before else "") + path


def _leads_to(host: str, own: str, store: _Store) -> bool:
    """Whether a host's name, as a pod of the namespace `own` would use it, is a Service of this store."""
    name, *rest = host.rstrip(".").split(".")
    namespace = rest[0] if rest else own
    return name in store.services and namespace == store.namespace and rest[1:2] in ([], ["svc"])


def _chooses(remote: dict[str, Any]) -> bool:
    """Whether an entry of remoteWrite has rules of its own for what is sent there."""
    return any(remote.get(k) for k in ("urlRelabelConfig", "inlineUrlRelabelConfig", "streamAggrConfig"))
