"""A metric of pods by a metrics API that the suite itself brings, for platforms that have none."""

from aiconform.checks.pod_autoscaling import via
from aiconform.checks.pod_autoscaling.via import CUSTOM, METRIC, Manifest, Question, Wish
from aiconform.checks.pod_autoscaling.via.pods_metric import CREATE
from aiconform.checks.pod_autoscaling.via.pods_metric import MECHANISM as PODS
from aiconform.model import Detection, Inventory, Permission

_VERSION = "v1beta2"
_RBAC = "rbac.authorization.k8s.io"


class OwnAdapter:
    """The adapter; see the module."""

    product = "own-adapter"
    proved = "the lab, Kubernetes 1.37"
    tried = "if named"
    total = False
    scaler_first = False
    needs_prometheus = False
    brings = True
    permissions = (
        CREATE,
        Permission(group=CUSTOM, resources=(f"pods/{METRIC}",), verbs=("get",), why="what the autoscaler is told"),
        Permission(
            group="apiregistration.k8s.io",
            resources=("apiservices",),
            verbs=("create", "list", "watch", "delete"),
            scope="cluster",
            why=f"registering the suite's metrics API, where nothing else serves {CUSTOM}",
        ),
        Permission(group=_RBAC, resources=("roles", "rolebindings"), verbs=("create",), why="what it may read"),
        Permission(group="", resources=("serviceaccounts", "services"), verbs=("create",), why="its server"),
    )

    def detect(self, inventory: Inventory) -> Detection:
        there = via.custom(inventory)
        if there:
            because = f"{CUSTOM}/{there[0]} is registered, and is never replaced: it is tried by pods-metric"
            return Detection(usable=False, because=because)
        found = Detection(
            usable=True, because=f"{CUSTOM} is not registered, so the suite can bring it", version=_VERSION
        )
        return via.no_autoscaling(inventory) or found

    def scaler(self, wish: Wish) -> Manifest:
        return PODS.scaler(wish)

    def to_none(self) -> Manifest | None:
        return PODS.to_none()

    def question(self, wish: Wish) -> Question:
        return Question(path=f"/apis/{CUSTOM}/{_VERSION}/namespaces/{wish.namespace}/pods/*/{METRIC}")

    def changed(self, wish: Wish, stored: Manifest, autoscaler: Manifest) -> list[str]:
        return PODS.changed(wish, stored, autoscaler)


MECHANISM = OwnAdapter()
