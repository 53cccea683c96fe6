"""KServe (serving.kserve.io): inference services, here without Knative, with webhooks."""

from aiconform.checks.robust_controller.via import LIVES, Described, children, load, watched
from aiconform.model import Inventory, Operator, Permission

_GROUP = "serving.kserve.io"


class KServe(Described):
    """The adapter; see the module."""

    def describe(self, inventory: Inventory) -> Operator:
        # 0.16 has another name for the mode, and LLMInferenceServices. By its older name it refuses later changes.
        newer = any(inventory.serves(_GROUP, v, "llminferenceservices") for v in ("v1alpha1", "v1alpha2"))
        return load(self.product, mode="Standard" if newer else "RawDeployment")


MECHANISM = KServe(
    "kserve",
    _GROUP,
    "v1beta1",
    "inferenceservices",
    proved="KServe 0.16.0 without Knative on Kubernetes 1.37.1, by hand, sound and stopped",
    permissions=(
        Permission(group=_GROUP, resources=("inferenceservices",), verbs=LIVES, why="the resource under test"),
        children("apps", "deployments"),
        watched("apps", "replicasets"),
    ),
)
