"""Policies that may keep pods from reaching each other."""

from aiconform.model import Inventory

# Told by how their plural ends, whoever makes them.
_POLICIES = ("networkpolicies", "authorizationpolicies", "securitygrouppolicies")


def policy_apis(inventory: Inventory) -> list[str]:
    """Served kinds of such policies ("PLURAL.GROUP") beside Kubernetes' own NetworkPolicy."""
    found = {f"{a.plural}.{a.group}" for a in inventory.apis if a.plural.endswith(_POLICIES)}
    return sorted(found - {"networkpolicies.networking.k8s.io"})
