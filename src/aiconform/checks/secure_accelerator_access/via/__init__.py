"""How a pod asks for an accelerator, and which ways around the allocation that way of asking offers."""

from typing import Any, Protocol

from aiconform.cluster.asking import Ask
from aiconform.model import Accelerator, Detection, Inventory

Object = dict[str, Any]


class Access(Protocol):
    """One way of asking. Pure: manifests only."""

    product: str

    def detect(self, inventory: Inventory) -> Detection:
        """Whether anything here can be asked for in this way."""

    def first(self, accelerator: Accelerator, name: str) -> Ask:
        """One unit for the first holder, by an object of this name that others could try to name, too."""

    def fresh(self, accelerator: Accelerator, name: str) -> Ask:
        """One unit of the pod's own."""

    def borrowed(self, name: str) -> Ask | None:
        """How a pod of another namespace would name the first holder's object; None if nothing can be named."""

    def admin(self, accelerator: Accelerator, name: str) -> tuple[Object, Object] | None:
        """A plain request object and the same one with admin access; None if there is no such thing."""
