"""Which GatewayClasses are tried, and on which node clients and backends run. Pure."""

from typing import Any

from aiconform.checks.ai_inference.check import CHECK
from aiconform.checks.ai_inference.via import GatewayMechanism, mechanisms
from aiconform.model import Attempt, Inventory, Level, Options
from aiconform.planning import NO_NODE, Planner, claims, on, policy_apis


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt for every accepted class; one that says why, if there is none."""
    # CLASS, or CLASS:HOST[:PORT] where the user knows a way in that the Gateway's status does not tell.
    p = Planner(check=CHECK, inventory=inventory, options=options, level=level)
    wanted, _, address = p.wanted.partition(":")
    (mechanism,) = mechanisms()
    found = mechanism.detect(inventory)
    if not found.usable:
        return [p.attempt("none", unable=("mechanism-not-found", found.because))]
    chosen, why = _chosen(mechanism, inventory.facts.get("gateway_classes") or [], wanted)
    if not chosen:
        return [p.attempt(wanted or "none", unable=("mechanism-not-found", why))]
    nodes = p.gentlest()
    if not nodes:
        return [p.attempt(c["name"], unable=NO_NODE) for c in chosen]
    about = {
        "mechanism": mechanism.product,
        "claimed": bool(wanted),
        "address": address,
        "policy_apis": policy_apis(inventory),
        **on(nodes[0]),
        **found.facts,
    }
    # The gateway's own pods, which its controller makes, go anywhere.
    shares = (*claims.room(nodes[:1]), *claims.anywhere(nodes))
    return [p.attempt(c["name"], about | {"class": c}, shares=shares) for c in chosen]


def _chosen(
    mechanism: GatewayMechanism, classes: list[dict[str, Any]], wanted: str
) -> tuple[list[dict[str, Any]], str]:
    """The classes to try; or why there are none."""
    if wanted:
        named = [c for c in classes if c["name"] == wanted]
        known = ", ".join(sorted(c["name"] for c in classes)) or "none at all"
        return named, f"there is no GatewayClass {wanted}: there is {known}"
    tried, said = [], []
    for c in classes:
        spared = mechanism.spared(c["name"], c["controller"])
        if spared:
            said.append(f"{c['name']} is for something else ({spared})")
        elif not c["accepted"]:
            said.append(f"{c['name']} is not accepted by {c['controller']} ({c['because'] or 'it says nothing'})")
        else:
            tried.append(c)
    return tried, "no GatewayClass can be tried: " + ("; ".join(said) or "there is none")
