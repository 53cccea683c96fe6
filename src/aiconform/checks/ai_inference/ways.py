"""Where requests may be sent to, so that they go through the Gateway."""

from typing import Any

from aiconform.checks.ai_inference.scene import Scene
from aiconform.checks.ai_inference.via import Manifest
from aiconform.cluster.errors import Refused

LABEL = "gateway.networking.k8s.io/gateway-name"


async def ways(scene: Scene) -> list[dict[str, Any]]:
    """[{host, port, how}], the best first: what the user named (`user`), the Gateway's own addresses (`status`), its
    Services (`service`), the node (`node`). Recorded as the fact `ways`."""
    port = scene.gateway["spec"]["listeners"][0]["port"]
    ports = [port] if port == 80 else [port, 80]
    stated = (scene.seen(scene.gateway).get("status") or {}).get("addresses") or []
    found = [{"host": a["value"], "port": p, "how": "status"} for a in stated for p in ports]
    named, named_port = apart(scene.attempt.facts["address"])
    if named:
        found.insert(0, {"host": named, "port": named_port or port, "how": "user"})
    found += await _services(scene, port)
    ours = (scene.box.pod("backend-one") or {}).get("status") or {}
    if ours.get("hostIP"):
        found.append({"host": ours["hostIP"], "port": port, "how": "node"})
    scene.box.fact("ways", found)
    return found


def apart(address: str) -> tuple[str, int]:
    """HOST, HOST:PORT, [IPV6]:PORT or IPV6 as host and port; 0 where none is named."""
    host, _, port = address.rpartition(":")
    bare = not port.isdigit() or (":" in host and not host.endswith("]"))
    return (address if bare else host).strip("[]"), 0 if bare else int(port)


async def _services(scene: Scene, port: int) -> list[dict[str, Any]]:
    """Services that an implementation made for this Gateway; those that have the listener's port first."""
    try:
        there = await scene.box.list("v1", "services", "*")
    except Refused as refused:
        scene.box.note(f"services could not be listed: {refused.message}", "services")
        scene.box.fact("services", {"listed": False})
        return []
    found = []
    for service in there:
        spec = service["spec"]
        if not belongs(service, scene.gateway) or spec.get("clusterIP", "None") in ("", "None"):
            continue
        numbers = sorted({p["port"] for p in spec.get("ports") or []}, key=lambda n: (n != port, n))
        found += [{"host": spec["clusterIP"], "port": n, "how": "service"} for n in numbers]
    scene.box.fact("services", {"listed": True})
    return found


def belongs(service: Manifest, gateway: Manifest) -> bool:
    """By GEP-1762's label in the Gateway's namespace, by its owner, or by any label with the Gateway's random name."""
    meta, own = service["metadata"], gateway["metadata"]
    labels = meta.get("labels") or {}
    if labels.get(LABEL) == own["name"] and meta["namespace"] == own["namespace"]:
        return True
    owned = any(o.get("uid") == own["uid"] for o in meta.get("ownerReferences") or [])
    return owned or own["name"] in labels.values()


async def nodes(scene: Scene) -> list[str]:
    """Every address of every node."""
    there = await scene.box.list("v1", "nodes")
    return sorted(a["address"] for n in there for a in (n.get("status") or {}).get("addresses") or [])
