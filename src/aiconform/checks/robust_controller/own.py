"""What belongs to the operator itself: its admission webhooks, and its pods. Recorded as facts, decides nothing."""

from typing import Any

from aiconform.checks.robust_controller.site import Manifest, Site
from aiconform.cluster.errors import Refused
from aiconform.model.operator import built_in, groups, registers

_API = "admissionregistration.k8s.io/v1"
_CONFIGURATIONS = (("validatingwebhookconfigurations", False), ("mutatingwebhookconfigurations", True))


async def look(site: Site) -> None:
    """Finds webhooks and pods; the pods are followed from here on."""
    await _hooks(site)
    await _pods(site)


async def _hooks(site: Site) -> None:
    """The fact `hooks`: every webhook whose rules name a group of the operator, as far as judges need it.

    `beside` are all groups of kinds that its configuration is for: by them it may be somebody else's.
    """
    box = site.box
    own = groups(site.operator)
    for plural, mutating in _CONFIGURATIONS:
        try:
            listed = await box.list(_API, plural, "*")
        except Refused as refused:
            box.unable("hooks", "rbac-denied", refused.message)
            return
        for configuration in listed:
            webhooks = configuration.get("webhooks") or []
            beside = sorted({g for hook in webhooks for g in _named(hook) if not built_in(g)})
            for hook in webhooks:
                if own & _named(hook):
                    site.hooks.append(_hook(configuration["metadata"]["name"], hook, mutating) | {"beside": beside})
    namespace = await box.get("v1", "namespaces", box.namespace)
    labels = ((namespace or {}).get("metadata") or {}).get("labels") or {}
    box.fact("hooks", {"hooks": site.hooks, "namespace_labels": labels, "groups": sorted(own)}, step="hooks")


def _named(hook: Manifest) -> set[str]:
    return {str(g) for rule in hook.get("rules") or [] for g in rule.get("apiGroups") or []}


def _hook(configuration: str, hook: Manifest, mutating: bool) -> Manifest:
    client = hook.get("clientConfig") or {}
    service = client.get("service") or {}
    return {
        "configuration": configuration,
        "name": hook.get("name", ""),
        "mutating": mutating,
        "policy": hook.get("failurePolicy", "Fail"),
        "match": hook.get("matchPolicy", "Equivalent"),
        "rules": hook.get("rules") or [],
        "namespace_selector": hook.get("namespaceSelector") or {},
        "object_selector": hook.get("objectSelector") or {},
        "conditional": bool(hook.get("matchConditions")),
        "service": f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "",
    }


async def _pods(site: Site) -> None:
    """Follows the pods behind the webhooks' Services, and those with the labels that the product gives them."""
    box = site.box
    places: set[tuple[str, str]] = set()
    try:
        hooks = [h for h in site.hooks if h["service"] and registers(site.operator, h["beside"])]
        for namespace, name in sorted({tuple(h["service"].split("/", 1)) for h in hooks}):
            service = await box.get("v1", "services", name, namespace)
            selector = ((service or {}).get("spec") or {}).get("selector") or {}
            if selector:
                places.add((namespace, ",".join(f"{k}={v}" for k, v in sorted(selector.items()))))
        installed = []
        for selector in site.operator.own_pods:
            found = await box.list("v1", "pods", "*", labels=selector)
            deployments = await box.list("apps/v1", "deployments", "*", labels=selector)
            installed += [f"{d['metadata']['namespace']}/{d['metadata']['name']}" for d in deployments]
            places |= {(o["metadata"]["namespace"], selector) for o in (*found, *deployments)}
        box.fact("installed", sorted(set(installed)), step="own")
        for namespace, selector in sorted(p for p in places if p[0] not in box.namespaces):
            await box.follow("v1", "pods", namespace, labels=selector)
            site.places.append((namespace, selector))
    except Refused as refused:
        box.unable("own", "rbac-denied", refused.message)


def now(site: Site) -> dict[str, dict[str, Any]]:
    """The operator's pods by uid, reduced to what says whether they run correctly."""
    spaces = {namespace for namespace, _ in site.places}
    found = [p for n in spaces for p in site.box.view("v1", "pods", n)]
    return {p["metadata"]["uid"]: _reduced(p) for p in found if (p.get("status") or {}).get("phase") != "Succeeded"}


def _reduced(pod: Manifest) -> dict[str, Any]:
    status = pod.get("status") or {}
    containers = status.get("containerStatuses") or []
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or [])
    waiting = [(c.get("state") or {}).get("waiting", {}).get("reason", "") for c in containers]
    return {
        "pod": f"{pod['metadata']['namespace']}/{pod['metadata']['name']}",
        "ready": ready and not pod["metadata"].get("deletionTimestamp"),
        "restarts": sum(int(c.get("restartCount", 0)) for c in containers),
        "says": ", ".join(sorted(set(waiting) - {""})),
    }


async def stay(site: Site) -> None:
    """Looks at the operator's pods for a while: a fact `own` whenever one of them changes.

    What disturbed them may be an upgrade, so that a disturbed look is followed by a second one.
    """
    box = site.box
    if not site.places:
        return
    for step in ("own", "own_again"):
        last: list[Any] = [None]
        disturbed: list[bool] = []

        def look_again(step: str = step, last: list[Any] = last, disturbed: list[bool] = disturbed) -> bool:
            seen = now(site)
            if seen != last[0]:
                disturbed.append(last[0] is not None or not any(p["ready"] for p in seen.values()))
                last[0] = seen
                box.fact("own", seen, step=step)
            return False

        async with box.window(step, "the operator's pods must be Ready, and must not be started again"):
            look_again()
            await box.until(look_again, "own", what="the operator's pods are looked at")
        if not any(disturbed):
            return
