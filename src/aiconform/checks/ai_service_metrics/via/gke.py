"""Google's managed collection: PodMonitoring of monitoring.googleapis.com/v1. Queries go to a URL that the user names
(the frontend of the managed service) or to a Service that answers the Prometheus API.
"""

from aiconform.checks.ai_service_metrics.via import (
    NOWHERE_WRITTEN,
    PATH,
    PORT_NAME,
    Collector,
    Group,
    Manifest,
    Objects,
    Registration,
    Shown,
)
from aiconform.model import Detection, Inventory, Permission

_GROUP, _API = "monitoring.googleapis.com", "monitoring.googleapis.com/v1"


class Gke:
    """The adapter; see the module."""

    product = "gke"
    proved = "not yet; made from its documentation"
    searches = True
    permissions: tuple[Permission, ...] = (
        Permission(
            group="",
            resources=("services",),
            verbs=("list",),
            scope="cluster",
            why="finds the Services that answer the Prometheus API",
        ),
        Permission(
            group=_GROUP, resources=("podmonitorings",), verbs=("create", "delete"), why="registers the probe",
        ),
    )  # fmt: skip

    def detect(self, inventory: Inventory) -> Detection:
        if inventory.serves(_GROUP, "v1", "podmonitorings"):
            return Detection(usable=True, because=f"the API server serves podmonitorings of {_API}")
        return Detection(usable=False, because=f"the API server does not serve podmonitorings of {_API}")

    def kinds(self, served: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        del served
        return ()

    def collectors(self, objects: Objects, shown: tuple[Shown, ...]) -> tuple[Collector, ...]:
        del objects, shown
        return (Collector(name="managed", way="pod", elsewhere=NOWHERE_WRITTEN),)

    def register(self, group: Group, collector: Collector) -> Registration:
        del collector
        # The interval is a required field of this kind.
        endpoint = {"port": PORT_NAME, "path": PATH, "interval": "15s"}
        spec = {"selector": {"matchLabels": dict(group.labels)}, "endpoints": [endpoint]}
        made: Manifest = {"apiVersion": _API, "kind": "PodMonitoring", "metadata": {"name": group.name}, "spec": spec}
        return Registration(objects=[made])


MECHANISM = Gke()
