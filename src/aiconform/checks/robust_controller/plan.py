"""Which operators are tried, and where their pods may run. Pure."""

from typing import Any

from aiconform.checks.robust_controller.check import CHECK
from aiconform.checks.robust_controller.via import mechanisms
from aiconform.model import Attempt, Inventory, Level, Node, Operator, Options, decode, encode
from aiconform.planning import NO_NODE, Planner, claims

_REPELS = ("NoSchedule", "NoExecute")


def attempts(inventory: Inventory, options: Options, level: Level) -> list[Attempt]:
    """One attempt for every operator that was found or described; one that says why, if there is none."""
    p = Planner(check=CHECK, inventory=inventory, options=options, level=level)
    known = {m.product: m for m in mechanisms()}
    chosen = [m for name, m in known.items() if name == p.wanted or not p.wanted]
    detected = [(m, m.detect(inventory)) for m in chosen]
    made = [_tried(p, m.product, m.product, m.describe(inventory), d.because) for m, d in detected if d.usable]
    if p.wanted in ("", "custom"):
        because = "it was described by the user"
        made += [_tried(p, "custom", _name(o, set(known)), o, because) for o in options.operators]
    if made:
        return made
    via = p.wanted or "none"
    why = "no AI operator was found: " + "; ".join(f"{m.product}: {d.because}" for m, d in detected)
    return [p.attempt(via, {"mechanism": via}, unable=("mechanism-not-found", why))]


def _name(operator: Operator, taken: set[str]) -> str:
    """The name of an attempt: never that of an adapter."""
    clean = "".join(c if c.isalnum() else "-" for c in operator.name.lower()).strip("-") or "operator"
    return f"custom-{clean}" if clean in taken else clean


def _tried(p: Planner, product: str, via: str, operator: Operator, because: str) -> Attempt:
    facts = {
        "mechanism": product,
        "operator": decode(encode(operator), dict[str, Any]),
        "detected": because,
        "version": p.inventory.server_version,
    }
    resource, missing = _resource(operator, p.inventory)
    if missing:
        return p.attempt(via, facts, unable=("not-served", f"the API server does not serve {missing}"))
    nodes = p.usable()
    if not nodes:
        return p.attempt(via, facts, unable=NO_NODE)
    where = {
        "resource": resource,
        "node_selector": {"kubernetes.io/os": "linux", **p.options.node_selector},
        "taints": min((_taints(n) for n in nodes), key=len),
    }
    # Its pods may run anywhere, as a user's would.
    return p.attempt(via, facts | where, asked=product == "custom", shares=claims.anywhere(nodes))


def _resource(operator: Operator, inventory: Inventory) -> tuple[dict[str, str], str]:
    """The resource under test as {api, plural, kind}, and what is not served ("" if all is)."""
    api, kind = str(operator.valid["apiVersion"]), str(operator.valid["kind"])
    found = [a for a in inventory.apis if (_api(a.group, a.version), a.kind) == (api, kind)]
    if not found:
        return {}, f"{kind} of {api}"
    for child in (*operator.makes, *operator.between):
        if not any((_api(a.group, a.version), a.plural) == (child.api, child.plural) for a in inventory.apis):
            return {}, f"{child.plural} of {child.api}"
    return {"api": api, "plural": found[0].plural, "kind": kind}, ""


def _api(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version


def _taints(node: Node) -> list[dict[str, Any]]:
    return [dict(t) for t in node.taints if t.get("effect") in _REPELS]
