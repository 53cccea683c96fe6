"""KEDA: a ScaledObject (keda.sh/v1alpha1) with a Prometheus trigger."""

from aiconform.checks.pod_autoscaling import via
from aiconform.checks.pod_autoscaling.via import EXTERNAL, LABEL, METRIC, Manifest, Question, Wish
from aiconform.model import Detection, Inventory, Permission

_API = "keda.sh/v1alpha1"
# KEDA names the metric of the first trigger so; its HorizontalPodAutoscaler asks for it.
_NAME = "s0-prometheus"
_SILENT = ("fallback", "idleReplicaCount")
# Seconds without load before it goes to no replica; its default of 300 would only make the run longer.
COOLDOWN = 10


class Keda:
    """The adapter; see the module."""

    product = "keda"
    proved = "the lab: KEDA 2.21 (operator and metrics API server) over Prometheus 0.315, Kubernetes 1.37"
    tried = "where found"
    total = True
    scaler_first = True
    needs_prometheus = True
    brings = False
    permissions = (
        Permission(
            group="keda.sh", resources=("scaledobjects",), verbs=("create", "patch", "delete"), why="the autoscaler"
        ),
        Permission(group=EXTERNAL, resources=(_NAME,), verbs=("list",), why="what the autoscaler is told"),
        Permission(
            group="",
            resources=("services",),
            verbs=("list",),
            scope="cluster",
            why="looking for a Prometheus that KEDA can ask, where none was named",
        ),
        Permission(
            group="",
            resources=("services/proxy",),
            verbs=("get",),
            scope="cluster",
            why="whether that Service really is a Prometheus",
        ),
    )

    def detect(self, inventory: Inventory) -> Detection:
        if not inventory.serves("keda.sh", "v1alpha1", "scaledobjects"):
            return Detection(usable=False, because=f"the API server does not serve scaledobjects of {_API}")
        found = Detection(usable=True, because=f"the API server serves scaledobjects of {_API}", version="v1alpha1")
        return via.no_autoscaling(inventory) or found

    def scaler(self, wish: Wish) -> Manifest:
        trigger = {
            "type": "prometheus",
            "metricType": "AverageValue",
            "metadata": {
                "serverAddress": wish.prometheus,
                "query": f'sum({METRIC}{{{LABEL}="{wish.label}"}})',
                "threshold": str(wish.target),
                # Its default takes a metric that is gone for 0, and scales down.
                "ignoreNullValues": "false",
            },
        }
        behavior = {"scaleDown": {"stabilizationWindowSeconds": 0}}
        spec = {
            "scaleTargetRef": {"name": wish.name},
            "minReplicaCount": wish.least,
            "maxReplicaCount": wish.most,
            "pollingInterval": 5,
            "cooldownPeriod": COOLDOWN,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
            "triggers": [trigger],
        }
        return {"apiVersion": _API, "kind": "ScaledObject", "metadata": {"name": wish.name}, "spec": spec}

    def to_none(self) -> Manifest | None:
        return {"spec": {"minReplicaCount": 0}}

    def question(self, wish: Wish) -> Question:
        where = f"/apis/{EXTERNAL}/v1beta1/namespaces/{wish.namespace}/{_NAME}"
        return Question(path=where, query={"labelSelector": f"scaledobject.keda.sh/name={wish.name}"})

    def changed(self, wish: Wish, stored: Manifest, autoscaler: Manifest) -> list[str]:
        spec, own = autoscaler["spec"], stored.get("spec") or {}
        # What it does without a metric is decided by these.
        added = [f"{field} is {own[field]!r}, which was not asked for" for field in _SILENT if field in own]
        wanted = {
            "minReplicas": wish.least,
            "maxReplicas": wish.most,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        }
        targets = [(m.get("external") or {}).get("target") for m in spec.get("metrics") or []]
        target = {"type": "AverageValue", "averageValue": str(wish.target)}
        own_differences = via.differences(self.scaler(wish)["spec"], own)
        return added + own_differences + via.differences(wanted, spec) + via.differences([target], targets, "metrics")


MECHANISM = Keda()
