"""Nodes that pods can be put on."""

from collections.abc import Iterable
from typing import Any

from aiconform.model import Inventory, Node, Options
from aiconform.planning.claims import NO_LOAD, Load, filled

NO_NODE = ("no-node", "no Linux node is Ready, schedulable and selected")
_SIMULATED = ("kwok", "fake")


def schedulable(inventory: Inventory, options: Options) -> list[Node]:
    """Nodes that are Ready, not cordoned, and selected by the user."""
    return [
        n
        for n in inventory.nodes
        if n.ready and not n.unschedulable and options.node_selector.items() <= n.labels.items()
    ]


def usable(inventory: Inventory, options: Options) -> list[Node]:
    """Those of them that run Linux, as the probe image does. A node that does not say is taken for one."""
    return [n for n in schedulable(inventory, options) if n.labels.get("kubernetes.io/os", "linux") == "linux"]


def simulated(node: Node) -> bool:
    """Whether nothing runs there, although its pods are said to run."""
    return node.kubelet.startswith(_SIMULATED)


def gentlest(nodes: Iterable[Node], load: Load = NO_LOAD) -> list[Node]:
    """For pods that need no accelerator, the best first: nodes that run code, with the fewest taints and room."""
    return sorted(nodes, key=lambda n: (simulated(n), len(n.taints), filled(n, load), n.name))


def place(node: Node) -> dict[str, Any]:
    """What a pod needs to be put there and nowhere else: {name, hostname, taints}."""
    return {
        "name": node.name,
        # On some clouds it is not the node's name.
        "hostname": node.labels.get("kubernetes.io/hostname", node.name),
        "taints": [dict(t) for t in node.taints],
    }


def on(node: Node) -> dict[str, Any]:
    """The same as facts of an attempt that uses one node only: {node, hostname, taints}."""
    where = place(node)
    return {"node": where.pop("name"), **where}
