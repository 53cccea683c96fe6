"""A metric of one object (here: of a pod that exports the whole load), from custom.metrics.k8s.io."""

from aiconform.checks.pod_autoscaling import via
from aiconform.checks.pod_autoscaling.via import CUSTOM, METRIC, Manifest, Question, Wish
from aiconform.checks.pod_autoscaling.via.pods_metric import CHANGE, CREATE, api
from aiconform.checks.pod_autoscaling.via.pods_metric import MECHANISM as PODS
from aiconform.model import Detection, Inventory, Permission

DIAL = "dial"


class ObjectMetric:
    """The adapter; see the module."""

    product = "object-metric"
    proved = "the lab: its own metrics API over Prometheus 0.315, Kubernetes 1.37"
    tried = "if named"
    total = True
    scaler_first = False
    needs_prometheus = False
    brings = False
    permissions = (
        CREATE,
        CHANGE,
        Permission(group=CUSTOM, resources=(f"pods/{METRIC}",), verbs=("get",), why="what the autoscaler is told"),
    )

    def detect(self, inventory: Inventory) -> Detection:
        return PODS.detect(inventory)

    def scaler(self, wish: Wish) -> Manifest:
        metric = {
            "describedObject": {"apiVersion": "v1", "kind": "Pod", "name": DIAL},
            "metric": {"name": METRIC},
            "target": {"type": "AverageValue", "averageValue": str(wish.target)},
        }
        return via.autoscaler(wish, {"type": "Object", "object": metric})

    def to_none(self) -> Manifest | None:
        return via.TO_NONE

    def question(self, wish: Wish) -> Question:
        return Question(path=f"/apis/{api(wish)}/namespaces/{wish.namespace}/pods/{DIAL}/{METRIC}")

    def changed(self, wish: Wish, stored: Manifest, autoscaler: Manifest) -> list[str]:
        spec = self.scaler(wish)["spec"]
        return via.differences(spec, stored["spec"]) or via.differences(spec, autoscaler["spec"])


MECHANISM = ObjectMetric()
