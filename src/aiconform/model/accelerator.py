"""Accelerators as the survey found them."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class ProbeHints:
    """What a probe inside a container must know about one vendor's devices. Data, filled by an adapter.

    `device_paths`: glob patterns of the device nodes that give access to an accelerator.
    `shared_paths`: nodes that every holder gets by design (/dev/kfd, /dev/nvidiactl); seeing or opening one
    is no violation inside a holder. `drivers`: names in /proc/devices whose majors belong to the vendor.
    `hint_env`: variables with which an image can ask the runtime for devices behind Kubernetes' back.
    `identity_env`: variable in which the runtime or driver names the granted devices, comma separated ("" if
    none). `identity_command`: argv that prints one identity a line (empty if none).
    `version_files`: files that tell the kernel driver's version in a plain pod.
    """

    device_paths: tuple[str, ...]
    shared_paths: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    hint_env: dict[str, str] = field(default_factory=dict)
    identity_env: str = ""
    identity_command: tuple[str, ...] = ()
    version_files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """One kind of accelerator in one way of asking for it.

    `form` is how a pod asks: `dra` (a ResourceClaim of `device_class`), `device-plugin` (the extended
    resource `resource`), or `dra-extended` (the extended resource `resource`, served by DRA through a
    DeviceClass: KEP-5004; node allocatable may not list it). `id` names it in file names: [a-z0-9-]+.
    `selector` is the CEL of `device_class`, its selectors joined by `&&`.
    `nodes` maps a node's name to the number of units it advertises (not: free).
    `recognised` is False if no adapter knows the vendor: device-level clauses are then UNKNOWN.
    `shared` says that one unit is not a whole physical device of its own (time slices, MPS).
    `attributes` holds the DRA attributes common to all of its devices, `varying` the different values of others
    and `capacity` those of each capacity, where they are few.
    """

    id: str
    vendor: str
    form: Literal["dra", "device-plugin", "dra-extended"]
    resource: str = ""
    driver: str = ""
    device_class: str = ""
    selector: str = ""
    model: str = ""
    nodes: dict[str, int]
    recognised: bool
    shared: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    varying: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    capacity: dict[str, tuple[str, ...]] = field(default_factory=dict)
    hints: ProbeHints | None = None
