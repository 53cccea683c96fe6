"""Inventories made by hand, as a survey would make them."""

from collections.abc import Iterable
from typing import Any

from aiconform.inventory.offers import METRICS
from aiconform.inventory.products import table
from aiconform.model import Accelerator, ApiResource, Inventory, Node, Offer, Product

LISTED = tuple(
    sorted([f"{r['api'].split('/')[1]}.{r['api'].split('/')[0]}" for r in table()["offers"]])
    + [f"metrics.{g}" for g in METRICS]
)
APIS = [
    *("v1/Pod", "v1/Service", "v1/ConfigMap", "v1/PersistentVolumeClaim", "v1/Namespace", "batch/v1/Job"),
    *("apps/v1/Deployment", "apps/v1/StatefulSet", "apps/v1/DaemonSet", "batch/v1/CronJob"),
    *("autoscaling/v2/HorizontalPodAutoscaler", "networking.k8s.io/v1/Ingress", "storage.k8s.io/v1/StorageClass"),
    *("resource.k8s.io/v1/ResourceClaim", "resource.k8s.io/v1/ResourceClaimTemplate"),
    *("resource.k8s.io/v1/DeviceClass", "scheduling.k8s.io/v1/PriorityClass"),
]
H100 = "NVIDIA-H100-80GB-HBM3"


def api(name: str) -> ApiResource:
    """ "batch/v1/Job" as discovery lists it."""
    *group, version, kind = name.split("/")
    return ApiResource(
        group="/".join(group), version=version, plural=kind.lower() + "s", kind=kind, namespaced=True, verbs=("list",)
    )


def node(
    name: str, /, labels: dict[str, str] | None = None, taints: Iterable[dict[str, str]] = (), **more: Any
) -> Node:
    amounts = {"cpu": "64", "memory": "512Gi", **more.pop("allocatable", {})}
    return Node(
        name=name,
        uid=name,
        ready=True,
        unschedulable=False,
        labels={"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", **(labels or {})},
        taints=tuple(taints),
        allocatable=amounts,
        kubelet="v1.37.1",
        runtime="containerd://2.2.0",
        architecture=more.pop("architecture", "amd64"),
    )


def plugin(resource: str = "nvidia.com/gpu", nodes: dict[str, int] | None = None, **more: Any) -> Accelerator:
    """Accelerators by device plugin."""
    said: dict[str, Any] = {"vendor": "nvidia", "recognised": True, "model": H100, **more}
    return Accelerator(
        id=f"{said['vendor']}-device-plugin",
        form="device-plugin",
        resource=resource,
        nodes=nodes or {"gpu-1": 8},
        **said,
    )


def dra(device_class: str = "gpu.nvidia.com", nodes: dict[str, int] | None = None, **more: Any) -> Accelerator:
    """Accelerators by claim."""
    said: dict[str, Any] = {
        "vendor": "nvidia",
        "driver": "gpu.nvidia.com",
        "recognised": True,
        "model": "NVIDIA H100 80GB HBM3",
        "attributes": {"type": "gpu", "productName": "NVIDIA H100 80GB HBM3"},
        "capacity": {"memory": ("80Gi",)},
        **more,
    }
    return Accelerator(
        id=f"{said['vendor']}-dra", form="dra", device_class=device_class, nodes=nodes or {"dra-1": 8}, **said
    )


def offer(resource: str, name: str, **more: Any) -> Offer:
    """resource: "storageclasses.storage.k8s.io"; facts by keyword."""
    namespace, default = more.pop("namespace", ""), more.pop("default", False)
    return Offer(resource=resource, name=name, namespace=namespace, default=default, facts=more)


def cluster(
    nodes: Iterable[Node] = (),
    accelerators: Iterable[Accelerator] = (),
    offers: Iterable[Offer] = (),
    apis: Iterable[str] = (),
    products: Iterable[str] = (),
    listed: tuple[str, ...] = LISTED,
    **more: Any,
) -> Inventory:
    return Inventory(
        server_version=more.pop("version", "v1.37.1"),
        platform=more.pop("platform", "made"),
        apis=tuple(api(a) for a in (*APIS, *apis)),
        nodes=tuple(nodes),
        accelerators=tuple(accelerators),
        products=tuple(Product(name=p) for p in products),
        offers=tuple(offers),
        listed=listed,
        **more,
    )


def by_plugin(**more: Any) -> Inventory:
    """A cluster whose GPUs a device plugin offers, with product labels and a taint."""
    labels = {"nvidia.com/gpu.product": H100, "nvidia.com/gpu.present": "true"}
    taint = {"key": "nvidia.com/gpu", "effect": "NoSchedule"}
    gpu = node("gpu-1", labels, [taint], allocatable={"nvidia.com/gpu": "8"})
    return cluster([gpu, node("cpu-1")], [plugin()], **more)


def by_claim(**more: Any) -> Inventory:
    """A cluster whose GPUs are claimed by DRA."""
    return cluster([node("dra-1"), node("cpu-1")], [dra()], **more)
