"""Operators that the user describes (--operator FILE, or `operators` in the settings file)."""

from aiconform.model import Detection, Inventory, Operator, Permission


class Custom:
    """Stands for every description of the user's; what it needs depends on them, and is not known beforehand."""

    product = "custom"
    tried = "if described"
    proved = "depends on the description; tried in CI on the lab with a description of JobSet"
    permissions: tuple[Permission, ...] = ()

    def detect(self, inventory: Inventory) -> Detection:
        """Never by itself."""
        del inventory
        return Detection(usable=False, because="no operator was described with --operator")

    def describe(self, inventory: Inventory) -> Operator:
        """There is none: the plan takes the user's."""
        del inventory
        raise LookupError("the user's descriptions are in the options")


MECHANISM = Custom()
