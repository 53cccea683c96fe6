"""A metric of pods, from custom.metrics.k8s.io: prometheus-adapter and whatever else serves that API."""

from aiconform.checks.pod_autoscaling import via
from aiconform.checks.pod_autoscaling.via import CUSTOM, METRIC, Manifest, Question, Wish
from aiconform.model import Detection, Inventory, Permission

CREATE = Permission(
    group="autoscaling", resources=("horizontalpodautoscalers",), verbs=("create",), why="the autoscaler"
)
CHANGE = Permission(
    group="autoscaling", resources=("horizontalpodautoscalers",), verbs=("patch",), why="letting it go to no replica"
)


class PodsMetric:
    """The adapter; see the module."""

    product = "pods-metric"
    proved = (
        "the lab: its own metrics API over Prometheus 0.315 (v1beta2 and v1beta1), Kubernetes 1.37; by hand there: "
        "prometheus-adapter of 2025-04-01 (01919d0e), also with a rule that adds all namespaces"
    )
    tried = "where found"
    total = False
    scaler_first = False
    needs_prometheus = False
    brings = False
    permissions = (
        CREATE,
        Permission(group=CUSTOM, resources=(f"pods/{METRIC}",), verbs=("get",), why="what the autoscaler is told"),
    )

    def detect(self, inventory: Inventory) -> Detection:
        versions = via.custom(inventory)
        if not versions:
            return Detection(usable=False, because=f"{CUSTOM} is not registered")
        found = Detection(usable=True, because=f"{CUSTOM}/{versions[0]} is registered", version=versions[0])
        return via.no_autoscaling(inventory) or found

    def scaler(self, wish: Wish) -> Manifest:
        target = {"type": "AverageValue", "averageValue": str(wish.target)}
        return via.autoscaler(wish, {"type": "Pods", "pods": {"metric": {"name": METRIC}, "target": target}})

    def to_none(self) -> Manifest | None:
        return None

    def question(self, wish: Wish) -> Question:
        return Question(path=f"/apis/{api(wish)}/namespaces/{wish.namespace}/pods/*/{METRIC}")

    def changed(self, wish: Wish, stored: Manifest, autoscaler: Manifest) -> list[str]:
        spec = self.scaler(wish)["spec"]
        return via.differences(spec, stored["spec"]) or via.differences(spec, autoscaler["spec"])


def api(wish: Wish) -> str:
    """The version of custom.metrics.k8s.io that the autoscaler itself prefers."""
    return next(f"{CUSTOM}/{v}" for v in ("v1beta2", "v1beta1") if f"{CUSTOM}/{v}" in wish.served)


MECHANISM = PodsMetric()
