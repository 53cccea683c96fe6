"""How the platform's collector comes to scrape the probe: by its own kind of monitor, else by annotations."""

from typing import Any

from aiconform.checks.pod_autoscaling.objects import ANNOTATIONS, APP, DIAL, monitor, selecting
from aiconform.checks.pod_autoscaling.site import Site
from aiconform.cluster.errors import Refused

Object = dict[str, Any]
BY_ANNOTATIONS, BY_ASKING = "annotations", "own adapter"
# What selects the monitors of a kind: its API, its plural, and how the fields with its selectors begin.
_CHOOSERS = {
    "podmonitors.monitoring.coreos.com": ("monitoring.coreos.com/v1", "prometheuses", "podMonitor"),
    "vmpodscrapes.operator.victoriametrics.com": ("operator.victoriametrics.com/v1beta1", "vmagents", "podScrape"),
}
_PROMETHEUSES = ("prometheus", "vmsingle", "vmselect", "victoria-metrics")
_PORTS = (80, 8428, 8429, 8481, 9090)
# Seconds for which one of them is asked again, if the call was lost or nobody was ready to answer.
_INSIST = 3.0


def ways(site: Site) -> list[str]:
    """The ways to register, the platform's own first; the suite's own metrics API needs none."""
    if site.mechanism.brings:
        return [BY_ASKING]
    return [*site.box.attempt.facts["monitors"], BY_ANNOTATIONS]


async def namespace_labels(site: Site) -> dict[str, str]:
    """The labels of namespaces whose monitors the collectors take."""
    found: dict[str, str] = {}
    for way in ways(site):
        found |= await _labels(site, way, "NamespaceSelector")
    return found


async def _labels(site: Site, way: str, selector: str) -> dict[str, str]:
    """What the collectors' selectors ask for; nothing where there are none, or where they cannot be listed."""
    kind = way.partition("/")[0]
    if kind not in _CHOOSERS:
        return {}
    api, plural, field = _CHOOSERS[kind]
    if kind not in site.collectors:
        try:
            site.collectors[kind] = await site.box.list(api, plural, "*")
        except Refused as refused:
            site.collectors[kind] = []
            site.box.note(f"which labels {kind} need could not be read: {refused}", "register")
    return selecting(site.collectors[kind], f"{field}{selector}")


async def register(site: Site, way: str) -> bool:
    """Registers the probes of both namespaces in this way; False if the cluster refuses."""
    box = site.box
    box.fact("registered", {"way": way}, step="visible")
    if way == ways(site)[0] and way in (BY_ANNOTATIONS, BY_ASKING):
        return True  # the pods were made with them, or need none
    if way == BY_ANNOTATIONS:
        for namespace in (site.own, site.other):
            await _annotate(site, namespace)
        return True
    labels = await _labels(site, way, "Selector")
    for namespace in (site.own, site.other):
        sent = await box.create(monitor(way, labels), step="visible", role="monitor", namespace=namespace)
        if not sent.ok:
            box.note(f"{way} was refused: {sent.message}", "register")
            return False
    return True


async def withdraw(site: Site, way: str) -> None:
    """Takes the registration back, so that no two scrapes of one pod are added up."""
    for namespace in (site.own, site.other):
        made = monitor(way, {})
        made["metadata"] |= {"namespace": namespace}
        await site.box.delete(made, step="visible")


async def _annotate(site: Site, namespace: str) -> None:
    """Pods take annotations as they are; those of a Deployment come anew."""
    box, where = site.box, {"namespace": namespace}
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": APP, **where}}
    template = {"template": {"metadata": {"annotations": ANNOTATIONS}}}
    await box.patch(scaled, {"spec": template}, step="visible")
    if site.mechanism.total:
        dial = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": DIAL, **where}}
        await box.patch(dial, {"metadata": {"annotations": ANNOTATIONS}}, step="visible")


async def find_prometheus(site: Site) -> str:
    """The URL of a Prometheus inside the cluster, "" if none answers. What was tried is recorded."""
    services = await site.box.list("v1", "services", "*")
    for service in sorted(services, key=_order):
        name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
        for port in (service.get("spec") or {}).get("ports") or []:
            if not any(word in name for word in _PROMETHEUSES) or port["port"] not in _PORTS:
                continue
            before = "/select/0/prometheus" if "vmselect" in name else ""
            target = f"services/{name}:{port['port']}{before}/api/v1/query"
            answer = await site.box.http(
                "GET", target, step="setup", namespace=namespace, params={"query": "vector(1)"}, patience=_INSIST
            )
            if answer.status == 200 and '"resultType":"vector"' in answer.body:
                return f"http://{name}.{namespace}.svc:{port['port']}{before}"
    return ""


def _order(service: Object) -> tuple[bool, str, str]:
    """Services with an address of their own first."""
    headless = (service.get("spec") or {}).get("clusterIP") in ("None", "", None)
    return (headless, service["metadata"]["namespace"], service["metadata"]["name"])
