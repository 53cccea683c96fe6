"""An external metric, from external.metrics.k8s.io: prometheus-adapter, clouds' own adapters, and others."""

from aiconform.checks.pod_autoscaling import via
from aiconform.checks.pod_autoscaling.via import EXTERNAL, LABEL, METRIC, Manifest, Question, Wish
from aiconform.checks.pod_autoscaling.via.pods_metric import CHANGE, CREATE
from aiconform.model import Detection, Inventory, Permission

API = f"{EXTERNAL}/v1beta1"


class ExternalMetric:
    """The adapter; see the module."""

    product = "external-metric"
    proved = (
        "the lab: its own metrics API over Prometheus 0.315, Kubernetes 1.37; by hand there: prometheus-adapter of "
        "2025-04-01 (01919d0e), also with a rule that leaves the selectors out; adapters of clouds: not yet"
    )
    tried = "where found"
    total = True
    scaler_first = False
    needs_prometheus = False
    brings = False
    permissions = (
        CREATE,
        CHANGE,
        Permission(group=EXTERNAL, resources=(METRIC,), verbs=("list",), why="what the autoscaler is told"),
    )

    def detect(self, inventory: Inventory) -> Detection:
        if not via.serves(inventory, API):
            return Detection(usable=False, because=f"{EXTERNAL} is not registered")
        if inventory.versions("keda.sh", "scaledobjects"):
            # It answers for ScaledObjects only, and there is one external metrics API in a cluster.
            return Detection(usable=False, because=f"{EXTERNAL} is taken for KEDA's, since keda.sh is served")
        found = Detection(usable=True, because=f"{API} is registered", version="v1beta1")
        return via.no_autoscaling(inventory) or found

    def scaler(self, wish: Wish) -> Manifest:
        metric = {
            "metric": {"name": METRIC, "selector": {"matchLabels": {LABEL: wish.label}}},
            "target": {"type": "AverageValue", "averageValue": str(wish.target)},
        }
        return via.autoscaler(wish, {"type": "External", "external": metric})

    def to_none(self) -> Manifest | None:
        return via.TO_NONE

    def question(self, wish: Wish) -> Question:
        where = f"/apis/{API}/namespaces/{wish.namespace}/{METRIC}"
        return Question(path=where, query={"labelSelector": f"{LABEL}={wish.label}"})

    def changed(self, wish: Wish, stored: Manifest, autoscaler: Manifest) -> list[str]:
        spec = self.scaler(wish)["spec"]
        return via.differences(spec, stored["spec"]) or via.differences(spec, autoscaler["spec"])


MECHANISM = ExternalMetric()
