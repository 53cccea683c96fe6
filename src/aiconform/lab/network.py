"""Links, addresses and routes of a lab.

The lab's switch (a bridge) lives in a network namespace of its own, held by one process, and a single cable leads
from it to the host. The host's firewall therefore never sees traffic between the nodes, and when that process ends
the kernel removes the switch, all cables and the routes through them.

    host  --cable--  switch namespace (bridge `lab`)  --cable--  node namespace (eth0), one for each node
"""

from __future__ import annotations

import errno
import ipaddress

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from .errors import LabError
from .layout import NODES, SLOTS, Addresses

SWITCH = "lab"


def _namespace(pid: int) -> str:
    return f"/proc/{pid}/ns/net"


def _index(netlink: IPRoute, name: str) -> int | None:
    found = netlink.link_lookup(ifname=name)
    return int(found[0]) if found else None


def used_networks() -> list[ipaddress.IPv4Network]:
    """IPv4 networks that this machine has an address in or a route to, but the default route."""
    found: list[ipaddress.IPv4Network] = []
    with IPRoute() as netlink:
        for address in netlink.get_addr(family=2):
            text = f"{address.get_attr('IFA_ADDRESS')}/{address['prefixlen']}"
            found.append(ipaddress.IPv4Network(text, strict=False))
        for route in netlink.get_routes(family=2):
            target = route.get_attr("RTA_DST")
            if target is not None:
                found.append(ipaddress.IPv4Network(f"{target}/{route['dst_len']}", strict=False))
    return found


def collision(addresses: Addresses, used: list[ipaddress.IPv4Network]) -> str | None:
    """The first network of the machine that overlaps with the slot's subnets, as text."""
    for mine in (addresses.nodes, addresses.pods, addresses.services):
        for other in used:
            if other.prefixlen > 0 and mine.overlaps(other):
                return f"{mine} overlaps with {other}"
    return None


def choose_slot(taken: set[int], preferred: int | None = None) -> int:
    """The first slot that no lab, route, address or link of this machine uses.

    Raises LabError when there is none, with the reason for the last one.
    """
    used = used_networks()
    with IPRoute() as netlink:
        links = {link.get_attr("IFLA_IFNAME") for link in netlink.get_links()}
    reason = "other labs use them"
    order = list(range(SLOTS))
    if preferred is not None:
        order = [preferred, *(slot for slot in order if slot != preferred)]
    for slot in order:
        addresses = Addresses(slot=slot)
        if slot in taken:
            continue
        clash = collision(addresses, used)
        if clash is None and addresses.link not in links:
            return slot
        reason = clash or f"a link named {addresses.link} exists"
    raise LabError(
        f"none of the lab's {SLOTS} sets of subnets (10.246.0.0/16, 10.249.0.0/16, 10.250.0.0/16) is free on this "
        f"machine ({reason}): remove a lab with `aiconform lab down --name NAME`, or that route"
    )


def make_switch(addresses: Addresses, switch_pid: int) -> None:
    """Make the bridge in the switch's namespace and the cable to the host, with the host's address."""
    try:
        with IPRoute(netns=_namespace(switch_pid)) as inside:
            inside.link("add", ifname=SWITCH, kind="bridge")
            inside.link("set", index=_index(inside, SWITCH), state="up")
        with IPRoute() as host:
            peer = {"ifname": "host", "net_ns_fd": _namespace(switch_pid)}
            host.link("add", ifname=addresses.link, kind="veth", peer=peer)
            index = _index(host, addresses.link)
            host.addr("add", index=index, address=addresses.host, prefixlen=addresses.nodes.prefixlen)
            host.link("set", index=index, state="up")
        with IPRoute(netns=_namespace(switch_pid)) as inside:
            port = _index(inside, "host")
            inside.link("set", index=port, master=_index(inside, SWITCH), state="up")
    except NetlinkError as error:
        raise _explain(error, f"the lab's network at {addresses.nodes}") from error


def plug_node(addresses: Addresses, node: str, switch_pid: int, node_pid: int) -> None:
    """Connect a node's namespace with the switch, and route the pods of every other node through them."""
    cable = f"n{NODES.index(node) + 1}"
    try:
        with IPRoute(netns=_namespace(switch_pid)) as inside:
            if (old := _index(inside, cable)) is not None:
                inside.link("del", index=old)
            peer = {"ifname": "eth0", "net_ns_fd": _namespace(node_pid)}
            inside.link("add", ifname=cable, kind="veth", peer=peer)
            index = _index(inside, cable)
            inside.link("set", index=index, master=_index(inside, SWITCH), state="up")
        with IPRoute(netns=_namespace(node_pid)) as there:
            there.link("set", index=_index(there, "lo"), state="up")
            index = _index(there, "eth0")
            there.addr("add", index=index, address=addresses.node(node), prefixlen=addresses.nodes.prefixlen)
            there.link("set", index=index, state="up")
            there.route("add", dst="default", gateway=addresses.host)
            for other in NODES:
                if other != node:
                    there.route("add", dst=addresses.pod_subnet(other), gateway=addresses.node(other))
    except NetlinkError as error:
        raise _explain(error, f"the network of {node}") from error


def route_host(addresses: Addresses) -> None:
    """Let the host reach pods (webhooks need it) and, through the first node's proxy, ClusterIPs."""
    try:
        with IPRoute() as host:
            for node in NODES:
                host.route("replace", dst=addresses.pod_subnet(node), gateway=addresses.node(node))
            host.route("replace", dst=str(addresses.services), gateway=addresses.node(NODES[0]))
    except NetlinkError as error:
        raise _explain(error, "the host's routes to the lab") from error


def link_exists(name: str) -> bool:
    """Whether the host has a link of that name."""
    with IPRoute() as host:
        return _index(host, name) is not None


def remove_link(name: str) -> None:
    """Delete the host's end of the cable; its routes go with it. Nothing happens when it is gone already."""
    with IPRoute() as host:
        index = _index(host, name)
        if index is None:
            return
        try:
            host.link("del", index=index)
        except NetlinkError as error:
            if error.code != errno.ENODEV:
                raise _explain(error, f"link {name}") from error


def _explain(error: NetlinkError, what: str) -> LabError:
    hint = "a leftover of another lab may be in the way; run `aiconform lab down` and repeat"
    if error.code == errno.EPERM:
        hint = "this needs root with CAP_NET_ADMIN"
    if error.code == errno.EOPNOTSUPP:
        hint = "the kernel lacks veth or bridge; load them with `modprobe veth bridge`"
    return LabError(f"cannot make {what} ({error.args[-1] if error.args else error}): {hint}")
