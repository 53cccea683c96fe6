"""Azure's managed Prometheus: ServiceMonitor and PodMonitor of azmonitoring.coreos.com/v1 (it does not read those of
monitoring.coreos.com). Queries go to the URL of the workspace, with a token: --metrics-url and --metrics-token-file.
"""

from aiconform.checks.ai_service_metrics.via import Collector, Group, Objects, Registration, Shown
from aiconform.checks.ai_service_metrics.via.monitors import monitor
from aiconform.model import Detection, Inventory, Permission

_GROUP, _API = "azmonitoring.coreos.com", "azmonitoring.coreos.com/v1"


class Azure:
    """The adapter; see the module."""

    product = "azure"
    proved = "not yet; made from its documentation"
    searches = False
    permissions: tuple[Permission, ...] = (
        Permission(group=_GROUP, resources=("podmonitors",), verbs=("create", "delete"), why="registers the probe"),
    )

    def detect(self, inventory: Inventory) -> Detection:
        if inventory.serves(_GROUP, "v1", "podmonitors"):
            return Detection(usable=True, because=f"the API server serves podmonitors of {_API}")
        return Detection(usable=False, because=f"the API server does not serve podmonitors of {_API}")

    def kinds(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        del served
        return ()

    def collectors(self, objects: Objects, shown: tuple[Shown, ...]) -> tuple[Collector, ...]:
        del objects, shown
        return (Collector(name="managed", way="pod"),)

    def register(self, group: Group, collector: Collector) -> Registration:
        return Registration(objects=[monitor(_API, "PodMonitor", group, collector.labels, "podMetricsEndpoints")])


MECHANISM = Azure()
